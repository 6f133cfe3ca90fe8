package token

import (
	"crypto"
	"crypto/x509"
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

// material returns the key for package jwt. The error says what is wrong with the key, and shows nothing
// of it.
func (k Key) material() (any, error) {
	if k.ID == "" || len(k.ID) > keyset.MaxKID {
		return nil, fmt.Errorf("the id of a key must have 1 to %d bytes", keyset.MaxKID)
	}
	if slices.Contains(symmetric, k.Algorithm) {
		switch {
		case k.Public != nil:
			return nil, fmt.Errorf("the key %q is public, and %s needs a secret", k.ID, k.Algorithm)
		case len(k.Secret) < minSecret:
			return nil, fmt.Errorf("the secret of the key %q must have at least %d bytes", k.ID, minSecret)
		}
		return k.Secret, nil
	}
	if !slices.Contains(asymmetric, k.Algorithm) {
		return nil, fmt.Errorf("the algorithm of the key %q must be one of %s, or %s",
			k.ID, strings.Join(symmetric, ", "), strings.Join(asymmetric, ", "))
	}
	if k.Secret != nil || k.Public == nil {
		return nil, fmt.Errorf("the key %q must be public, since its algorithm is %s", k.ID, k.Algorithm)
	}
	can, err := keyset.Algorithms(k.Public)
	if err != nil {
		return nil, fmt.Errorf("the key %q cannot be used: %w", k.ID, err)
	}
	if !slices.Contains(can, k.Algorithm) {
		return nil, fmt.Errorf("the key %q is for %s, not for %s", k.ID, strings.Join(can, ", "), k.Algorithm)
	}
	return k.Public, nil
}

// ParsePublicKey reads a public key in PEM: PKIX, PKCS #1, or a certificate. The error shows nothing of
// the text.
func ParsePublicKey(text string) (crypto.PublicKey, error) {
	block, rest := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("it is not PEM: it must begin with -----BEGIN PUBLIC KEY-----")
	}
	if strings.Contains(block.Type, "PRIVATE KEY") {
		return nil, errors.New("it is a private key: keep it where tokens are signed, and use its public key here")
	}
	if more, _ := pem.Decode(rest); more != nil {
		return nil, errors.New("it holds more than one key: leave one")
	}
	public, err := parseBlock(block)
	if err != nil {
		return nil, fmt.Errorf("it cannot be read as a public key: %w", err)
	}
	return public, nil
}

func parseBlock(block *pem.Block) (crypto.PublicKey, error) {
	switch block.Type {
	case "PUBLIC KEY":
		return x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		return x509.ParsePKCS1PublicKey(block.Bytes)
	case "CERTIFICATE":
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		return certificate.PublicKey, nil
	}
	return nil, errors.New("its type must be PUBLIC KEY, RSA PUBLIC KEY or CERTIFICATE")
}
