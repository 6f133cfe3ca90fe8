package fairplay

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var (
	// ErrIsKey is the error of a private key in place of a certificate.
	ErrIsKey = errors.New("is a private key: give the .der or .cer file that Apple issued")
	// ErrIsCertificate is the error of a certificate in place of a private key.
	ErrIsCertificate = errors.New("is a certificate, not a private key: " +
		"give the .pem file of the key that the certificate was requested with")

	errNoCertificate = errors.New("must be an X.509 certificate: give the .der or .cer file that Apple issued")
	errRequest       = errors.New("is a certificate request: give the .der or .cer file that Apple issued for it")
	errPKCS7         = errors.New("is PKCS#7, a bundle of certificates: " +
		"take the certificate out of it (openssl pkcs7 -print_certs)")
	errPKCS12 = errors.New("is PKCS#12, which holds key and certificate in one file: " +
		"take each out of it (openssl pkcs12 -nokeys -clcerts, and openssl pkcs12 -nocerts)")
)

// Certificates returns the certificates of a file, at least one, in DER or PEM. A file can hold the
// issuer's certificates too.
func Certificates(file []byte) ([]*x509.Certificate, error) {
	if der := binary(file); der != nil {
		return certificateInDER(der)
	}
	var found []*x509.Certificate
	err := errNoCertificate
	for _, block := range armored(file) {
		switch {
		case strings.HasSuffix(block.Type, "CERTIFICATE"):
			if certificate, err := parseCertificate(block.Bytes); err == nil {
				found = append(found, certificate)
			}
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			err = ErrIsKey
		case strings.HasSuffix(block.Type, "CERTIFICATE REQUEST"):
			err = errRequest
		case block.Type == "PKCS7":
			err = errPKCS7
		}
	}
	if found != nil {
		return found, nil
	}
	return nil, err
}

func certificateInDER(der []byte) ([]*x509.Certificate, error) {
	if certificate, err := parseCertificate(der); err == nil {
		return []*x509.Certificate{certificate}, nil
	}
	if isPKCS12(der) {
		return nil, errPKCS12
	}
	if _, err := parsePrivateKey(der); err == nil {
		return nil, ErrIsKey
	}
	if _, err := x509.ParseCertificateRequest(der); err == nil {
		return nil, errRequest
	}
	return nil, errNoCertificate
}

// parseCertificate ignores white space at the end, which a copy in text mode leaves there.
func parseCertificate(der []byte) (*x509.Certificate, error) {
	var whole asn1.RawValue
	rest, err := asn1.Unmarshal(der, &whole)
	if err == nil && len(bytes.TrimSpace(rest)) == 0 {
		der = whole.FullBytes
	}
	return x509.ParseCertificate(der)
}

// isPKCS12 reports whether der begins as PKCS#12: a sequence of version 3 and more.
func isPKCS12(der []byte) bool {
	var whole struct {
		Version int
		Content asn1.RawValue
		MAC     asn1.RawValue `asn1:"optional"`
	}
	_, err := asn1.Unmarshal(der, &whole)
	return err == nil && whole.Version == 3 && whole.Content.Tag == asn1.TagSequence
}

// Of returns the certificate that belongs to a key, or nil.
func Of(key crypto.Signer, certificates []*x509.Certificate) *x509.Certificate {
	i := slices.IndexFunc(certificates, func(c *x509.Certificate) bool {
		public, ok := c.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
		return ok && public.Equal(key.Public())
	})
	if i < 0 {
		return nil
	}
	return certificates[i]
}

// Describe returns what the contract shows of a certificate.
func Describe(certificate *x509.Certificate) *pb.FairPlayCertificate {
	sum := sha256.Sum256(certificate.Raw)
	size := 0
	switch key := certificate.PublicKey.(type) {
	case *rsa.PublicKey:
		size = key.N.BitLen()
	case *ecdsa.PublicKey:
		size = key.Curve.Params().BitSize
	}
	return &pb.FairPlayCertificate{
		Subject:      certificate.Subject.String(),
		SerialNumber: certificate.SerialNumber.Text(16),
		ExpireTime:   timestamppb.New(certificate.NotAfter),
		Fingerprint:  hex.EncodeToString(sum[:]),
		KeySize:      int32(size),
	}
}
