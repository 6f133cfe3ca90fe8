package pallycon

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/fairplay"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// maxKeyPassword is the maximum length of key_pw in bytes, by PallyCon's guide.
const maxKeyPassword = 32

// fairPlayFiles are the files and texts of a registration, in the forms that PallyCon takes.
type fairPlayFiles struct {
	certificate []byte // DER
	privateKey  []byte // PEM, OpenSSL's traditional form: PallyCon refuses others with its code A9104
	secretKey   string // 32 hexadecimal digits
	description *pb.FairPlayCertificate
}

// checkFairPlay checks that the certificate, its private key, the key's password and the
// application secret key are valid and belong together, and converts them. If they do not, its
// error is INVALID_ARGUMENT with all violations. The error contains no secret.
//
// A certificate past its date is valid. Apple's devices ignore the date, and services go on with
// old certificates, since a new one needs a new application secret key.
func checkFairPlay(
	ctx context.Context, req *pb.RegisterFairPlayCertificateRequest, now time.Time,
) (*fairPlayFiles, error) {
	var wrong violations
	password := req.GetKeyPassword()
	certificates, notCertificate := fairplay.Certificates(req.GetCertificate())
	key, notKey := fairplay.OpenKey(ctx, req.GetPrivateKey(), password)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if errors.Is(notCertificate, fairplay.ErrIsKey) && errors.Is(notKey, fairplay.ErrIsCertificate) {
		wrong.add("certificate", "is the private key, and private_key is the certificate: swap the two files")
		notCertificate = nil
	}
	if notCertificate != nil {
		wrong.add("certificate", "%v", notCertificate)
	}
	wrong.addKey(password, notKey)
	files := &fairPlayFiles{}
	if key != nil && certificates != nil {
		certificate := fairplay.Of(key, certificates)
		switch {
		case certificate == nil:
			wrong.add("private_key", "does not belong to the certificate: their public keys differ")
		case now.Before(certificate.NotBefore):
			wrong.add("certificate", "is not valid before %s", certificate.NotBefore.UTC().Format(time.RFC3339))
		default:
			files.certificate, files.description = certificate.Raw, fairplay.Describe(certificate)
		}
	}
	var err error
	if files.secretKey, err = fairplay.SecretKey(req.GetApplicationSecretKey()); err != nil {
		wrong.add("application_secret_key", "%v", err)
	}
	if wrong != nil {
		return nil, apierror.InvalidRequest(wrong...)
	}
	if files.privateKey, err = key.Traditional(password); err != nil {
		return nil, apierror.Invalid("private_key", "%v", err)
	}
	return files, nil
}

// violations are the fields of a request that are wrong.
type violations []*errdetails.BadRequest_FieldViolation

func (v *violations) add(field, format string, args ...any) {
	*v = append(*v, &errdetails.BadRequest_FieldViolation{Field: field, Description: fmt.Sprintf(format, args...)})
}

// addKey adds what is wrong with the password of the private key, and with the key. notKey is why
// the key cannot be opened, or nil.
func (v *violations) addKey(password string, notKey error) {
	switch {
	case len(password) > maxKeyPassword:
		v.add("key_password", "has %d bytes, and PallyCon takes at most %d: "+
			"encrypt the private key with a shorter password", len(password), maxKeyPassword)
	case password == "":
		v.add("key_password", "must be set: PallyCon takes an encrypted private key with its password")
	}
	switch {
	case errors.Is(notKey, fairplay.ErrWrongPassword) && password == "": // named above
	case errors.Is(notKey, fairplay.ErrWrongPassword) && password != strings.TrimSpace(password):
		v.add("key_password", "%v: it begins or ends with white space", notKey)
	case errors.Is(notKey, fairplay.ErrWrongPassword):
		v.add("key_password", "%v", notKey)
	case notKey != nil:
		v.add("private_key", "%v", notKey)
	}
}
