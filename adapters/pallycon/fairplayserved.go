package pallycon

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/fairplay"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// maxCertificate bounds a certificate of the license server, in bytes.
const maxCertificate = 64 << 10

const certificatePath = "/ri/fpsCert.do"

// GetFairPlayCertificate reads the certificate that PallyCon's license server serves to players.
// The guide has no call for it. The license server does not say which sites exist, so drmhub looks
// for the site in the site list first.
func (a *Adapter) GetFairPlayCertificate(
	ctx context.Context, req *pb.GetFairPlayCertificateRequest,
) (*pb.FairPlayCertificate, error) {
	ids, err := names.Site.IDs(req.GetName())
	if err != nil {
		return nil, apierror.Invalid("name", "%v", err)
	}
	if a.licenseServer == nil {
		return nil, apierror.New(codes.Unimplemented, pb.ErrorReason_CAPABILITY_NOT_SUPPORTED,
			"this vendor account has no license_base_url, from which drmhub reads the certificate")
	}
	if _, err := a.findSite(ctx, ids[1]); err != nil {
		return nil, err
	}
	return a.servedFairPlay(ctx, ids[1])
}

// servedFairPlay reads the certificate that the license server serves for a site.
func (a *Adapter) servedFairPlay(ctx context.Context, siteID string) (*pb.FairPlayCertificate, error) {
	var served upstream.Raw
	res, err := a.licenseServer.Read(ctx, upstream.Request{
		Path: certificatePath, Query: url.Values{"siteId": {siteID}}, Header: http.Header{"Accept": {"*/*"}},
	}, &served)
	if err != nil {
		return nil, notServed(err)
	}
	certificates, err := fairplay.Certificates(served)
	if err != nil {
		unreadable := apierror.New(codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID,
			"PallyCon's license server returned something else than a certificate: "+noneOrWrong)
		return nil, errors.Join(res.Complete(unreadable), fairplay.ErrNotServed)
	}
	return fairplay.Describe(certificates[0]), nil
}

// noneOrWrong says what to do where the license server returns no certificate. The documents do not
// say what it returns for a site without one, and a proxy may have sent the response.
const noneOrWrong = "if this site has none yet, register one. Otherwise, check that license_base_url is " +
	"PallyCon's license server"

// notServed explains a refusal. No document says how the license server refuses, so its word proves
// nothing, and a 401 is not about drmhub's credentials, since it gets none.
func notServed(err error) error {
	e := *apierror.Convert(err)
	switch e.Code {
	case codes.NotFound, codes.InvalidArgument, codes.FailedPrecondition, codes.AlreadyExists:
		e.Code, e.Reason = codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID
		e.Message = "PallyCon's license server, or a proxy in front of it, returned HTTP " +
			e.Metadata[apierror.VendorHTTPStatus] + " in place of a certificate: " + noneOrWrong
		return errors.Join(&e, fairplay.ErrNotServed)
	default:
		return &e
	}
}

// maxServedBefore bounds the read before a registration, which must not depend on the license
// server.
const maxServedBefore = 5 * time.Second

// servedBefore returns the certificate that players get before a registration. It is empty if the
// license server does not return one. Then the registration cannot be read back.
func (a *Adapter) servedBefore(ctx context.Context, siteID string) (*pb.FairPlayCertificate, error) {
	limit := maxServedBefore
	if deadline, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(deadline)/2) // the rest is for the write
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if a.licenseServer != nil && mutation.DryRunFrom(ctx) == nil {
		if served, err := a.servedFairPlay(ctx, siteID); err == nil {
			return served, nil
		}
	}
	return &pb.FairPlayCertificate{}, nil
}

// fairPlayReadBack returns the ReadBack of a registration. It is nil where the served certificate
// can show nothing: it was not known before, or the same certificate is registered with another
// key.
func (a *Adapter) fairPlayReadBack(
	siteID string, before, registered *pb.FairPlayCertificate,
) func(context.Context) (*pb.FairPlayCertificate, bool, error) {
	want := registered.GetFingerprint()
	if a.licenseServer == nil || before.GetFingerprint() == "" || before.GetFingerprint() == want {
		return nil
	}
	return func(ctx context.Context) (*pb.FairPlayCertificate, bool, error) {
		served, err := a.servedFairPlay(ctx, siteID)
		return registered, served.GetFingerprint() == want, err
	}
}
