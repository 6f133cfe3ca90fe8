package fairplay

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"
)

var (
	// ErrWrongPassword is the error of a password that does not open the private key.
	ErrWrongPassword = errors.New("does not open the private key")

	errKind = errors.New("is no RSA key: FairPlay certificates have RSA keys")
)

// A Key is a private key that was opened.
type Key struct {
	crypto.Signer

	traditional *pem.Block // the key as it came, where that is OpenSSL's traditional form
}

// OpenKey reads a private key, encrypted or not: PKCS#8 or OpenSSL's traditional form, in PEM or
// DER. It blocks while too many other keys are being opened.
func OpenKey(ctx context.Context, file []byte, password string) (*Key, error) {
	if der := binary(file); der != nil {
		return keyInDER(ctx, der, password)
	}
	err := errNoKey
	for _, block := range armored(file) {
		kind := kindOfPEM(block)
		if kind == isKey {
			return openBlock(ctx, block, password)
		}
		err = notKey(kind)
	}
	return nil, err
}

func keyInDER(ctx context.Context, der []byte, password string) (*Key, error) {
	if signer, err := parsePrivateKey(der); err == nil {
		return &Key{Signer: signer}, nil
	}
	if kind := kindOfDER(der); kind != isKey {
		return nil, notKey(kind)
	}
	return openBlock(ctx, &pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: der}, password)
}

func openBlock(ctx context.Context, block *pem.Block, password string) (*Key, error) {
	der, encrypted, err := block.Bytes, true, error(nil)
	key := &Key{}
	switch {
	case len(der) == 0:
		err = errDamaged
	case block.Type == "ENCRYPTED PRIVATE KEY":
		der, err = decryptPKCS8(ctx, der, password)
	case x509.IsEncryptedPEMBlock(block): //nolint:staticcheck // Insecure, and the form that vendors take.
		der, err = decryptTraditional(block, password)
		if block.Type != "PRIVATE KEY" {
			key.traditional = block
		}
	default:
		encrypted = false
	}
	if err != nil {
		return nil, err
	}
	key.Signer, err = parsePrivateKey(der)
	if err != nil && encrypted { // The padding can fit a wrong password by chance.
		return nil, ErrWrongPassword
	}
	return key, err
}

// legacyCiphers are those of DEK-Info that OpenSSL 3 reads only with its legacy provider.
var legacyCiphers = map[string]bool{
	"SEED-CBC": true, "IDEA-CBC": true, "BF-CBC": true, "CAST5-CBC": true, "RC2-CBC": true, "RC5-CBC": true,
}

func decryptTraditional(block *pem.Block, password string) ([]byte, error) {
	name, _, _ := strings.Cut(block.Headers["DEK-Info"], ",")
	if _, known := initialVectors[name]; !known {
		return nil, unsupported(name, legacyCiphers[name])
	}
	der, err := x509.DecryptPEMBlock(block, []byte(password)) //nolint:staticcheck // As in openBlock.
	switch {
	case errors.Is(err, x509.IncorrectPasswordError):
		return nil, ErrWrongPassword
	case err != nil:
		return nil, errNoKey
	}
	return der, nil
}

func parsePrivateKey(der []byte) (crypto.Signer, error) {
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key, nil
	}
	if key, err := x509.ParseECPrivateKey(der); err == nil {
		return key, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, errNoKey
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, errKind
	}
	return signer, nil
}

// Traditional returns the key in OpenSSL's traditional form, encrypted with the password that
// opened it. A key that came in this form keeps its encryption. A key that came without encryption
// gets it.
func (k *Key) Traditional(password string) ([]byte, error) {
	if k.traditional != nil {
		return pem.EncodeToMemory(k.traditional), nil
	}
	kind := "RSA PRIVATE KEY"
	var der []byte
	switch key := k.Signer.(type) {
	case *rsa.PrivateKey:
		der = x509.MarshalPKCS1PrivateKey(key)
	case *ecdsa.PrivateKey:
		var err error
		kind = "EC PRIVATE KEY"
		if der, err = x509.MarshalECPrivateKey(key); err != nil {
			return nil, errKind
		}
	default:
		return nil, errKind
	}
	//nolint:staticcheck // As in openBlock.
	block, err := x509.EncryptPEMBlock(rand.Reader, kind, der, []byte(password), x509.PEMCipherAES256)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(block), nil
}
