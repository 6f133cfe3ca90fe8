package pallycon

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des" //nolint:gosec // Older versions of OpenSSL encrypt keys with triple DES.
	"crypto/pbkdf2"
	"crypto/sha1" //nolint:gosec // The default of PBKDF2 (RFC 8018).
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"
	"strings"
)

var (
	errWrongPassword = errors.New("does not open the private key")
	errNotEncrypted  = errors.New("is given, but the private key is not encrypted: encrypt it with this password " +
		"(openssl rsa -aes256 -in key.pem -out encrypted.pem)")
	errUnreadableKey = errors.New("contains no private key in PEM: " +
		"give the .pem file that the certificate was requested with")
)

// openPrivateKey reads an encrypted private key, in the form of PKCS#8 ("ENCRYPTED PRIVATE KEY") or in
// OpenSSL's older form ("DEK-Info"). For a key that is not encrypted, it returns the key and
// errNotEncrypted. Its errors contain nothing of the file.
func openPrivateKey(file []byte, password string) (crypto.Signer, error) {
	block, rest := pem.Decode(file)
	for block != nil && !strings.HasSuffix(block.Type, "PRIVATE KEY") {
		block, rest = pem.Decode(rest)
	}
	if block == nil {
		return nil, errUnreadableKey
	}
	der, err := block.Bytes, errNotEncrypted
	switch {
	case block.Type == "ENCRYPTED PRIVATE KEY":
		der, err = decryptPKCS8(block.Bytes, password)
	case x509.IsEncryptedPEMBlock(block): //nolint:staticcheck // Insecure, but some keys still have this form.
		der, err = decryptPEM(block, password)
	}
	if err != nil && !errors.Is(err, errNotEncrypted) {
		return nil, err
	}
	key, ok := parsePrivateKey(der)
	switch {
	case ok:
		return key, err
	case err == nil: // The padding can fit a wrong password by chance.
		return nil, errWrongPassword
	}
	return nil, errUnreadableKey
}

func parsePrivateKey(der []byte) (crypto.Signer, bool) {
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key, true
	}
	if key, err := x509.ParseECPrivateKey(der); err == nil {
		return key, true
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, false
	}
	signer, ok := key.(crypto.Signer)
	return signer, ok
}

func decryptPEM(block *pem.Block, password string) ([]byte, error) {
	der, err := x509.DecryptPEMBlock(block, []byte(password)) //nolint:staticcheck // As in openPrivateKey.
	switch {
	case errors.Is(err, x509.IncorrectPasswordError):
		return nil, errWrongPassword
	case err != nil:
		return nil, errUnreadableKey
	}
	return der, nil
}

// The types of PBES2 (RFC 8018), the encryption of PKCS#8 that OpenSSL writes. Their names are the
// RFC's.
type (
	encryptedPrivateKeyInfo struct {
		EncryptionAlgorithm pkix.AlgorithmIdentifier
		EncryptedData       []byte
	}
	pbes2Params  struct{ KeyDerivationFunc, EncryptionScheme pkix.AlgorithmIdentifier }
	pbkdf2Params struct {
		Salt           []byte
		IterationCount int
		KeyLength      int                      `asn1:"optional"`
		PRF            pkix.AlgorithmIdentifier `asn1:"optional"`
	}
)

const (
	oidPBES2  = "1.2.840.113549.1.5.13"
	oidPBKDF2 = "1.2.840.113549.1.5.12"
)

var pseudoRandomFunctions = map[string]func() hash.Hash{
	"":                    sha1.New,
	"1.2.840.113549.2.7":  sha1.New,
	"1.2.840.113549.2.8":  sha256.New224,
	"1.2.840.113549.2.9":  sha256.New,
	"1.2.840.113549.2.10": sha512.New384,
	"1.2.840.113549.2.11": sha512.New,
}

var encryptionSchemes = map[string]struct {
	keySize int
	cipher  func(key []byte) (cipher.Block, error)
}{
	"2.16.840.1.101.3.4.1.2":  {16, aes.NewCipher},
	"2.16.840.1.101.3.4.1.22": {24, aes.NewCipher},
	"2.16.840.1.101.3.4.1.42": {32, aes.NewCipher},
	"1.2.840.113549.3.7":      {24, des.NewTripleDESCipher},
}

// maxIterations bounds the work for one file to some seconds.
const maxIterations = 2_000_000

func decryptPKCS8(der []byte, password string) ([]byte, error) {
	var info encryptedPrivateKeyInfo
	var scheme pbes2Params
	var derivation pbkdf2Params
	if _, err := asn1.Unmarshal(der, &info); err != nil {
		return nil, errUnreadableKey
	}
	if err := parameters(info.EncryptionAlgorithm, oidPBES2, &scheme); err != nil {
		return nil, err
	}
	if err := parameters(scheme.KeyDerivationFunc, oidPBKDF2, &derivation); err != nil {
		return nil, err
	}
	prf, ok := pseudoRandomFunctions[derivation.PRF.Algorithm.String()]
	if !ok {
		return nil, unsupported(derivation.PRF.Algorithm)
	}
	encryption, ok := encryptionSchemes[scheme.EncryptionScheme.Algorithm.String()]
	if !ok {
		return nil, unsupported(scheme.EncryptionScheme.Algorithm)
	}
	var iv []byte
	if _, err := asn1.Unmarshal(scheme.EncryptionScheme.Parameters.FullBytes, &iv); err != nil {
		return nil, errUnreadableKey
	}
	if n := derivation.IterationCount; n < 1 || n > maxIterations {
		return nil, fmt.Errorf("is encrypted with an iteration count of %d: encrypt it again with at most %d",
			n, maxIterations)
	}
	key, err := pbkdf2.Key(prf, password, derivation.Salt, derivation.IterationCount, encryption.keySize)
	if err != nil {
		return nil, errUnreadableKey
	}
	block, err := encryption.cipher(key)
	if err != nil {
		return nil, errUnreadableKey
	}
	size := len(info.EncryptedData)
	if len(iv) != block.BlockSize() || size == 0 || size%block.BlockSize() != 0 {
		return nil, errUnreadableKey
	}
	plain := make([]byte, size)
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, info.EncryptedData)
	padding := int(plain[len(plain)-1])
	if padding < 1 || padding > block.BlockSize() {
		return nil, errWrongPassword
	}
	return plain[:len(plain)-padding], nil
}

// parameters reads the parameters of the algorithm oid. It fails for another algorithm.
func parameters(a pkix.AlgorithmIdentifier, oid string, into any) error {
	if a.Algorithm.String() != oid {
		return unsupported(a.Algorithm)
	}
	if _, err := asn1.Unmarshal(a.Parameters.FullBytes, into); err != nil {
		return errUnreadableKey
	}
	return nil
}

func unsupported(algorithm asn1.ObjectIdentifier) error {
	return fmt.Errorf("is encrypted with an algorithm (object identifier %v) that drmhub cannot read: "+
		"encrypt it again (openssl pkcs8 -topk8 -v2 aes-256-cbc -in key.pem -out encrypted.pem)", algorithm)
}
