package services

import (
	"cmp"
	"context"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/contract"
	"github.com/drmhub/drmhub/server/internal/explain"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

// ExplainLicense explains a code, or a license request that was refused.
func (s *licenses) ExplainLicense(ctx context.Context, req *pb.ExplainLicenseRequest) (*pb.Explanation, error) {
	v, err := s.vendors.Lookup(req.GetParent())
	if err != nil {
		return nil, err
	}
	e, err := explanationOf(v, req)
	if err != nil || !req.GetCollectEvidence() {
		return e, err
	}
	caller := auth.FromContext(ctx)
	c := explain.Case{
		Vendor: v, Site: req.GetParent(), License: proto.CloneOf(req.GetLicense()), Explanation: e,
		Archive: s.engine, Now: time.Now(), Sees: seesConfigured(s.vendors.Snapshot(), caller),
		May: func(method string) error {
			if !caller.Has(contract.Lookup(method).Scope) {
				return auth.Denied()
			}
			return nil
		},
	}
	if c.License == nil {
		c.License = &pb.License{}
	}
	c.Conclude(collect(ctx, c.Readings()))
	return e, ctx.Err()
}

// explanationOf explains the code of a request, without evidence.
func explanationOf(v vendors.Vendor, req *pb.ExplainLicenseRequest) (*pb.Explanation, error) {
	l := req.GetLicense()
	if site := l.GetSite(); site != "" && site != req.GetParent() {
		return nil, apierror.Invalid("license.site", "is %q, and parent is %q: send the same, or leave it empty",
			site, req.GetParent())
	}
	code, shown := strings.TrimSpace(req.GetErrorCode()), strings.TrimSpace(l.GetErrorCode())
	switch {
	case code == "" && l == nil:
		return nil, apierror.Invalid("error_code", "must be set, or license must be the refused license request")
	case l.GetStatus() == pb.License_SUCCESS:
		return nil, apierror.Invalid("license.status", "is SUCCESS: there is no failure to explain")
	case code != "" && shown != "" && code != shown:
		return nil, apierror.Invalid("error_code", "is %q, and license has %q: send the same, or leave it empty",
			code, shown)
	}
	code = cmp.Or(code, shown)
	if code == "" {
		return explain.NoCode(v.Kind), nil
	}
	return explain.Code(v.Kind, code)
}

// collect makes all readings at once, in the caller's time. What a reading could not get in time is
// part of what it found.
func collect(ctx context.Context, readings []explain.Reading) []explain.Found {
	responses := begin(ctx, newTimeShares(ctx), len(readings), true,
		func(ctx context.Context, i int) (explain.Found, error) { return readings[i](ctx), nil })
	defer responses.stop()
	all := make([]explain.Found, len(readings))
	for i := range readings {
		all[i] = responses.next(i).value
	}
	return all
}

// seesConfigured returns the function that reports whether a caller may see a site of a vendor that
// is configured.
func seesConfigured(all *vendors.Registry, caller auth.Caller) func(site string) bool {
	return func(site string) bool {
		_, err := all.Lookup(site)
		return err == nil && caller.SeesSite(site)
	}
}
