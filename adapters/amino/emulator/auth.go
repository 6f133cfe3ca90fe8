package emulator

import (
	"crypto/subtle"
	"net/http"
	"strings"
)

// credentials let a client in. The vendor takes keys from management systems and tokens from users.
type credentials struct{ apiKey, token string }

// admit reports whether r carries exactly one credential, in its own scheme.
func (c credentials) admit(r *http.Request) bool {
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return false
	}
	scheme, given, _ := strings.Cut(values[0], " ")
	switch {
	case strings.EqualFold(scheme, "Apikey"):
		return same(given, c.apiKey)
	case strings.EqualFold(scheme, "Bearer"):
		return same(given, c.token)
	}
	return false
}

func same(given, secret string) bool {
	return subtle.ConstantTimeCompare([]byte(given), []byte(secret)) == 1
}
