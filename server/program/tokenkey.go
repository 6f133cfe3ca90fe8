package program

import (
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/drmhub/drmhub/server/internal/auth/token"
	"github.com/drmhub/drmhub/server/internal/config"
)

// key returns the key that signs, and the key that verifies. They must belong to the
// configuration's key with this id, if it has one.
func (g *grant) key(auth *config.Auth) (private any, key token.Key, err error) {
	configured, err := g.configured(auth)
	if err != nil {
		return nil, key, err
	}
	key = token.Key{ID: g.kid, Algorithm: cmp.Or(g.alg, configured.Alg)}
	if configured.Alg != "" && key.Algorithm != configured.Alg {
		return nil, key, fmt.Errorf("the configuration has %s for the kid %q, and --alg is %s",
			configured.Alg, g.kid, key.Algorithm)
	}
	if g.secretEnv != "" {
		private, err = g.secret(&key, configured)
	} else {
		private, err = g.privateKey(&key, configured)
	}
	return private, key, err
}

// configured returns the key with this id in the configuration. It is empty if there is no
// configuration, or if the key may be in a key set.
func (g *grant) configured(auth *config.Auth) (config.Key, error) {
	for _, k := range auth.Keys {
		if k.KID == g.kid {
			return k, nil
		}
	}
	published := slices.ContainsFunc(auth.Keys, func(k config.Key) bool { return k.JWKSURL != "" })
	if g.config != "" && !published {
		return config.Key{}, fmt.Errorf(
			"the configuration has no key with the kid %q: add its public key to auth.keys", g.kid)
	}
	return config.Key{}, nil
}

func (g *grant) secret(key *token.Key, configured config.Key) (any, error) {
	text := os.Getenv(g.secretEnv)
	if text == "" {
		return nil, errors.New("the environment variable of --secret-env is not set, or is empty")
	}
	if c := configured.Secret; c != nil && !c.IsZero() && c.Reveal() != text {
		return nil, g.otherKey()
	}
	key.Algorithm, key.Secret = cmp.Or(key.Algorithm, "HS256"), []byte(text)
	return key.Secret, nil
}

func (g *grant) privateKey(key *token.Key, configured config.Key) (any, error) {
	signer, err := readPrivateKey(g.keyFile)
	if err != nil {
		return nil, err
	}
	key.Public = signer.Public()
	key.Algorithm = cmp.Or(key.Algorithm, usualAlgorithm(key.Public))
	if c := configured.PublicKey; c != nil && *c != "" {
		other, err := token.ParsePublicKey(key.Algorithm, string(*c))
		if err != nil {
			return nil, fmt.Errorf("the public key in the configuration %w", err)
		}
		if same, ok := key.Public.(interface{ Equal(x crypto.PublicKey) bool }); !ok || !same.Equal(other) {
			return nil, g.otherKey()
		}
	}
	return signer, nil
}

func (g *grant) otherKey() error {
	return fmt.Errorf("the configuration has another key with the kid %q: use that one, or another kid", g.kid)
}

// usualAlgorithm returns the algorithm that most issuers use with a key.
func usualAlgorithm(public crypto.PublicKey) string {
	switch k := public.(type) {
	case *rsa.PublicKey:
		return "RS256"
	case *ecdsa.PublicKey:
		return cmp.Or(map[string]string{"P-384": "ES384", "P-521": "ES512"}[k.Curve.Params().Name], "ES256")
	}
	return "EdDSA"
}

// readPrivateKey reads a private key in PEM: PKCS #8, PKCS #1, or the form of OpenSSL for EC.
func readPrivateKey(name string) (crypto.Signer, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("the private key cannot be read: %w", err)
	}
	block, rest := pem.Decode(text)
	for block != nil && block.Type == "EC PARAMETERS" { // OpenSSL writes them first.
		block, rest = pem.Decode(rest)
	}
	if block == nil {
		return nil, fmt.Errorf("%s is not PEM: it must begin with -----BEGIN PRIVATE KEY-----", name)
	}
	var key any
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "ENCRYPTED PRIVATE KEY":
		return nil, fmt.Errorf("%s is encrypted: decrypt it first, such as with openssl pkey", name)
	default:
		return nil, fmt.Errorf("%s holds no private key: it must begin with -----BEGIN PRIVATE KEY-----", name)
	}
	signer, ok := key.(crypto.Signer)
	if err != nil || !ok {
		return nil, fmt.Errorf("%s holds a private key that is damaged, or that cannot sign", name)
	}
	return signer, nil
}
