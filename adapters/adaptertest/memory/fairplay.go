package memory

import (
	"cmp"
	"context"
	"errors"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/fairplay"
	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// GetFairPlayCertificate returns the certificate that was registered last.
func (a *Adapter) GetFairPlayCertificate(
	ctx context.Context, req *pb.GetFairPlayCertificateRequest,
) (*pb.FairPlayCertificate, error) {
	site, err := a.vendor.Sites.Get(ctx, req.GetName())
	switch {
	case err != nil:
		return nil, err
	case site.GetFairplayCertificate() == nil:
		none := pb.ErrorReason_VENDOR_REJECTED
		err := apierror.New(codes.FailedPrecondition, none, "the site has no certificate")
		return nil, errors.Join(err, fairplay.ErrNotServed)
	}
	return site.GetFairplayCertificate(), nil
}

// RegisterFairPlayCertificate checks what it gets, and sends it. It is read back
// from the certificate, if that was another one before. The certificate does not
// show which keys the vendor has.
func (a *Adapter) RegisterFairPlayCertificate(
	ctx context.Context, req *pb.RegisterFairPlayCertificateRequest,
) (*pb.FairPlayCertificate, error) {
	check := func(ctx context.Context) (*pb.FairPlayCertificate, error) {
		certificate, err := inspect(ctx, req)
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
	held := func(ctx context.Context) (*pb.FairPlayCertificate, error) {
		site, err := a.vendor.Sites.Get(ctx, req.GetName())
		return cmp.Or(site.GetFairplayCertificate(), &pb.FairPlayCertificate{}), err
	}
	before, err := mutation.Snapshot(ctx, "served", held)
	if err != nil {
		return nil, err
	}
	write := mutation.Write[*pb.FairPlayCertificate]{
		Step: "register",
		Send: func(ctx context.Context, _ mutation.Attempt) (*pb.FairPlayCertificate, error) {
			return certificate, a.vendor.Sites.Change(ctx, req.GetName(), func(s *pb.Site) error {
				s.FairplayCertificate = certificate
				return nil
			})
		},
		Preview:        func() *pb.FairPlayCertificate { return certificate },
		CannotDisprove: true,
	}
	if was := before.GetFingerprint(); was != "" && was != certificate.GetFingerprint() {
		write.ReadBack = func(ctx context.Context) (*pb.FairPlayCertificate, bool, error) {
			now, err := held(ctx)
			return now, now.GetFingerprint() == certificate.GetFingerprint(), err
		}
	}
	return mutation.Do(ctx, write)
}

// inspect refuses a certificate and keys that do not belong together.
func inspect(ctx context.Context, req *pb.RegisterFairPlayCertificateRequest) (*pb.FairPlayCertificate, error) {
	var wrong []*errdetails.BadRequest_FieldViolation
	refuse := func(field string, err error) {
		wrong = append(wrong, &errdetails.BadRequest_FieldViolation{Field: field, Description: err.Error()})
	}
	certificates, err := fairplay.Certificates(req.GetCertificate())
	if err != nil {
		refuse("certificate", err)
	}
	key, err := fairplay.OpenKey(ctx, req.GetPrivateKey(), req.GetKeyPassword())
	switch {
	case errors.Is(err, fairplay.ErrWrongPassword):
		refuse("key_password", err)
	case err != nil:
		refuse("private_key", err)
	case certificates != nil && fairplay.Of(key, certificates) == nil:
		refuse("private_key", errors.New("does not belong to the certificate"))
	}
	if _, err := fairplay.SecretKey(req.GetApplicationSecretKey()); err != nil {
		refuse("application_secret_key", err)
	}
	if wrong != nil {
		return nil, apierror.InvalidRequest(wrong...)
	}
	return fairplay.Describe(fairplay.Of(key, certificates)), nil
}
