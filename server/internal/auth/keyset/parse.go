package keyset

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/MicahParks/jwkset"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// A Key is a public key, and the algorithms that it may verify.
type Key struct {
	Public     any
	Algorithms []string
}

// MaxKID bounds the id of a key, in bytes.
const MaxKID = 256

const (
	minRSABits = 2048
	// maxRSABits bounds the time that one signature takes.
	maxRSABits = 8192
)

// Algorithms returns the algorithms that a public key can verify. The error says why it can verify
// none.
func Algorithms(public any) ([]string, error) {
	switch k := public.(type) {
	case *rsa.PublicKey:
		switch bits := k.N.BitLen(); {
		case bits < minRSABits:
			return nil, fmt.Errorf("the RSA key has %d bits: it must have at least %d", bits, minRSABits)
		case bits > maxRSABits:
			return nil, fmt.Errorf("the RSA key has %d bits: it must have at most %d", bits, maxRSABits)
		case k.E < 3 || k.E%2 == 0:
			return nil, errors.New("the RSA key has an exponent that proves nothing")
		}
		return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}, nil
	case *ecdsa.PublicKey:
		algorithm, ok := map[string]string{"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}[k.Curve.Params().Name]
		if _, err := k.ECDH(); err != nil || !ok {
			return nil, errors.New("the EC key is no point of the curves P-256, P-384 or P-521")
		}
		return []string{algorithm}, nil
	case ed25519.PublicKey:
		if len(k) != ed25519.PublicKeySize {
			return nil, errors.New("the Ed25519 key has a wrong length")
		}
		return []string{"EdDSA"}, nil
	}
	return nil, errors.New("the key must be an RSA, EC or Ed25519 key")
}

// equal reports whether two sets hold the same keys.
func equal(a, b map[string]Key) bool {
	return maps.EqualFunc(a, b, func(a, b Key) bool {
		public, ok := a.Public.(interface {
			Equal(other crypto.PublicKey) bool
		})
		return ok && public.Equal(b.Public) && slices.Equal(a.Algorithms, b.Algorithms)
	})
}

// document is a JSON Web Key Set. Its keys are read one by one, so that one of them spoils no
// other.
type document struct {
	Keys keyList `json:"keys"`
}

type keyList []jsontext.Value

// UnmarshalJSON reads the list. It refuses a second list of the same document.
func (l *keyList) UnmarshalJSON(text []byte) error {
	if *l != nil {
		return errors.New("it has two lists of keys")
	}
	list := []jsontext.Value{}
	err := json.Unmarshal(text, &list, loosely)
	*l = list
	return err
}

// loosely leaves the mistakes within a key to the reading of that key.
var loosely = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

var (
	errNotASet  = errors.New("it is not a JSON Web Key Set")
	errNoneUsed = errors.New("no key in it can verify tokens")
)

// Parse returns the keys of a JSON Web Key Set that can verify tokens, by their ids, and how many
// keys it left out. A key counts only if all of this is so:
//
//   - It is well-formed, and its id has 1 to MaxKID bytes.
//   - It is asymmetric and has no private part.
//   - It is for signatures (use), and for verifying (key_ops), or says nothing of that.
//   - Algorithms returns its algorithm, or it has none. In that case it may verify all of its type.
//   - No other usable key has its id. Otherwise it is unknown which one the issuer means.
//
// Certificates and addresses of certificates in a key are ignored. A set without such a key is an
// error.
func Parse(text []byte) (keys map[string]Key, ignored int, err error) {
	var set document
	if err := json.Unmarshal(text, &set, loosely); err != nil || set.Keys == nil {
		return nil, 0, errNotASet
	}
	keys, times := map[string]Key{}, map[string]int{}
	for _, one := range set.Keys {
		if kid, key, ok := parseKey(one); ok {
			keys[kid] = key
			times[kid]++
		}
	}
	maps.DeleteFunc(keys, func(kid string, _ Key) bool { return times[kid] > 1 })
	if len(keys) == 0 {
		return nil, len(set.Keys), errNoneUsed
	}
	return keys, len(set.Keys) - len(keys), nil
}

// jwk holds the members of a key that drmhub looks at. Private and symmetric members are D and K.
type jwk struct {
	KTY           jwkset.KTY     `json:"kty"`
	KID           string         `json:"kid"`
	Use           *string        `json:"use"`
	Operations    []string       `json:"key_ops"`
	Algorithm     *string        `json:"alg"`
	CRV           jwkset.CRV     `json:"crv"`
	X             string         `json:"x"`
	Y             string         `json:"y"`
	Modulus       string         `json:"n"`
	Exponent      string         `json:"e"`
	Private       jsontext.Value `json:"d"`
	SymmetricText jsontext.Value `json:"k"`
}

func parseKey(text jsontext.Value) (kid string, key Key, ok bool) {
	var k jwk
	if json.Unmarshal(text, &k) != nil || !k.forVerifying() {
		return "", Key{}, false
	}
	parsed, err := jwkset.NewJWKFromMarshal(jwkset.JWKMarshal{
		KTY: k.KTY, CRV: k.CRV, X: k.X, Y: k.Y, N: k.Modulus, E: k.Exponent,
	}, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{})
	if err != nil {
		return "", Key{}, false
	}
	algorithms, err := Algorithms(parsed.Key())
	if err != nil {
		return "", Key{}, false
	}
	if k.Algorithm != nil {
		if !slices.Contains(algorithms, *k.Algorithm) {
			return "", Key{}, false
		}
		algorithms = []string{*k.Algorithm}
	}
	return k.KID, Key{Public: parsed.Key(), Algorithms: algorithms}, true
}

func (k *jwk) forVerifying() bool {
	return k.KID != "" && len(k.KID) <= MaxKID &&
		k.Private == nil && k.SymmetricText == nil &&
		(k.Use == nil || *k.Use == "sig") &&
		(k.Operations == nil || slices.Contains(k.Operations, "verify"))
}
