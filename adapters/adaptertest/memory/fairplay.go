package memory

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// RegisterFairPlayCertificate checks what it gets, and sends it. Nothing shows afterwards whether the
// vendor has it.
func (a *Adapter) RegisterFairPlayCertificate(
	ctx context.Context, req *pb.RegisterFairPlayCertificateRequest,
) (*pb.FairPlayCertificate, error) {
	check := func(ctx context.Context) (*pb.FairPlayCertificate, error) {
		certificate, err := inspect(req)
		if err != nil {
			return nil, err
		}
		_, err = a.vendor.Sites.Get(ctx, req.GetName())
		return certificate, err
	}
	certificate, err := mutation.Snapshot(ctx, "certificate", check)
	if err != nil {
		return nil, err
	}
	return mutation.Do(ctx, mutation.Write[*pb.FairPlayCertificate]{
		Step: "register",
		Send: func(ctx context.Context, _ mutation.Attempt) (*pb.FairPlayCertificate, error) {
			return certificate, a.vendor.Sites.Change(ctx, req.GetName(), func(*pb.Site) error { return nil })
		},
		Preview: func() *pb.FairPlayCertificate { return certificate },
	})
}

// inspect refuses a certificate and keys that do not belong together. This vendor knows one kind of
// encrypted key.
func inspect(req *pb.RegisterFairPlayCertificateRequest) (*pb.FairPlayCertificate, error) {
	var wrong []*errdetails.BadRequest_FieldViolation
	refuse := func(field, what string) {
		wrong = append(wrong, &errdetails.BadRequest_FieldViolation{Field: field, Description: what})
	}
	certificate, err := x509.ParseCertificate(req.GetCertificate())
	if err != nil {
		refuse("certificate", "is no certificate in DER")
	} else if now := time.Now(); now.Before(certificate.NotBefore) || now.After(certificate.NotAfter) {
		refuse("certificate", "is not valid now")
	}
	if block, _ := pem.Decode(req.GetPrivateKey()); block == nil {
		refuse("private_key", "is no PEM")
	} else if key, err := decrypt(block, req.GetKeyPassword()); err != nil {
		refuse("key_password", "does not open the private key")
	} else if certificate != nil && !key.PublicKey.Equal(certificate.PublicKey) {
		refuse("private_key", "does not belong to the certificate")
	}
	if ask, err := hex.DecodeString(req.GetApplicationSecretKey()); err != nil || len(ask) != 16 {
		refuse("application_secret_key", "must be 32 hexadecimal digits")
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

func decrypt(block *pem.Block, password string) (*rsa.PrivateKey, error) {
	der, err := x509.DecryptPEMBlock(block, []byte(password)) //nolint:staticcheck // Deprecated, and what people have.
	if err != nil {
		return nil, err
	}
	return x509.ParsePKCS1PrivateKey(der)
}
