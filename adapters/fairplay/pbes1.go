package fairplay

import (
	"crypto/cipher"
	"crypto/des"  //nolint:gosec // PBES1 has no newer ciphers.
	"crypto/md5"  //nolint:gosec // The same.
	"crypto/sha1" //nolint:gosec // The same.
	"hash"
	"math/big"
	"slices"
	"unicode/utf16"
)

// pbeParams is PBEParameter of RFC 8018, and pkcs-12PbeParams of RFC 7292.
type pbeParams struct {
	Salt       []byte
	Iterations int
}

// A pbes1Scheme is an encryption that takes its key and its initial vector from one derivation.
type pbes1Scheme struct {
	blockCipher

	derive func(password string, p pbeParams, keySize int) (key, iv []byte)
}

// pbes1Schemes are the encryptions of OpenSSL's "pkcs8 -v1" without those of RC2 and RC4.
var pbes1Schemes = map[string]pbes1Scheme{
	"1.2.840.113549.1.5.3":    {blockCipher{8, des.NewCipher}, pbkdf1(md5.New)},
	"1.2.840.113549.1.5.10":   {blockCipher{8, des.NewCipher}, pbkdf1(sha1.New)},
	"1.2.840.113549.1.12.1.3": {blockCipher{24, des.NewTripleDESCipher}, pkcs12},
	"1.2.840.113549.1.12.1.4": {blockCipher{16, twoKeyTripleDES}, pkcs12},
}

func twoKeyTripleDES(key []byte) (cipher.Block, error) {
	return des.NewTripleDESCipher(slices.Concat(key, key[:8])) //nolint:gosec // The key says so.
}

func decryptPBES1(info *encryptedPrivateKeyInfo, password string) ([]byte, error) {
	scheme, ok := pbes1Schemes[info.EncryptionAlgorithm.Algorithm.String()]
	if !ok {
		return nil, unsupportedOID(info.EncryptionAlgorithm.Algorithm)
	}
	var p pbeParams
	if err := parameters(info.EncryptionAlgorithm, &p); err != nil {
		return nil, err
	}
	if err := checkIterations(p.Iterations); err != nil {
		return nil, err
	}
	key, iv := scheme.derive(password, p, scheme.keySize)
	return scheme.decrypt(key, iv, info.EncryptedData)
}

// pbkdf1 is PBKDF1 of RFC 8018, section 5.1.
func pbkdf1(newHash func() hash.Hash) func(string, pbeParams, int) (key, iv []byte) {
	return func(password string, p pbeParams, size int) (key, iv []byte) {
		sum := digest(newHash, p.Iterations, []byte(password), p.Salt)
		return sum[:size], sum[size : 2*size] // a block of DES is as long as its key
	}
}

// digest hashes its input, and then each result again, n times in all.
func digest(newHash func() hash.Hash, n int, input ...[]byte) []byte {
	sum := slices.Concat(input...)
	for h := newHash(); n > 0; n-- {
		h.Reset()
		_, _ = h.Write(sum) // a hash returns no error
		sum = h.Sum(sum[:0])
	}
	return sum
}

// pkcs12 is the derivation of RFC 7292, appendix B, with SHA-1.
func pkcs12(password string, p pbeParams, size int) (key, iv []byte) {
	var text []byte
	for _, unit := range append(utf16.Encode([]rune(password)), 0) {
		text = append(text, byte(unit>>8), byte(unit))
	}
	return pkcs12Part(1, text, p, size), pkcs12Part(2, text, p, des.BlockSize)
}

func pkcs12Part(purpose byte, password []byte, p pbeParams, size int) []byte {
	const block = sha1.BlockSize
	d := slices.Repeat([]byte{purpose}, block)
	i := slices.Concat(fill(p.Salt, block), fill(password, block))
	var out []byte
	for {
		a := digest(sha1.New, p.Iterations, d, i)
		out = append(out, a...)
		if len(out) >= size {
			return out[:size]
		}
		// Each block of i becomes (block + b + 1) modulo 2^(8*block).
		b := new(big.Int).SetBytes(fill(a, block))
		b.Add(b, big.NewInt(1))
		for part := range slices.Chunk(i, block) {
			sum := new(big.Int).SetBytes(part)
			bytes := sum.Add(sum, b).FillBytes(make([]byte, block+1))
			copy(part, bytes[1:])
		}
	}
}

// fill repeats text until its length is a multiple of size.
func fill(text []byte, size int) []byte {
	if len(text) == 0 {
		return nil
	}
	n := (len(text) + size - 1) / size * size
	return slices.Repeat(text, n/len(text)+1)[:n]
}
