package token

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/drmhub/drmhub/server/internal/auth/keyset"
)

// A Key is a fixed key. It verifies one algorithm.
type Key struct {
	// ID is the kid that tokens name.
	ID string
	// Algorithm is HS, RS, PS or ES with 256, 384 or 512, or EdDSA.
	Algorithm string
	// Secret is the key of an HS algorithm. Public is that of another one.
	Secret []byte
	Public crypto.PublicKey
}

var (
	symmetric  = []string{"HS256", "HS384", "HS512"}
	asymmetric = []string{
		"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
	}
)

// minSecret is the minimum length of a secret, in bytes.
const minSecret = 32

// material returns the key for package jwt. The error says what is wrong with the key, and shows
// nothing of it.
func (k Key) material() (any, error) {
	if k.ID == "" || len(k.ID) > keyset.MaxKID {
		return nil, fmt.Errorf("the id of a key must have 1 to %d bytes", keyset.MaxKID)
	}
	var err error
	switch isSecret := slices.Contains(symmetric, k.Algorithm); {
	case !isSecret && !slices.Contains(asymmetric, k.Algorithm):
		err = fmt.Errorf("must have an algorithm of %s", strings.Join(slices.Concat(symmetric, asymmetric), ", "))
	case isSecret && k.Public != nil:
		err = fmt.Errorf("is public, and %s needs a secret", k.Algorithm)
	case isSecret && len(k.Secret) < minSecret:
		err = fmt.Errorf("is too short: it must have at least %d bytes", minSecret)
	case !isSecret && (k.Secret != nil || k.Public == nil):
		err = fmt.Errorf("must be a public key, since its algorithm is %s", k.Algorithm)
	case !isSecret:
		err = checkPublic(k.Algorithm, k.Public)
	}
	if err != nil {
		return nil, fmt.Errorf("the key %q %w", k.ID, err)
	}
	if k.Secret != nil {
		return k.Secret, nil
	}
	return k.Public, nil
}

// nameOf returns a short text that differs between keys with another id, algorithm or content.
func nameOf(k Key) (string, error) {
	content := k.Secret
	if k.Secret == nil {
		var err error
		if content, err = x509.MarshalPKIXPublicKey(k.Public); err != nil {
			return "", fmt.Errorf("the key %q cannot be used: %w", k.ID, err)
		}
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %s %x", k.ID, k.Algorithm, content))
	return base64.RawURLEncoding.EncodeToString(sum[:12]), nil
}

func checkPublic(algorithm string, public crypto.PublicKey) error {
	can, err := keyset.Algorithms(public)
	if err != nil {
		return fmt.Errorf("cannot be used: %w", err)
	}
	if !slices.Contains(can, algorithm) {
		return fmt.Errorf("is for %s, and not for %s", strings.Join(can, ", "), algorithm)
	}
	return nil
}

// ParsePublicKey reads a public key in PEM for an algorithm: PKIX, PKCS #1, or a certificate. The
// error continues a sentence about the key, and shows nothing of the text.
func ParsePublicKey(algorithm, text string) (crypto.PublicKey, error) {
	block, rest := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("is not PEM: it must begin with -----BEGIN PUBLIC KEY-----")
	}
	if strings.Contains(block.Type, "PRIVATE KEY") {
		return nil, errors.New("is private: keep it where tokens are signed, and use its public key here")
	}
	if more, _ := pem.Decode(rest); more != nil {
		return nil, errors.New("is one of several in the text: leave one")
	}
	public, err := parseBlock(block)
	if err != nil {
		return nil, err
	}
	return public, checkPublic(algorithm, public)
}

func parseBlock(block *pem.Block) (public crypto.PublicKey, err error) {
	switch block.Type {
	case "PUBLIC KEY":
		public, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		public, err = x509.ParsePKCS1PublicKey(block.Bytes)
	case "CERTIFICATE":
		var certificate *x509.Certificate
		if certificate, err = x509.ParseCertificate(block.Bytes); err == nil {
			public = certificate.PublicKey
		}
	default:
		return nil, errors.New("has another type than PUBLIC KEY, RSA PUBLIC KEY or CERTIFICATE")
	}
	if err != nil {
		return nil, errors.New("cannot be read: the PEM holds no public key, or a damaged one")
	}
	return public, nil
}
