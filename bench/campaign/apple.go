package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"time"
)

// applePassword is that of the campaign's private key.
const applePassword = "campaign"

// keyPair is a key for the request of a FairPlay certificate of Apple.
type keyPair struct {
	key *ecdsa.PrivateKey
	pem []byte // the key, encrypted
}

func newKeyPair() keyPair {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	der, err := x509.MarshalECPrivateKey(key)
	must(err)
	//nolint:staticcheck // This form is deprecated, and common.
	block, err := x509.EncryptPEMBlock(rand.Reader, "EC PRIVATE KEY", der, []byte(applePassword), x509.PEMCipherAES256)
	must(err)
	return keyPair{key, pem.EncodeToMemory(block)}
}

// certificate returns a certificate with that serial number.
func (k keyPair) certificate(serial int64) []byte {
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		Subject: pkix.Name{CommonName: "FairPlay Streaming: campaign"},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, k.key.Public(), k.key)
	must(err)
	return der
}

// must panics on an error that only a mistake in this program causes.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
