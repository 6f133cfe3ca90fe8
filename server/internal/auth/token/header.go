package token

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/drmhub/drmhub/server/internal/auth/keyset"
)

// MaxSize bounds a token, in bytes.
const MaxSize = 8 << 10

// header is what counts in the header of a token. Every other member is ignored, above all those
// that name a key or say where one is: jwk, jku, x5c and x5u.
type header struct {
	Algorithm jsontext.Value `json:"alg"`
	KeyID     jsontext.Value `json:"kid"`
	Type      jsontext.Value `json:"typ"`

	// These change what the token means, so that their presence alone refuses it.
	Critical    jsontext.Value `json:"crit"`
	ContentType jsontext.Value `json:"cty"` // as in a token within a token
	Compression jsontext.Value `json:"zip"`
	Encoding    jsontext.Value `json:"b64"`
	Encryption  jsontext.Value `json:"enc"`

	algorithm, kid string
}

// types are the values of typ that an access token may have. A token for another purpose, such as a
// logout or a proof, is refused, though the same issuer has signed it.
var types = []string{"jwt", "at+jwt", "application/jwt", "application/at+jwt", "jose"}

// readHeader reads the header of a token in the compact form.
func readHeader(raw string) (*header, error) {
	if len(raw) > MaxSize {
		return nil, refuse(Malformed, "it is larger than 8 KiB")
	}
	if strings.Count(raw, ".") != 2 {
		return nil, refuse(Malformed, "it does not have three parts")
	}
	if strings.ContainsAny(raw, "\r\n") { // Go's decoder skips them, so that a token would have many forms.
		return nil, refuse(Malformed, "it has line ends")
	}
	first, _, _ := strings.Cut(raw, ".")
	text, err := base64.RawURLEncoding.Strict().DecodeString(first)
	if err != nil {
		return nil, refuse(Malformed, "the header is not base64url")
	}
	h := &header{}
	if jsontext.Value(text).Kind() != '{' || json.Unmarshal(text, h) != nil {
		return nil, refuse(Malformed, "the header is not a JSON object, or has a member twice")
	}
	if err := h.check(); err != nil {
		return nil, err
	}
	return h, nil
}

func (h *header) check() error {
	var ok bool
	if h.algorithm, ok = text(h.Algorithm); !ok {
		return refuse(BadHeader, "alg is not text")
	}
	if h.kid, ok = text(h.KeyID); !ok || h.kid == "" || len(h.kid) > keyset.MaxKID {
		return refuse(BadHeader, "kid is not text of 1 to 256 bytes")
	}
	for _, member := range []jsontext.Value{h.Critical, h.ContentType, h.Compression, h.Encoding, h.Encryption} {
		if member != nil {
			return refuse(BadHeader, "crit, cty, zip, b64 and enc are not supported")
		}
	}
	if h.Type != nil {
		if typ, ok := text(h.Type); !ok || !slices.Contains(types, strings.ToLower(typ)) {
			return refuse(BadHeader, "typ is not that of an access token")
		}
	}
	return nil
}

// text returns the value of a JSON string. It reports false for anything else.
func text(v jsontext.Value) (string, bool) {
	if v.Kind() != '"' {
		return "", false
	}
	var s string
	err := json.Unmarshal(v, &s)
	return s, err == nil
}
