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

	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// Certificates returns the certificates of a file, at least one, in DER or PEM. A file can hold the
// issuer's certificates too.
func Certificates(file []byte) ([]*x509.Certificate, error) {
	if der := binary(file); der != nil {
		certificate, err := parseCertificate(der)
		if err != nil {
			return nil, notCertificate(kindOfDER(der))
		}
		return []*x509.Certificate{certificate}, nil
	}
	var found []*x509.Certificate
	err := errNoCertificate
	for _, block := range armored(file) {
		kind := kindOfPEM(block)
		if kind != isCertificate {
			err = notCertificate(kind)
		} else if certificate, err := parseCertificate(block.Bytes); err == nil {
			found = append(found, certificate)
		}
	}
	if found != nil {
		return found, nil
	}
	return nil, err
}

// parseCertificate ignores white space and ends of text, which a copy in text mode leaves at the
// end.
func parseCertificate(der []byte) (*x509.Certificate, error) {
	var whole asn1.RawValue
	rest, err := asn1.Unmarshal(der, &whole)
	if err == nil && len(bytes.Trim(rest, " \t\r\n\x00\x1A")) == 0 {
		der = whole.FullBytes
	}
	return x509.ParseCertificate(der)
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

// ErrNotServed marks the error of a license server that returned something else than a certificate.
// The site may have none.
var ErrNotServed = errors.New("the license server returned no certificate")

// Describe returns what the contract shows of a certificate. An end that the contract cannot show,
// in the year 0, is left out.
func Describe(certificate *x509.Certificate) *pb.FairPlayCertificate {
	sum := sha256.Sum256(certificate.Raw)
	size := 0
	switch key := certificate.PublicKey.(type) {
	case *rsa.PublicKey:
		size = key.N.BitLen()
	case *ecdsa.PublicKey:
		size = key.Curve.Params().BitSize
	}
	end := timestamppb.New(certificate.NotAfter)
	if !end.IsValid() {
		end = nil
	}
	return &pb.FairPlayCertificate{
		Subject:      certificate.Subject.String(),
		SerialNumber: certificate.SerialNumber.Text(16),
		ExpireTime:   end,
		Fingerprint:  hex.EncodeToString(sum[:]),
		KeySize:      int32(size),
	}
}
