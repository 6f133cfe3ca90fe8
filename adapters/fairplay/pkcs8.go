package fairplay

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des" //nolint:gosec // Older versions of OpenSSL encrypt keys with it.
	"crypto/pbkdf2"
	"crypto/sha1" //nolint:gosec // The default of PBKDF2 (RFC 8018).
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"hash"
	"slices"
	"strings"

	"golang.org/x/crypto/scrypt"
)

// The types of PBES2 (RFC 8018) and scrypt (RFC 7914), the encryption of PKCS#8 that OpenSSL
// writes. Their names are those of the RFCs.
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
	scryptParams struct {
		Salt                                               []byte
		CostParameter, BlockSize, ParallelizationParameter int
		KeyLength                                          int `asn1:"optional"`
	}
)

const (
	oidPBES2  = "1.2.840.113549.1.5.13"
	oidPBKDF2 = "1.2.840.113549.1.5.12"
	oidScrypt = "1.3.6.1.4.1.11591.4.11"
)

var pseudoRandomFunctions = map[string]func() hash.Hash{
	"":                    sha1.New,
	"1.2.840.113549.2.7":  sha1.New,
	"1.2.840.113549.2.8":  sha256.New224,
	"1.2.840.113549.2.9":  sha256.New,
	"1.2.840.113549.2.10": sha512.New384,
	"1.2.840.113549.2.11": sha512.New,
	"1.2.840.113549.2.12": sha512.New512_224,
	"1.2.840.113549.2.13": sha512.New512_256,
}

// A blockCipher is a cipher in CBC mode.
type blockCipher struct {
	keySize int
	open    func(key []byte) (cipher.Block, error)
}

var encryptionSchemes = map[string]blockCipher{
	"2.16.840.1.101.3.4.1.2":  {16, aes.NewCipher},
	"2.16.840.1.101.3.4.1.22": {24, aes.NewCipher},
	"2.16.840.1.101.3.4.1.42": {32, aes.NewCipher},
	"1.2.840.113549.3.7":      {24, des.NewTripleDESCipher},
	"1.3.14.3.2.7":            {8, des.NewCipher},
}

const (
	// maxIterations bounds the time for one key.
	maxIterations = 600_000
	// maxScrypt bounds the memory for one key to 64 MiB: the product of cost and block size.
	maxScrypt = 1 << 19
)

// opening bounds how many keys are opened at once, because each takes a core for up to a second.
var opening = make(chan struct{}, 2)

func decryptPKCS8(ctx context.Context, der []byte, password string) ([]byte, error) {
	var info encryptedPrivateKeyInfo
	if _, err := asn1.Unmarshal(der, &info); err != nil {
		return nil, errNoKey
	}
	select {
	case opening <- struct{}{}:
		defer func() { <-opening }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if info.EncryptionAlgorithm.Algorithm.String() != oidPBES2 {
		return decryptPBES1(&info, password)
	}
	var scheme pbes2Params
	if err := parameters(info.EncryptionAlgorithm, &scheme); err != nil {
		return nil, err
	}
	encryption, ok := encryptionSchemes[scheme.EncryptionScheme.Algorithm.String()]
	if !ok {
		return nil, unsupportedOID(scheme.EncryptionScheme.Algorithm)
	}
	var iv []byte
	if err := parameters(scheme.EncryptionScheme, &iv); err != nil {
		return nil, err
	}
	key, err := derive(scheme.KeyDerivationFunc, password, encryption.keySize)
	if err != nil {
		return nil, err
	}
	return encryption.decrypt(key, iv, info.EncryptedData)
}

// derive makes the key of an encryption from a password.
func derive(function pkix.AlgorithmIdentifier, password string, size int) ([]byte, error) {
	switch function.Algorithm.String() {
	case oidPBKDF2:
		var p pbkdf2Params
		if err := parameters(function, &p); err != nil {
			return nil, err
		}
		prf, ok := pseudoRandomFunctions[p.PRF.Algorithm.String()]
		if !ok {
			return nil, unsupportedOID(p.PRF.Algorithm)
		}
		if err := checkIterations(p.IterationCount); err != nil {
			return nil, err
		}
		key, err := pbkdf2.Key(prf, password, p.Salt, p.IterationCount, size)
		if err != nil {
			return nil, errNoKey
		}
		return key, nil
	case oidScrypt:
		var p scryptParams
		if err := parameters(function, &p); err != nil {
			return nil, err
		}
		if !p.bounded() {
			return nil, fmt.Errorf("is encrypted with a scrypt that takes too much memory or time: "+
				"encrypt it again (%s)", recipe)
		}
		key, err := scrypt.Key([]byte(password), p.Salt, p.CostParameter, p.BlockSize, p.ParallelizationParameter, size)
		if err != nil {
			return nil, errNoKey
		}
		return key, nil
	}
	return nil, unsupportedOID(function.Algorithm)
}

func (p *scryptParams) bounded() bool {
	for _, n := range []int{p.CostParameter, p.BlockSize, p.ParallelizationParameter} {
		if n < 1 || n > maxScrypt {
			return false
		}
	}
	return p.CostParameter*p.BlockSize*p.ParallelizationParameter <= maxScrypt
}

func checkIterations(n int) error {
	if n < 1 || n > maxIterations {
		return fmt.Errorf("is encrypted with an iteration count of %d, and drmhub takes at most %d: "+
			"encrypt it again (%s)", n, maxIterations, recipe)
	}
	return nil
}

// decrypt removes encryption and padding. Its error for a wrong padding is ErrWrongPassword.
func (c blockCipher) decrypt(key, iv, data []byte) ([]byte, error) {
	block, err := c.open(key)
	if err != nil {
		return nil, errNoKey
	}
	size := block.BlockSize()
	if len(iv) != size || len(data) == 0 || len(data)%size != 0 {
		return nil, errNoKey
	}
	plain := make([]byte, len(data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, data)
	padding := int(plain[len(plain)-1])
	if padding < 1 || padding > size {
		return nil, ErrWrongPassword
	}
	return plain[:len(plain)-padding], nil
}

// parameters reads the parameters of an algorithm.
func parameters(a pkix.AlgorithmIdentifier, into any) error {
	if _, err := asn1.Unmarshal(a.Parameters.FullBytes, into); err != nil {
		return errNoKey
	}
	return nil
}

// recipe is OpenSSL's command that encrypts a key in the traditional form. OpenSSL 1.1.1 has it
// too.
const recipe = "openssl pkey -traditional -aes256 -in key.pem -out encrypted.pem"

// legacyOIDs begin the object identifiers of PBES1, PKCS#12, RC2, CAST5, Blowfish and SEED. OpenSSL
// 3 reads most of them only with its legacy provider.
var legacyOIDs = []string{
	"1.2.840.113549.1.5.", "1.2.840.113549.1.12.1.", "1.2.840.113549.3.", "1.2.840.113533.7.66.",
	"1.3.6.1.4.1.3029.", "1.2.410.200004.1.",
}

// unsupportedOID is the error of an algorithm that this package does not read.
func unsupportedOID(algorithm asn1.ObjectIdentifier) error {
	oid := algorithm.String()
	legacy := slices.ContainsFunc(legacyOIDs, func(begin string) bool { return strings.HasPrefix(oid, begin) })
	return unsupported("object identifier "+oid, legacy)
}

func unsupported(algorithm string, legacy bool) error {
	command := recipe
	if legacy {
		command += " -provider default -provider legacy"
	}
	return fmt.Errorf("is encrypted with an algorithm (%s) that drmhub cannot read: encrypt it again (%s)",
		algorithm, command)
}
