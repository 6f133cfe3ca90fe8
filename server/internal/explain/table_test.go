package explain_test

import (
	_ "embed"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/explain"
)

//go:embed testdata/codes.txt
var listed string

// or returns the name of an enum's value, or "-" for the unspecified one.
func or(name fmt.Stringer, unspecified string) string {
	if name.String() == unspecified {
		return "-"
	}
	return name.String()
}

func TestEveryCodeHasItsExplanation(t *testing.T) {
	n := 0
	for line := range strings.Lines(listed) {
		words := strings.Split(strings.TrimSpace(line), "|")
		if strings.HasPrefix(line, "#") {
			continue
		}
		n++
		kind, code := words[0], words[1]
		e, err := explain.Code(kind, code)
		if err != nil {
			t.Fatalf("%s %s: %v", kind, code, err)
		}
		got := strings.Join([]string{
			kind, e.GetErrorCode(), or(e.GetClass(), "CLASS_UNSPECIFIED"), or(e.GetOwner(), "OWNER_UNSPECIFIED"),
			or(e.GetRetryable(), "RETRYABLE_UNSPECIFIED"), or(e.GetConfidence(), "CONFIDENCE_UNSPECIFIED"),
		}, "|")
		if got != strings.TrimSpace(line) {
			t.Errorf("%s, want %s", got, line)
		}
		if e.GetMeaning() == "" || e.GetSource() == "" || len(e.GetFixes()) == 0 {
			t.Errorf("%s %s lacks its meaning, its source or what to do: %v", kind, code, e)
		}
		for _, text := range append(e.GetFixes(), e.GetMeaning()) {
			if !strings.HasSuffix(text, ".") {
				t.Errorf("%s %s: %q is no sentence", kind, code, text)
			}
		}
	}
	if n < 300 {
		t.Errorf("only %d codes", n)
	}
}

func TestACodeIsReadAsItsVendorWritesIt(t *testing.T) {
	const inner = `{"ERROR":"A101","MESSAGE":"no right to movie-7"}`
	for _, c := range []struct{ kind, text, code, class, meaning string }{
		{"pallycon", " 7011\t", "7011", "TOKEN_EXPIRED", "expired"},
		{"pallycon", "a9104", "A9104", "FAIRPLAY_CREDENTIALS", "password"},
		{"pallycon", "07011", "07011", "UNKNOWN", "does not know"},
		{"pallycon", "7 011", "7 011", "UNKNOWN", "does not know"},
		{"pallycon", "7311", "7311", "UNKNOWN", "https://doverunner.com/"},
		{"pallycon", "6007", "6007", "UNKNOWN", "does not know"},
		{"pallycon", "", "", "UNKNOWN", "does not know"},
		{"pallycon", "8002", "8002", "OPERATOR_CALLBACK", "refused"},
		{"pallycon", "8002 " + inner, "8002", "OPERATOR_CALLBACK", `"A101", and its text "no right to movie-7"`},
		{"pallycon", "8002: " + inner, "8002", "OPERATOR_CALLBACK", `"A101"`},
		{"pallycon", inner, "8002", "OPERATOR_CALLBACK", `"A101"`},
		{"pallycon", `8002 {"ERROR":7,"MESSAGE":"a\nb"}`, "8002", "OPERATOR_CALLBACK", `"7", and its text "a b"`},
		{"pallycon", `8002 {"x":1}`, "8002", "OPERATOR_CALLBACK", "refused"},
		{"pallycon", `{"x":1}`, `{"x":1}`, "UNKNOWN", "does not know"},
		{"pallycon", "shaka:6007", "shaka:6007", "UNKNOWN", "server refused"},
		{"pallycon", "Media3: 6007", "media3:6007", "DEVICE_REVOKED", "revoked"},
		{"pallycon", "nobody:6007", "nobody:6007", "UNKNOWN", "does not know"},
		{"ncp", "7011", "7011", "TOKEN_EXPIRED", "expired"},
		{"ncp", "280007", "280007", "FAIRPLAY_CREDENTIALS", "Object Storage"},
		{"nagra", "1002", "1002", "CHALLENGE_INVALID", "malformed"},
		{"vdocipher", "4000", "4000", "UNKNOWN", "does not know"},
		{"verimatrix", "mdrm-508", "508", "TOKEN_EXPIRED", "expired"},
		{"playready", "8004c065", "0x8004C065", "DEVICE_REVOKED", "revoked"},
		{"fairplay", "4294955460", "code 6, systemCode 4294955460", "FAIRPLAY_CREDENTIALS", "PEM"},
		{"drm.cloud", "DRM_3034", "drm_3034", "GEO_OR_IP", "address"},
		{"telecomx", "7011", "7011", "UNKNOWN", "telecomx"},
	} {
		e, err := explain.Code(c.kind, c.text)
		if err != nil || e.GetErrorCode() != c.code || e.GetClass().String() != c.class ||
			!strings.Contains(e.GetMeaning(), c.meaning) {
			t.Errorf("%s %q: %v, %v; want %s, %s, %q", c.kind, c.text, e, err, c.code, c.class, c.meaning)
		}
		known := e.GetConfidence() != pb.Explanation_CONFIDENCE_UNSPECIFIED
		if known == strings.Contains(e.GetMeaning(), "does not know") || len(e.GetFixes()) == 0 {
			t.Errorf("%s %q: %v", c.kind, c.text, e)
		}
	}
}

func TestASuccessIsNoFailure(t *testing.T) {
	for _, text := range []string{"0000", " 0000 ", "pallycon:0000"} {
		if e, err := explain.Code("pallycon", text); err == nil || !strings.Contains(err.Error(), "success") {
			t.Errorf("%q: %v, %v", text, e, err)
		}
	}
	if e, err := explain.Code("nagra", "0000"); err != nil || e.GetClass() != pb.Explanation_UNKNOWN {
		t.Errorf("%v, %v: another vendor's success", e, err)
	}
}

func TestAnExplanationBelongsToItsCaller(t *testing.T) {
	one, _ := explain.Code("pallycon", "7011")
	before := proto.CloneOf(one)
	one.Fixes[0], one.Meaning = "changed", "changed"
	if two, _ := explain.Code("pallycon", "7011"); !proto.Equal(two, before) {
		t.Errorf("%v, want %v", two, before)
	}
}
