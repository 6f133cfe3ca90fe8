package fairplay

import (
	"fmt"
	"strings"
	"unicode"
)

// secretKeySize is the length of an application secret key in bytes, by Apple's FairPlay Streaming
// programming guide.
const secretKeySize = 16

const mustBeASK = "must be 32 hexadecimal digits, the application secret key (ASK) from Apple"

// SecretKey returns an application secret key as 32 hexadecimal digits. It removes what people copy
// along with it: 0x, blanks, hyphens, colons, commas, quotes and line ends.
func SecretKey(text string) (string, error) {
	digits := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.In(r, unicode.Cf, unicode.Pd) || strings.ContainsRune(`:,;_"'{}[]`, r) {
			return -1
		}
		return r
	}, text)
	digits = strings.NewReplacer("0x", "", "0X", "", `\x`, "").Replace(digits)
	if strings.Trim(digits, "0123456789abcdefABCDEF") != "" {
		return "", fmt.Errorf("%s, and contains another character", mustBeASK)
	}
	if len(digits) != 2*secretKeySize {
		return "", fmt.Errorf("%s, and has %d", mustBeASK, len(digits))
	}
	return digits, nil
}
