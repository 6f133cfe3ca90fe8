package wiretest

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/prototext"

	"github.com/drmhub/drmhub/adapters/apierror"
)

// SecretForms are the forms in which a vendor may repeat a secret.
var SecretForms = map[string]func(string) string{
	"plain":   func(s string) string { return s },
	"escaped": url.QueryEscape,
	"base64":  func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
}

// WantSilent demands that no text of an error holds a part of the secrets that somebody could use.
// Without an error, it demands nothing.
func WantSilent(t *testing.T, what string, err error, secrets ...string) {
	t.Helper()
	if err == nil {
		return
	}
	const usable = 8
	all := Texts(err)
	for _, secret := range secrets {
		for i := 0; i+usable <= len(secret); i++ {
			if part := secret[i : i+usable]; strings.Contains(all, part) {
				t.Errorf("%s: an error shows the part %q of a secret: %s", what, part, all)
				return
			}
		}
	}
}

// Texts returns all that an error can show to anybody, one text a line.
func Texts(err error) string {
	e := apierror.Convert(err)
	texts := []string{
		err.Error(), fmt.Sprintf("%v", err), fmt.Sprintf("%+v", e), e.Message, prototext.Format(e.GRPCStatus().Proto()),
	}
	for name, value := range e.Metadata {
		texts = append(texts, name, value)
	}
	return strings.Join(texts, "\n")
}
