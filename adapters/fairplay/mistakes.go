package fairplay

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"slices"
	"strings"
)

var (
	// ErrIsKey is the error of a private key in place of a certificate.
	ErrIsKey = errors.New("is a private key: " + theCertificate)
	// ErrIsCertificate is the error of a certificate in place of a private key.
	ErrIsCertificate = errors.New("is a certificate, not a private key: " + theKey)

	errNoCertificate = errors.New("must be an X.509 certificate: " + theCertificate)
	errNoKey         = errors.New("contains no private key: " + theKey)
	errDamaged       = errors.New("contains no private key that is whole: " +
		"its END line is missing, or the text before that line is not base64")
)

const (
	theCertificate = "give the .der or .cer file that Apple issued"
	theKey         = "give the .pem file of the key that the certificate was requested with"
)

// A kind is what a file holds.
type kind int

const (
	isOther kind = iota
	isCertificate
	isKey
	isSSHKey
	isPublicKey
	isRequest
	isPKCS7
	isPKCS7InDER
	isPKCS12
	isOldPKCS12 // with ciphers that OpenSSL 3 reads only on request
)

// names are the kinds of files that neither field takes.
var names = map[kind]string{
	isPublicKey: "a public key", isRequest: "a certificate request",
	isPKCS7: "PKCS#7, a bundle of certificates", isPKCS7InDER: "PKCS#7, a bundle of certificates",
	isPKCS12: "PKCS#12, which holds key and certificate in one file",
}

// notCertificate returns the error of a file of this kind in place of a certificate.
func notCertificate(k kind) error {
	switch k {
	case isKey, isSSHKey:
		return ErrIsKey
	case isPKCS7:
		return mistake(k, "take the certificate out of it (openssl pkcs7 -print_certs -in file.p7b -out cert.pem)")
	case isPKCS7InDER:
		return mistake(k, "take the certificate out of it "+
			"(openssl pkcs7 -inform der -print_certs -in file.p7b -out cert.pem)")
	case isPKCS12:
		return mistake(k, "take the certificate out of it (openssl pkcs12 -clcerts -nokeys -in file.p12 -out cert.pem)")
	case isOldPKCS12:
		return mistake(isPKCS12, "take the certificate out of it "+
			"(openssl pkcs12 -legacy -clcerts -nokeys -in file.p12 -out cert.pem)")
	case isRequest:
		return mistake(k, theCertificate+" for it")
	case isPublicKey:
		return mistake(k, theCertificate)
	case isCertificate, isOther:
	}
	return errNoCertificate
}

// notKey returns the error of a file of this kind in place of a private key.
func notKey(k kind) error {
	switch k {
	case isCertificate:
		return ErrIsCertificate
	case isSSHKey:
		return errors.New("is in the form of OpenSSH: write it in PEM (ssh-keygen -p -m PEM -f key.pem)")
	case isPKCS12:
		return mistake(k, "take the key out of it (openssl pkcs12 -nocerts -in file.p12 -out key.pem)")
	case isOldPKCS12:
		return mistake(isPKCS12, "take the key out of it (openssl pkcs12 -legacy -nocerts -in file.p12 -out key.pem)")
	case isPublicKey, isRequest, isPKCS7, isPKCS7InDER:
		return mistake(k, "it holds no private key. "+theKey)
	case isKey, isOther:
	}
	return errNoKey
}

func mistake(k kind, advice string) error { return errors.New("is " + names[k] + ": " + advice) }

func kindOfPEM(block *pem.Block) kind {
	switch {
	case block.Type == "OPENSSH PRIVATE KEY":
		return isSSHKey
	case strings.HasSuffix(block.Type, "PRIVATE KEY"):
		return isKey
	case strings.HasSuffix(block.Type, "PUBLIC KEY"):
		return isPublicKey
	case strings.HasSuffix(block.Type, "CERTIFICATE"):
		return isCertificate
	case strings.HasSuffix(block.Type, "CERTIFICATE REQUEST"):
		return isRequest
	case block.Type == "PKCS7":
		return isPKCS7
	}
	return kindOfDER(block.Bytes)
}

func kindOfDER(der []byte) kind {
	_, notCertificate := parseCertificate(der)
	_, notKey := parsePrivateKey(der)
	_, notRequest := x509.ParseCertificateRequest(der)
	_, notPublic := x509.ParsePKIXPublicKey(der)
	_, notPKCS1 := x509.ParsePKCS1PublicKey(der)
	var encrypted encryptedPrivateKeyInfo
	_, notEncrypted := asn1.Unmarshal(der, &encrypted)
	switch {
	case notCertificate == nil:
		return isCertificate
	case notKey == nil, notEncrypted == nil:
		return isKey
	case notRequest == nil:
		return isRequest
	case notPublic == nil, notPKCS1 == nil:
		return isPublicKey
	}
	return kindOfBundle(der)
}

// The object identifiers of PKCS#7's signedData, and of the encryptions of PKCS#12 with RC2 and RC4
// without their last byte.
var (
	signedData = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	pkcs12PBE  = []byte{0x06, 0x0A, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x0C, 0x01}
)

func kindOfBundle(der []byte) kind {
	var pkcs7 struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue `asn1:"tag:0"`
	}
	if _, err := asn1.Unmarshal(der, &pkcs7); err == nil && pkcs7.Type.Equal(signedData) {
		return isPKCS7InDER
	}
	var pkcs12 struct {
		Version int
		Content asn1.RawValue
		MAC     asn1.RawValue `asn1:"optional"`
	}
	_, err := asn1.Unmarshal(der, &pkcs12)
	if err != nil || pkcs12.Version != 3 || pkcs12.Content.Tag != asn1.TagSequence {
		return isOther
	}
	for _, old := range []byte{1, 2, 5, 6} {
		if bytes.Contains(der, append(slices.Clip(pkcs12PBE), old)) {
			return isOldPKCS12
		}
	}
	return isPKCS12
}
