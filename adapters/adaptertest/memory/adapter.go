// Package memory is the reference adapter: the shortest program that keeps every promise of the
// conformance suite, to a vendor that lives in the same memory. Read it to see what an adapter
// owes; a real one differs in how it asks the vendor, and not in what it answers.
package memory

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/paging"
	"github.com/drmhub/drmhub/adapters/secret"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// Adapter speaks to a Vendor.
type Adapter struct {
	id     string
	vendor *Vendor
	key    secret.Text
}

var (
	_ adapters.Adapter                      = (*Adapter)(nil)
	_ adapters.SiteLister                   = (*Adapter)(nil)
	_ adapters.SiteGetter                   = (*Adapter)(nil)
	_ adapters.SiteDisabler                 = (*Adapter)(nil)
	_ adapters.SiteEnabler                  = (*Adapter)(nil)
	_ adapters.TrialExtender                = (*Adapter)(nil)
	_ adapters.StatusChangeLister           = (*Adapter)(nil)
	_ adapters.StatusChangeCanceller        = (*Adapter)(nil)
	_ adapters.SiteOrderCreator             = (*Adapter)(nil)
	_ adapters.SiteOrderLister              = (*Adapter)(nil)
	_ adapters.SiteOrderGetter              = (*Adapter)(nil)
	_ adapters.IntegrationGetter            = (*Adapter)(nil)
	_ adapters.IntegrationUpdater           = (*Adapter)(nil)
	_ adapters.FairPlayCertificateRegistrar = (*Adapter)(nil)
	_ adapters.MemberLister                 = (*Adapter)(nil)
	_ adapters.MemberCreator                = (*Adapter)(nil)
	_ adapters.MemberUpdater                = (*Adapter)(nil)
	_ adapters.MemberPasswordResetter       = (*Adapter)(nil)
	_ adapters.LicenseLister                = (*Adapter)(nil)
	_ adapters.LicenseStreamer              = (*Adapter)(nil)
)

// New makes an adapter to the vendor, which is configured under this id, with the key that the
// vendor takes.
func New(vendorID string, vendor *Vendor, key secret.Text) *Adapter {
	return &Adapter{id: vendorID, vendor: vendor, key: key}
}

// Describe tells what is made of other calls, such as a site that is found in the list of sites,
// and that the vendor filters nothing.
func (a *Adapter) Describe() adapters.Description {
	return adapters.Description{
		DisplayName: "Reference",
		Limits:      &pb.Vendor_Limits{MaxPageSize: paging.MaxSize},
		Composed: []string{
			pb.SiteService_GetSite_FullMethodName, pb.SiteService_GetSiteOrder_FullMethodName,
			pb.ProductLicenseService_GetProduct_FullMethodName, pb.ProductLicenseService_GetProductLicense_FullMethodName,
			pb.ProductLicenseService_BatchCreateProductLicenses_FullMethodName, pb.ProductLicenseService_BatchDeleteProductLicenses_FullMethodName,
			pb.ProductLicenseService_ReplaceProductLicense_FullMethodName,
		},
	}
}

// Check reads the sites. The vendor does not tell what the key may do.
func (a *Adapter) Check(ctx context.Context) (accessLevel string, err error) {
	_, err = a.vendor.Sites(ctx)
	return "", a.explain(ctx, err)
}

// explain says what went wrong on a read in the words of the public face.
func (a *Adapter) explain(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return apierror.FromContext(ctx)
	}
	f, ok := errors.AsType[*Failure](err)
	if !ok {
		return err
	}
	e := explanation(f)
	e.RetryAfter = f.RetryAfter
	return e.With(apierror.VendorCode, f.Code).With(apierror.VendorMessage, apierror.VendorText(secret.Clean(f.Text, a.key)))
}

func explanation(f *Failure) *apierror.Error {
	switch f.Code {
	case down:
		return apierror.New(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, "the vendor is down; try again later")
	case busy:
		return apierror.New(codes.ResourceExhausted, pb.ErrorReason_VENDOR_RATE_LIMITED, "the vendor takes no more calls for now; try again later")
	case badKey:
		return apierror.New(codes.FailedPrecondition, pb.ErrorReason_VENDOR_CREDENTIALS_REJECTED, "the vendor refuses the configured key; the operator must set a good one")
	case notYours:
		return apierror.New(codes.FailedPrecondition, pb.ErrorReason_VENDOR_PERMISSION_DENIED, "the vendor does not let the configured account do this; the operator must ask it for the right")
	case noSuchSite:
		return apierror.NotFound("the vendor holds no such site; ListSites tells which it holds")
	case noSuchThing:
		return apierror.NotFound("the vendor holds no such thing; its list tells which there are")
	case tooLate:
		return apierror.New(codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE, "the vendor has decided on the change: it can no longer be taken back")
	case taken:
		return apierror.New(codes.AlreadyExists, pb.ErrorReason_VENDOR_ALREADY_EXISTS, "the vendor holds such a thing already")
	case stillBound:
		return apierror.New(codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE, "the vendor binds the device to its account for %d days; force removes it all the same", binding/(24*time.Hour))
	case unreadable:
		return apierror.New(codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID, "the vendor's answer cannot be read")
	default:
		return apierror.New(codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED, "the vendor refuses, with code %s of its own", f.Code)
	}
}

// explainWrite is explain for a write: where the answer did not come or cannot be read, nobody
// knows what took effect.
func (a *Adapter) explainWrite(ctx context.Context, err error) error {
	f, ok := errors.AsType[*Failure](err)
	if ok && (f.Code == connectionCut || f.Code == unreadable) {
		return apierror.OutcomeUnknown("the vendor's answer to the change did not come through; call again with the same request_id")
	}
	return a.explain(ctx, err)
}
