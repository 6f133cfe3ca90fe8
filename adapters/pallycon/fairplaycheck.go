package pallycon

import (
	"crypto"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

const (
	// bytes of the application secret key, by Apple's FairPlay Streaming programming guide
	secretKeySize      = 16
	longestKeyPassword = 32 // bytes, by the guide's key_pw
)

// checkFairPlay tells what a certificate is, if it, its private key, the key's password and the
// application secret key are sound and fit together. Otherwise its error is INVALID_ARGUMENT with
// everything that is wrong. No secret is in it.
func checkFairPlay(req *pb.RegisterFairPlayCertificateRequest, now time.Time) (*pb.FairPlayCertificate, error) {
	var wrong []*errdetails.BadRequest_FieldViolation
	refuse := func(field, format string, args ...any) {
		wrong = append(wrong, &errdetails.BadRequest_FieldViolation{Field: field, Description: fmt.Sprintf(format, args...)})
	}
	certificate, err := x509.ParseCertificate(req.GetCertificate())
	switch {
	case err != nil && isPEM(req.GetCertificate()):
		refuse("certificate", "is PEM: give the file in DER (.der or .cer) that Apple issued")
	case err != nil:
		refuse("certificate", "is no X.509 certificate in DER: give the .der or .cer file that Apple issued")
	case now.Before(certificate.NotBefore):
		refuse("certificate", "is not valid before %s", certificate.NotBefore.UTC().Format(time.RFC3339))
	case now.After(certificate.NotAfter):
		refuse("certificate", "ended at %s: have Apple issue a new one", certificate.NotAfter.UTC().Format(time.RFC3339))
	}
	key, err := openPrivateKey(req.GetPrivateKey(), req.GetKeyPassword())
	switch {
	case len(req.GetKeyPassword()) > longestKeyPassword:
		refuse("key_password", "has %d bytes, and PallyCon takes %d: encrypt the private key anew with a shorter one", len(req.GetKeyPassword()), longestKeyPassword)
	case req.GetKeyPassword() == "":
		refuse("key_password", "must be set: PallyCon takes a private key with its password")
	}
	switch {
	case errors.Is(err, errNotEncrypted):
		refuse("key_password", "%v", err)
	case errors.Is(err, errWrongPassword):
		if req.GetKeyPassword() != "" {
			refuse("key_password", "%v", err)
		}
	case err != nil:
		refuse("private_key", "%v", err)
	}
	if certificate != nil && key != nil && !belong(certificate.PublicKey, key) {
		refuse("private_key", "does not belong to the certificate: their public keys differ")
	}
	if ask, err := hex.DecodeString(req.GetApplicationSecretKey()); err != nil || len(ask) != secretKeySize {
		refuse("application_secret_key", "must be %d hexadecimal digits", 2*secretKeySize)
	}
	if wrong != nil {
		return nil, apierror.InvalidRequest(wrong...)
	}
	return &pb.FairPlayCertificate{
		Subject:      certificate.Subject.String(),
		SerialNumber: certificate.SerialNumber.Text(16),
		ExpireTime:   timestamppb.New(certificate.NotAfter),
	}, nil
}

func isPEM(data []byte) bool {
	block, _ := pem.Decode(data)
	return block != nil
}

// belong reports whether a private key is the one of a public key.
func belong(public crypto.PublicKey, private crypto.Signer) bool {
	p, ok := public.(interface{ Equal(crypto.PublicKey) bool })
	return ok && p.Equal(private.Public())
}
