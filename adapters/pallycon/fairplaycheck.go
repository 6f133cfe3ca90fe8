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
	// secretKeySize is the length of an application secret key in bytes, by Apple's FairPlay Streaming
	// programming guide.
	secretKeySize = 16
	// maxKeyPassword is the maximum length of key_pw in bytes, by PallyCon's guide.
	maxKeyPassword = 32
)

// checkFairPlay describes a certificate. It first checks that the certificate, its private key, the
// key's password and the application secret key are valid and belong together. If they do not, its
// error is INVALID_ARGUMENT with all violations. The error contains no secret.
func checkFairPlay(req *pb.RegisterFairPlayCertificateRequest, now time.Time) (*pb.FairPlayCertificate, error) {
	var wrong []*errdetails.BadRequest_FieldViolation
	refuse := func(field, format string, args ...any) {
		wrong = append(wrong, &errdetails.BadRequest_FieldViolation{
			Field: field, Description: fmt.Sprintf(format, args...),
		})
	}
	certificate, err := x509.ParseCertificate(req.GetCertificate())
	switch {
	case err != nil && isPEM(req.GetCertificate()):
		refuse("certificate", "is in PEM: give the file in DER (.der or .cer) that Apple issued")
	case err != nil:
		refuse("certificate", "must be an X.509 certificate in DER: give the .der or .cer file that Apple issued")
	case now.Before(certificate.NotBefore):
		refuse("certificate", "is not valid before %s", certificate.NotBefore.UTC().Format(time.RFC3339))
	case now.After(certificate.NotAfter):
		expired := certificate.NotAfter.UTC().Format(time.RFC3339)
		refuse("certificate", "expired at %s: ask Apple for a new one", expired)
	}
	password := req.GetKeyPassword()
	key, err := openPrivateKey(req.GetPrivateKey(), password)
	switch {
	case len(password) > maxKeyPassword:
		refuse("key_password", "has %d bytes, and PallyCon takes at most %d: "+
			"encrypt the private key with a shorter password", len(password), maxKeyPassword)
	case password == "":
		refuse("key_password", "must be set: PallyCon takes an encrypted private key with its password")
	}
	switch {
	case errors.Is(err, errNotEncrypted):
		refuse("key_password", "%v", err)
	case errors.Is(err, errWrongPassword):
		if password != "" {
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

// belong reports whether a private key belongs to a public key.
func belong(public crypto.PublicKey, private crypto.Signer) bool {
	p, ok := public.(interface{ Equal(crypto.PublicKey) bool })
	return ok && p.Equal(private.Public())
}
