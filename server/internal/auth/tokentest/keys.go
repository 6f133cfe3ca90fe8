// Package tokentest makes tokens for tests: good ones, and those of every known attack. One table
// of them runs against the verifier alone and over both faces of the server.
package tokentest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"

	"github.com/drmhub/drmhub/server/internal/auth/token"
)

// The issuer and the audience of tokens.
const (
	Issuer   = "https://id.example"
	Audience = "drmhub"
)

// fixed are the keys that a configuration names, by their ids, which are their algorithms in lower
// case. The keys of set are published.
var (
	fixed = []string{"hs256", "hs384", "hs512", "rs256", "ps256", "es256", "es384", "es512", "eddsa"}
	set   = []string{"set-rsa", "set-es256", "set-eddsa"}
)

// same holds ids whose keys differ in nothing but the algorithm. One key saves time, and makes sure
// that nothing but the algorithm refuses a token.
var same = map[string]string{"ps256": "rs256", "set-rsa-ps256": "set-rsa"}

// Key returns the private key, or the secret, of an id. It makes one for an id that has none.
func Key(kid string) any {
	if other, ok := same[kid]; ok {
		kid = other
	}
	keys.Lock()
	defer keys.Unlock()
	if key, ok := keys.made[kid]; ok {
		return key
	}
	key, err := newKey(kid)
	if err != nil {
		panic(err)
	}
	keys.made[kid] = key
	return key
}

var keys = struct {
	sync.Mutex
	made map[string]any
}{made: map[string]any{}}

func newKey(kid string) (any, error) {
	switch {
	case strings.Contains(kid, "hs"):
		return []byte(rand.Text() + rand.Text()), nil
	case strings.Contains(kid, "1024"):
		return rsa.GenerateKey(rand.Reader, 1024) //nolint:gosec // A key that is too short, which is refused.
	case strings.Contains(kid, "rs"):
		return rsa.GenerateKey(rand.Reader, 2048)
	case strings.Contains(kid, "es384"):
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case strings.Contains(kid, "es512"):
		return ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case strings.Contains(kid, "eddsa"):
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	}
	return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
}

// Public returns the public key of an id.
func Public(kid string) crypto.PublicKey { return Key(kid).(crypto.Signer).Public() }

// PublicPEM returns the public key of an id in PEM.
func PublicPEM(kid string) []byte {
	der, err := x509.MarshalPKIXPublicKey(Public(kid))
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// algorithm returns the algorithm of a fixed key.
func algorithm(kid string) string {
	if kid == "eddsa" {
		return "EdDSA"
	}
	return strings.ToUpper(kid)
}

// Keys returns the fixed keys as options of the verifier.
func Keys() []token.Key {
	var all []token.Key
	for _, kid := range fixed {
		k := token.Key{ID: kid, Algorithm: algorithm(kid)}
		if secret, ok := Key(kid).([]byte); ok {
			k.Secret = secret
		} else {
			k.Public = Public(kid)
		}
		all = append(all, k)
	}
	return all
}

// YAML returns the section auth of a configuration with these keys, and the key set at a URL. The
// files that it names are in dir. more are further lines, indented by two spaces.
func YAML(t testing.TB, dir, jwksURL, more string) string {
	t.Helper()
	var text strings.Builder
	fmt.Fprintf(&text, "auth:\n  mode: jwt\n  issuer: %q\n  audience: %q\n  keys:\n", Issuer, Audience)
	for _, kid := range fixed {
		file, what := filepath.Join(dir, kid), "public_key"
		content, ok := Key(kid).([]byte)
		if ok {
			what = "secret"
		} else {
			content = PublicPEM(kid)
		}
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&text, "    - {kid: %s, alg: %s, %s: {file: %q}}\n", kid, algorithm(kid), what, file)
	}
	fmt.Fprintf(&text, "    - {jwks_url: %q, refresh: 1m}\n%s", jwksURL, more)
	return text.String()
}

// JWK returns the public key of an id as a JSON Web Key. More members replace those that it has.
func JWK(kid string, members map[string]any) string {
	jwk, err := jwkset.NewJWKFromKey(Public(kid), jwkset.JWKOptions{})
	if err != nil {
		panic(err)
	}
	all := map[string]any{}
	text, _ := json.Marshal(jwk.Marshal())
	_ = json.Unmarshal(text, &all)
	delete(all, "alg")
	all["kid"] = kid
	maps.Copy(all, members)
	text, _ = json.Marshal(all)
	return string(text)
}

// JWKS returns a key set. Besides the good keys it has those that must not count.
func JWKS(more ...string) string {
	all := more
	for _, kid := range set {
		all = append(all, JWK(kid, nil))
	}
	secret := base64.RawURLEncoding.EncodeToString(Key("set-hs").([]byte))
	all = append(all,
		`{"kty":"oct","kid":"set-hs","k":"`+secret+`"}`, `{"kty":"RSA","kid":"malformed","n":"AQ","e":"!!"}`, `7`,
		JWK("set-enc", map[string]any{"use": "enc"}),
		JWK("set-encrypt", map[string]any{"key_ops": []string{"encrypt"}}),
		JWK("set-1024", nil), JWK("set-twice", nil), JWK("set-again", map[string]any{"kid": "set-twice"}),
		JWK("set-rsa-ps256", map[string]any{"alg": "PS256", "use": "sig", "key_ops": []string{"verify"}}),
	)
	return `{"keys":[` + strings.Join(all, ",") + `]}`
}

// Sign returns a token of a key with some claims besides those that it needs. A claim that is nil
// is left out.
func Sign(alg, kid string, claims map[string]any) string {
	all := jwt.MapClaims{
		"iss": Issuer, "aud": Audience, "sub": "billing", "exp": time.Now().Add(time.Hour).Unix(),
	}
	for name, value := range claims {
		all[name] = value
		if value == nil {
			delete(all, name)
		}
	}
	t := jwt.NewWithClaims(jwt.GetSigningMethod(alg), all)
	t.Header["kid"] = kid
	signed, err := t.SignedString(Key(kid))
	if err != nil {
		panic(err)
	}
	return signed
}
