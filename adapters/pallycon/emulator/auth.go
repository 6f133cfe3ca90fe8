package emulator

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// An account is what a token is verified against.
type account struct {
	id, seq string
	key     []byte
}

// authorized reports whether r carries one valid bearer token.
func (a account) authorized(r *http.Request, now time.Time) bool {
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return false
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	return strings.EqualFold(scheme, "Bearer") && a.verify(token, now)
}

// verify reports whether a JSON Web Token is as the guide's section "Payload Specification" says.
func (a account) verify(token string, now time.Time) bool {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return false
	}
	mac := hmac.New(sha256.New, a.key)
	mac.Write([]byte(parts[0] + "." + parts[1]))
	signature := base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	if !hmac.Equal([]byte(signature), []byte(parts[2])) {
		return false
	}
	header, ok := decodePart(parts[0])
	if !ok || header["alg"] != "HS256" || header["typ"] != "JWT" {
		return false
	}
	claims, ok := decodePart(parts[1])
	if !ok {
		return false
	}
	if expiry, given := claims["exp"]; given {
		seconds, isNumber := expiry.(float64)
		if !isNumber || float64(now.Unix()) >= seconds {
			return false
		}
	}
	return claims["sub"] == "PallyConAPI" && claims["aud"] == "INKA" && claims["iss"] == "PallyCon" &&
		claims["account_id"] == a.id && claims["account_seq"] == a.seq
}

// decodePart reads the JSON object in one part of a token. It returns a map, because the keys of a
// struct would match in any case.
func decodePart(part string) (object map[string]any, ok bool) {
	text, err := base64.RawURLEncoding.Strict().DecodeString(part)
	if err != nil || json.Unmarshal(text, &object) != nil {
		return nil, false
	}
	return object, object != nil
}
