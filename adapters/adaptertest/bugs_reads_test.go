package adaptertest_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"sync"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// describing changes what Describe answers.
func describing(change func(*adapters.Description)) func(*bugged) {
	return func(b *bugged) {
		b.describe = func() adapters.Description {
			d := b.good.Describe()
			change(&d)
			return d
		}
	}
}

// showing changes every row of ListLicenses.
func showing(change func(*pb.License)) func(*bugged) {
	return func(b *bugged) {
		b.list = func(ctx context.Context, req *pb.ListLicensesRequest) (*pb.ListLicensesResponse, error) {
			res, err := b.good.ListLicenses(ctx, req)
			for _, l := range res.GetLicenses() {
				change(l)
			}
			return res, err
		}
	}
}

// showingSites changes every site of ListSites.
func showingSites(change func(*pb.Site)) func(*bugged) {
	return func(b *bugged) {
		b.sites = func(ctx context.Context, req *pb.ListSitesRequest) (*pb.ListSitesResponse, error) {
			res, err := b.good.ListSites(ctx, req)
			for _, s := range res.GetSites() {
				change(s)
			}
			return res, err
		}
	}
}

// unavailableAtTheEnd takes the end of a caller's context for the vendor's fault.
func unavailableAtTheEnd(b *bugged) {
	b.around = func(ctx context.Context, call func(context.Context) error) error {
		err := call(ctx)
		if ctx.Err() != nil {
			return apierror.New(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, "the vendor does not answer")
		}
		return err
	}
}

func canceledAtTheEnd(b *bugged) {
	b.around = func(ctx context.Context, call func(context.Context) error) error {
		err := call(ctx)
		if ctx.Err() != nil {
			return apierror.FromContext(canceled())
		}
		return err
	}
}

func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func ignoringTheContext(b *bugged) {
	b.around = func(ctx context.Context, call func(context.Context) error) error {
		return call(context.WithoutCancel(ctx))
	}
}

// rememberingAnswers gives the answer of an earlier call, which its caller has too.
func rememberingAnswers(b *bugged) {
	var answer *pb.ListLicensesResponse
	b.list = func(ctx context.Context, req *pb.ListLicensesRequest) (_ *pb.ListLicensesResponse, err error) {
		if answer == nil {
			answer, err = b.good.ListLicenses(ctx, req)
		}
		return answer, err
	}
}

// rememberingOneList keeps where a list stands in the adapter, instead of in the token.
func rememberingOneList(b *bugged) {
	var mu sync.Mutex
	var token string
	b.list = func(ctx context.Context, req *pb.ListLicensesRequest) (*pb.ListLicensesResponse, error) {
		mu.Lock()
		defer mu.Unlock()
		if req.GetPageToken() != "" {
			req.PageToken = token
		}
		res, err := b.good.ListLicenses(ctx, req)
		token = res.GetNextPageToken()
		return res, err
	}
}

var readBugs = []bug{
	{"Describe is complete", "has no name", describing(func(d *adapters.Description) { d.DisplayName = "" })},
	{"Describe is complete", "has no limits", describing(func(d *adapters.Description) { d.Limits = nil })},
	{"Describe is complete", "composes what is no method", describing(func(d *adapters.Description) { d.Composed = []string{"GetSite"} })},
	{"Describe is complete", "does not support what it does not have", describing(func(d *adapters.Description) {
		d.Unsupported = []string{pb.VendorService_ListVendors_FullMethodName}
	})},
	{"Describe is complete", "composes what it does not answer", describing(func(d *adapters.Description) { d.Composed = []string{pb.VendorService_ListVendors_FullMethodName} })},
	{"Describe is complete", "pushes down a filter that is none", describing(func(d *adapters.Description) {
		d.Limits.PushedDownFilters = []string{"drmhub.v1.LicenseService/ListLicenses:cid"}
	})},
	{"reads of a healthy vendor succeed", "fails its check", func(b *bugged) {
		b.check = func(context.Context) (string, error) { return "", errors.New("no") }
	}},
	{"names in answers are canonical and of this vendor", "escapes more than it should", showingSites(func(s *pb.Site) {
		s.Name = strings.TrimSuffix(s.GetName(), s.GetSiteId()) + url.PathEscape(s.GetSiteId())
	})},
	{"names in answers are canonical and of this vendor", "does not escape", showingSites(func(s *pb.Site) { s.Name = "vendors/acme/sites/" + s.GetSiteId() })},
	{"names in answers are canonical and of this vendor", "names another vendor", showing(func(l *pb.License) { l.Site = "vendors/emca/sites/DEMO" })},
	{"names in answers are canonical and of this vendor", "writes an id for a name", showing(func(l *pb.License) { l.Site = "DEMO" })},
	{"an answer belongs to the caller", "remembers answers", rememberingAnswers},
	{"a caller who has gone gets CANCELLED", "ignores the context", ignoringTheContext},
	{"a caller who has gone gets CANCELLED", "takes the caller's end for the vendor's", unavailableAtTheEnd},
	{"a caller who goes while the vendor stalls gets CANCELLED", "takes the caller's end for the vendor's", unavailableAtTheEnd},
	{"a deadline that passes while the vendor stalls is DEADLINE_EXCEEDED", "takes the caller's end for the vendor's", unavailableAtTheEnd},
	{"a deadline that passes while the vendor stalls is DEADLINE_EXCEEDED", "takes every end for the caller's", canceledAtTheEnd},
	{"many goroutines may call at once", "remembers where one list stands", rememberingOneList},
}
