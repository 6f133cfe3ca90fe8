package memory

import (
	"context"
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

// RegisterFairPlayCertificate checks what it is given, and sends it. Nothing shows afterwards
// whether the vendor has it.
func (a *Adapter) RegisterFairPlayCertificate(ctx context.Context, req *pb.RegisterFairPlayCertificateRequest) (*pb.FairPlayCertificate, error) {
	siteID, err := idOfSite(req.GetName(), pb.Site_DRM)
	if err != nil {
		return nil, err
	}
	certificate, err := mutation.Snapshot(ctx, "certificate", func(context.Context) (*pb.FairPlayCertificate, error) { return inspect(req) })
	if err != nil {
		return nil, err
	}
	send := func(ctx context.Context, _ mutation.Attempt) (*pb.FairPlayCertificate, error) {
		// the vendor keeps what it got to itself
		_, err := a.vendor.ChangeSettings(ctx, siteID, func(*pb.Integration) {})
		return certificate, mutation.ExplainRefusal(ctx, a.explainWrite(ctx, err), req.GetName(), func(ctx context.Context) error {
			_, err := a.integration(ctx, req.GetName()+"/integration")
			return err
		})
	}
	expect := func() *pb.FairPlayCertificate { return certificate }
	return mutation.Do(ctx, mutation.Write[*pb.FairPlayCertificate]{Step: "register", Send: send, Preview: expect})
}

// inspect finds what is wrong with a certificate and its keys. This vendor knows one kind of
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
		refuse("certificate", "is not good now")
	}
	if block, _ := pem.Decode(req.GetPrivateKey()); block == nil {
		refuse("private_key", "is no PEM")
	} else if der, err := x509.DecryptPEMBlock(block, []byte(req.GetKeyPassword())); err != nil { //nolint:staticcheck // Deprecated, and what people have.
		refuse("key_password", "does not open the private key")
	} else if key, err := x509.ParsePKCS1PrivateKey(der); err != nil {
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
		Subject: certificate.Subject.String(), SerialNumber: certificate.SerialNumber.Text(16), ExpireTime: timestamppb.New(certificate.NotAfter),
	}, nil
}
