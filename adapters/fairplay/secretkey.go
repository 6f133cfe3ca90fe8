package fairplay

import (
	"encoding/hex"
	"errors"
	"strings"
	"unicode"
)

// secretKeySize is the length of an application secret key in bytes, by Apple's FairPlay Streaming
// programming guide.
const secretKeySize = 16

var errNoSecretKey = errors.New("must be 32 hexadecimal digits, the application secret key (ASK) from Apple")

// SecretKey returns an application secret key as 32 hexadecimal digits. It removes what people copy
// along with it: 0x, blanks, hyphens, colons, commas, quotes and line ends.
func SecretKey(text string) (string, error) {
	digits := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.In(r, unicode.Cf, unicode.Pd) || strings.ContainsRune(`:,;_"'{}[]`, r) {
			return -1
		}
		return r
	}, text)
	digits = strings.NewReplacer("0x", "", "0X", "").Replace(digits)
	if key, err := hex.DecodeString(digits); err != nil || len(key) != secretKeySize {
		return "", errNoSecretKey
	}
	return digits, nil
}
