package pallycon

import (
	"context"
	"net/http"
	"net/url"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/fairplay"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// maxCertificate bounds a certificate of the license server, in bytes.
const maxCertificate = 64 << 10

// GetFairPlayCertificate reads the certificate that PallyCon's license server serves to players. The
// guide has no call for it. The license server does not say which sites exist, so drmhub looks for the
// site in the site list first.
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
	var served upstream.Raw
	res, err := a.licenseServer.Read(ctx, upstream.Request{
		Path: "/ri/fpsCert.do", Query: url.Values{"siteId": {ids[1]}}, Header: http.Header{"Accept": {"*/*"}},
	}, &served)
	if err != nil {
		return nil, noneServed(err)
	}
	certificates, err := fairplay.Certificates(served)
	if err != nil {
		unreadable := apierror.New(codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID,
			"PallyCon's license server returned something else than a certificate: "+
				"register one for this site, or check that license_base_url is PallyCon's license server")
		return nil, res.Complete(unreadable)
	}
	return fairplay.Describe(certificates[0]), nil
}

// noneServed explains a 404. The documents do not say what the license server returns for a site
// without a certificate, and the site is in the site list.
func noneServed(err error) error {
	e := apierror.Convert(err)
	if e.Code != codes.NotFound {
		return err
	}
	e.Code, e.Reason = codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED
	e.Message = "PallyCon's license server returned 404 for the certificate of this site: " +
		"register one, or check that license_base_url is PallyCon's license server"
	return e
}
