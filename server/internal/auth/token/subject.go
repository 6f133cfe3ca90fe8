package token

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxSubject bounds a subject, in bytes.
const maxSubject = 255

// anonymous is the subject of every caller in auth mode none.
const anonymous = "anonymous"

// checkSubject refuses a sub that is no name for a token's caller. Subjects are one namespace:
// records of calls belong to a subject. So a token must not have the subject of a caller with a
// certificate, which is a URI or one of reserved, or that of mode none.
func checkSubject(sub string, reserved map[string]bool) error {
	plain := strings.ToLower(sub)
	switch {
	case sub == "":
		return refuse(BadClaim, "sub is missing")
	case len(sub) > maxSubject:
		return refuse(BadSubject, "it is longer than 255 bytes")
	case !utf8.ValidString(sub), strings.ContainsFunc(sub, func(r rune) bool { return !unicode.IsPrint(r) }):
		return refuse(BadSubject, "it has characters that cannot be seen")
	case strings.TrimSpace(sub) != sub:
		return refuse(BadSubject, "it starts or ends with a space")
	case plain == anonymous, strings.Contains(plain, "://"), reserved[plain]:
		return refuse(BadSubject, "it names a caller without a token")
	}
	return nil
}
