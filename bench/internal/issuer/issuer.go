// Package issuer signs the tokens of a benchmark's callers, as an identity provider does.
package issuer

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// The issuer and the audience of tokens.
const (
	Name     = "https://id.example"
	Audience = "drmhub"
)

// Algorithms are those of an issuer's keys. The id of a key is its algorithm.
var Algorithms = []string{"HS256", "RS256", "ES256", "EdDSA"}

// An Issuer has a key for each algorithm.
type Issuer struct {
	keys map[string]any
}

// New returns an issuer with new keys.
func New() (*Issuer, error) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	ecKey, ecErr := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	_, edKey, edErr := ed25519.GenerateKey(rand.Reader)
	keys := map[string]any{
		"HS256": []byte(rand.Text() + rand.Text()), "RS256": rsaKey, "ES256": ecKey, "EdDSA": edKey,
	}
	return &Issuer{keys: keys}, errors.Join(err, ecErr, edErr)
}

// Config returns the section auth of a configuration that takes the issuer's tokens. It writes the
// keys into folder. Each of the more lines is one more of the section, or of its list of keys.
func (i *Issuer) Config(folder string, more ...string) (string, error) {
	var text strings.Builder
	fmt.Fprintf(&text, "auth:\n  mode: jwt\n  issuer: %q\n  audience: %s\n  limits: {rate: 0}\n", Name, Audience)
	text.WriteString("  keys:\n")
	for _, alg := range Algorithms {
		what, content := "secret", []byte(nil)
		switch key := i.keys[alg].(type) {
		case []byte:
			content = key
		case crypto.Signer:
			der, err := x509.MarshalPKIXPublicKey(key.Public())
			if err != nil {
				return "", err
			}
			what, content = "public_key", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
		}
		file := filepath.Join(folder, alg+".key")
		if err := os.WriteFile(file, content, 0o600); err != nil {
			return "", err
		}
		fmt.Fprintf(&text, "    - {kid: %s, alg: %s, %s: {file: %q}}\n", alg, alg, what, file)
	}
	for _, line := range more {
		text.WriteString(line + "\n")
	}
	return text.String(), nil
}

// Claims are more claims of a token, or others instead. A nil claim is left out.
type Claims map[string]any

// Token returns a token for this subject, which is valid for a time.
func (i *Issuer) Token(alg, subject string, valid time.Duration, more Claims) string {
	return i.Sign(alg, alg, subject, valid, more)
}

// Sign is Token with another key id in the header.
func (i *Issuer) Sign(alg, kid, subject string, valid time.Duration, more Claims) string {
	all := jwt.MapClaims{
		"iss": Name, "aud": Audience, "sub": subject, "exp": time.Now().Add(valid).Unix(), "jti": rand.Text(),
	}
	maps.Copy(all, jwt.MapClaims(more))
	maps.DeleteFunc(all, func(_ string, value any) bool { return value == nil })
	t := jwt.NewWithClaims(jwt.GetSigningMethod(alg), all)
	t.Header["kid"] = kid
	signed, err := t.SignedString(i.keys[alg])
	if err != nil {
		panic(err) // The key is the one of the algorithm.
	}
	return signed
}

// Published is the id under which KeySet has the key of EdDSA.
const Published = "published"

// KeySet returns the JSON Web Key Set that the issuer publishes.
func (i *Issuer) KeySet() string {
	x := base64.RawURLEncoding.EncodeToString(i.keys["EdDSA"].(ed25519.PrivateKey).Public().(ed25519.PublicKey))
	return fmt.Sprintf(`{"keys":[{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","kid":%q,"x":%q}]}`, Published, x)
}
