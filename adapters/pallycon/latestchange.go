package pallycon

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/upstream/jsonx"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// PallyCon shows the latest change of a service. The guide does not say what it shows before the
// first one. All of these mean that there was none, if the site list has the service:
//
//   - a success without a change: data is null, {} or absent
//   - a success with another empty value: data is [] or ""
//   - a failure with any error_code
//   - HTTP 404
//
// The first one is PallyCon's word. The others are less sure: there may be a change that PallyCon
// does not show at the moment. The last two are refusals, which prove nothing at all.

// A latestChange is what PallyCon shows as the latest change of a service.
type latestChange struct {
	row    *statusChangeRow // nil if PallyCon shows none
	unsure bool             // without a row: there may be one
	// refusal is the error_code or the HTTP status with which PallyCon refused to show a change, or
	// "".
	refusal string
	sent    time.Time // by PallyCon's clock; zero if the response did not say
}

// latest reads the latest change of a service, which the site list must have.
func (a *Adapter) latest(ctx context.Context, siteID, serviceCode string) (*latestChange, error) {
	latest, err := a.readLatest(ctx, siteID, serviceCode)
	if err == nil || !isForeign404(err) {
		return latest, err
	}
	// A proxy sends a 404 too, while it has no route to PallyCon. So PallyCon must give it again
	// after a call that works.
	if _, down := a.allSites(ctx); down != nil {
		return nil, down
	}
	if latest, err = a.readLatest(ctx, siteID, serviceCode); err != nil && isForeign404(err) {
		return &latestChange{unsure: true, refusal: "HTTP 404"}, nil
	}
	return latest, err
}

func (a *Adapter) readLatest(ctx context.Context, siteID, serviceCode string) (*latestChange, error) {
	response, err := get[*statusChangeRow](ctx, a, statusCall(siteID), url.Values{"service_code": {serviceCode}})
	latest := &latestChange{}
	if response != nil {
		latest.sent = response.sent
	}
	switch {
	case err != nil && isRefusal(err):
		latest.unsure = true
		latest.refusal = "error_code " + apierror.Convert(err).Metadata[apierror.VendorCode]
		return latest, nil
	case err != nil:
		return nil, err
	case response.Data == nil || response.Data.ReqGroupID+response.Data.RegType+response.Data.RegStatus == "":
		latest.unsure = response.kind == '[' || response.kind == '"'
		return latest, nil
	}
	latest.row = response.Data
	return latest, latest.row.check(siteID, serviceCode)
}

// check returns an error if the row is no change of this site.
func (r *statusChangeRow) check(siteID, serviceCode string) error {
	thing := "the latest status change of site " + strconv.Quote(siteID) + ", " + serviceCode + ","
	switch {
	case r.ReqGroupID == "":
		return unreadable(thing, &jsonx.Misfit{Path: "data.req_group_id", Expected: "an id"})
	case r.SiteID != "" && r.SiteID != siteID:
		return unreadable(thing, &jsonx.Misfit{Path: "data.site_id", Expected: "the site of the request"})
	}
	return nil
}

// isRefusal reports whether err is PallyCon's refusal of a call, with a code.
func isRefusal(err error) bool {
	e := apierror.Convert(err)
	switch e.Reason {
	case pb.ErrorReason_VENDOR_REJECTED, pb.ErrorReason_VENDOR_INPUT_REFUSED,
		pb.ErrorReason_RESOURCE_NOT_FOUND, pb.ErrorReason_VENDOR_ALREADY_EXISTS:
		return e.Metadata[apierror.VendorCode] != ""
	}
	return false
}

// isForeign404 reports whether err is a 404 without PallyCon's envelope.
func isForeign404(err error) bool {
	e := apierror.Convert(err)
	return e.Reason == pb.ErrorReason_VENDOR_RESPONSE_INVALID && e.Metadata[apierror.VendorHTTPStatus] == "404"
}

// change returns the latest change. It is empty if PallyCon shows none.
func (l *latestChange) change(a *Adapter, siteID, serviceCode string) *pb.StatusChange {
	if l.row == nil {
		return &pb.StatusChange{}
	}
	return a.statusChange(siteID, serviceCode, *l.row)
}

// noService returns the error of a site without a service.
func noService(siteID, serviceCode string) error {
	return apierror.New(codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE,
		"site %q has no service %s", siteID, services[serviceCode])
}
