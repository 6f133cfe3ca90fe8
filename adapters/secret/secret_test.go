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
	text := "a " + value + " b s3cr3t%2F%2Bvalue%3F c czNjcjN0Lyt2YWx1ZT8= d " + value + "more e " +
		fmt.Sprintf("%x", value)
	want := "a [redacted] b [redacted] c [redacted] d [redacted] e [redacted]"
	if got := secret.Clean(text, short, long); got != want {
		t.Errorf("Clean = %q, want %q", got, want)
	}
	if got := secret.Clean("an id", secret.New("id"), secret.New("")); got != "an id" {
		t.Errorf("a secret that is too short changed the text to %q", got)
	}
}

func TestCleanFindsASecretInJSON(t *testing.T) {
	for value, forms := range map[string][]string{
		`say "no" \ to/it`: {`say \"no\" \\ to/it`, `say \"no\" \\ to\/it`},
		"<a&b>\n\t'c'":     {`<a&b>\n\t'c'`, `\u003ca\u0026b\u003e\n\t'c'`},
		"schön 😀 \"ja\" / né": {
			`schön 😀 \"ja\" / né`,
			`sch\u00f6n \ud83d\ude00 \"ja\" / n\u00e9`,
			`sch\u00f6n \ud83d\ude00 \"ja\" \/ n\u00e9`,
		},
		"bell\x07\u2028\"end": {"bell\\u0007\u2028\\\"end", `bell\u0007\u2028\"end`},
		"no UTF-8: \xff\"":    {`no UTF-8: ` + "\ufffd" + `\"`, `no UTF-8: \ufffd\"`},
	} {
		for _, form := range append(forms, value) {
			text := `{"message":"not with ` + form + `!"}`
			if got, want := secret.Clean(text, secret.New(value)), `{"message":"not with [redacted]!"}`; got != want {
				t.Errorf("%s became %s", text, got)
			}
			for cut := 4; cut < len(form); cut++ { // The text ends within the secret.
				if got := secret.Clean("not with "+form[:cut], secret.New(value)); got != "not with [redacted]" {
					t.Errorf("%s became %s", form[:cut], got)
				}
			}
		}
	}
}

func TestCleanFindsASecretInAURL(t *testing.T) {
	const value = "p w/é&=;+%"
	for _, form := range []string{
		"p+w%2F%C3%A9%26%3D%3B%2B%25", "p%20w%2F%C3%A9%26%3D%3B%2B%25", "p%20w%2F%C3%A9&=%3B+%25",
	} {
		if got := secret.Clean("/x?a="+form+"&b=1", secret.New(value)); got != "/x?a=[redacted]&b=1" {
			t.Errorf("%s became %s", form, got)
		}
	}
}

func TestCleanFindsWhatIsLeftWhereTheTextBreaksOff(t *testing.T) {
	page := strings.Repeat(value+" ", 3)
	for cut := len(page) - len(value) - 1; cut < len(page); cut++ {
		if got := secret.Clean(page[:cut], secret.New(value)); strings.Contains(got, value[:4]) {
			t.Errorf("%q became %q", page[:cut], got)
		}
	}
}
