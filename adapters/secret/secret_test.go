package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/drmhub/drmhub/adapters/secret"
)

const value = "s3cr3t/+value?"

func TestNoEncodingShowsTheSecret(t *testing.T) {
	s := secret.New(value)
	held := struct {
		Key    secret.Text
		Keys   []secret.Text
		hidden secret.Text
		more   []secret.Text
	}{s, []secret.Text{s}, s, []secret.Text{s}}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		fmt.Fprintf(&out, verb+verb+verb, s, &s, held)
	}
	fmt.Fprintln(&out, fmt.Errorf("login with %v", s))
	slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "key", s, "held", held)
	slog.New(slog.NewTextHandler(&out, nil)).Info("m", "key", s, "held", held)
	if err := json.NewEncoder(&out).Encode(held); err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{value, fmt.Sprintf("%x", value), fmt.Sprintf("%X", value)} {
		if strings.Contains(out.String(), form) {
			t.Errorf("%q shows in %s", form, out.String())
		}
	}
	if s.Reveal() != value {
		t.Errorf("Reveal() = %q", s.Reveal())
	}
}

func TestCleanFindsEveryForm(t *testing.T) {
	short, long := secret.New(value), secret.New(value+"more")
	text := "a " + value + " b s3cr3t%2F%2Bvalue%3F c czNjcjN0Lyt2YWx1ZT8= d " + value + "more e"
	want := "a [redacted] b [redacted] c [redacted] d [redacted] e"
	if got := secret.Clean(text, short, long); got != want {
		t.Errorf("Clean = %q, want %q", got, want)
	}
	if got := secret.Clean("an id", secret.New("id"), secret.New("")); got != "an id" {
		t.Errorf("a secret too short to be one blanked out %q", got)
	}
}

func TestCleanFindsWhatIsLeftWhereTheTextBreaksOff(t *testing.T) {
	page := strings.Repeat(value+" ", 3)
	for cut := len(page) - len(value) - 1; cut < len(page); cut++ {
		if got := secret.Clean(page[:cut], secret.New(value)); strings.Contains(got, value[:4]) {
			t.Errorf("of %q is left %q", page[:cut], got)
		}
	}
}
