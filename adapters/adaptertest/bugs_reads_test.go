package adaptertest_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// describes is a bug of Describe.
func describes(change func(*adapters.Description)) bug {
	return func(b *bugged) { b.describe = change }
}

var describeBugs = bugs{"Describe is complete": {
	"has no name":   describes(func(d *adapters.Description) { d.DisplayName = "" }),
	"has no limits": describes(func(d *adapters.Description) { d.Limits = nil }),
	"composes what is no method": describes(func(d *adapters.Description) {
		d.Composed = []string{"GetSite"}
	}),
	"composes a call that it does not have": describes(func(d *adapters.Description) {
		d.Composed = []string{pb.VendorService_ListVendors_FullMethodName}
	}),
	"excludes a call that it does not have": describes(func(d *adapters.Description) {
		d.Unsupported = []string{pb.VendorService_ListVendors_FullMethodName}
	}),
	"pushes down a filter that does not exist": describes(func(d *adapters.Description) {
		d.Limits.PushedDownFilters = []string{"drmhub.v1.LicenseService/ListLicenses:cid"}
	}),
}}

// atTheEnd is a bug that returns another error once the caller's context has ended.
func atTheEnd(err error) bug {
	return always(func(c *call) (proto.Message, error) {
		res, good := c.run()
		if c.ctx.Err() != nil {
			return nil, err
		}
		return res, good
	})
}

var (
	blamesTheVendor = atTheEnd(apierror.New(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, "no answer"))
	blamesTheCaller = atTheEnd(apierror.FromContext(canceled()))
)

func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// remembersResponses returns the response of an earlier call, which its caller has too.
func remembersResponses(b *bugged) {
	var res proto.Message
	on("ListLicenses", func(c *call) (_ proto.Message, err error) {
		if res == nil {
			res, err = c.run()
		}
		return res, err
	})(b)
}

// remembersOneList keeps where a list is in the adapter, instead of in the token.
func remembersOneList(b *bugged) {
	var mu sync.Mutex
	var token string
	instead(func(c *call, req *pb.ListLicensesRequest) (proto.Message, error) {
		mu.Lock()
		defer mu.Unlock()
		if req.GetPageToken() != "" {
			req.PageToken = token
		}
		res, err := c.run()
		if err == nil {
			token = res.(*pb.ListLicensesResponse).GetNextPageToken()
		}
		return res, err
	})(b)
}

// showsSites is a bug that changes every site of ListSites.
func showsSites(change func(*pb.Site)) bug {
	return shows(func(res *pb.ListSitesResponse) {
		for _, s := range res.GetSites() {
			change(s)
		}
	})
}

// showsRows is a bug that changes every row of ListLicenses.
func showsRows(change func(*pb.License)) bug {
	return shows(func(res *pb.ListLicensesResponse) {
		for _, l := range res.GetLicenses() {
			change(l)
		}
	})
}

var readBugs = bugs{
	"reads of a healthy vendor succeed": {
		"fails its check": instead(func(*call, *emptypb.Empty) (proto.Message, error) { return nil, errors.New("no") }),
	},
	"names in responses are canonical and of this vendor": {
		"escapes more than it should": showsSites(func(s *pb.Site) {
			s.Name = strings.TrimSuffix(s.GetName(), s.GetSiteId()) + url.PathEscape(s.GetSiteId())
		}),
		"does not escape":         showsSites(func(s *pb.Site) { s.Name = "vendors/acme/sites/" + s.GetSiteId() }),
		"names another vendor":    showsRows(func(l *pb.License) { l.Site = "vendors/emca/sites/DEMO" }),
		"writes an id for a name": showsRows(func(l *pb.License) { l.Site = "DEMO" }),
	},
	"a response belongs to the caller": {"remembers responses": remembersResponses},
	"a caller who has gone gets CANCELLED": {
		"ignores the context":                     always(unaware),
		"takes the caller's end for the vendor's": blamesTheVendor,
	},
	"a caller who goes while the vendor stalls gets CANCELLED": {
		"takes the caller's end for the vendor's": blamesTheVendor,
	},
	"a deadline that passes while the vendor stalls is DEADLINE_EXCEEDED": {
		"takes the caller's end for the vendor's": blamesTheVendor,
		"takes every end for the caller's":        blamesTheCaller,
	},
	"many goroutines may call at once": {"remembers where one list is": remembersOneList},
}

// fails is a bug that changes every error. A nil error is a success without a response.
func fails(change func(*apierror.Error) *apierror.Error) bug {
	return always(func(c *call) (proto.Message, error) {
		res, err := c.run()
		if err == nil {
			return res, nil
		}
		if changed := change(apierror.Convert(err)); changed != nil {
			return nil, changed
		}
		return nil, nil
	})
}

func recodes(code codes.Code, reason pb.ErrorReason) bug {
	return fails(func(e *apierror.Error) *apierror.Error { e.Code, e.Reason = code, reason; return e })
}

func waits(d time.Duration) bug {
	return fails(func(e *apierror.Error) *apierror.Error { e.RetryAfter = d; return e })
}

// says is a bug that puts a text into the metadata of errors.
func says(text string) bug {
	return fails(func(e *apierror.Error) *apierror.Error { return e.With(apierror.VendorMessage, text) })
}

var swallowsErrors = fails(func(*apierror.Error) *apierror.Error { return nil })

var failureBugs = bugs{
	"a vendor that is down is UNAVAILABLE": {
		"says INTERNAL":       recodes(codes.Internal, pb.ErrorReason_INTERNAL_FAILURE),
		"says another reason": recodes(codes.Unavailable, pb.ErrorReason_VENDOR_RATE_LIMITED),
		"shows an empty list": swallowsErrors,
		"shows the key in an address": fails(func(e *apierror.Error) *apierror.Error {
			e.Message = "GET https://vendor.example/?key=hunter2%2Fhunter2: no"
			return e
		}),
	},
	"a vendor that throttles is RESOURCE_EXHAUSTED at once, with the time to wait": {
		"says UNAVAILABLE":  recodes(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE),
		"loses the time":    waits(0),
		"blames the caller": recodes(codes.ResourceExhausted, pb.ErrorReason_CALLER_RATE_LIMITED),
	},
	"a vendor that throttles without a time is RESOURCE_EXHAUSTED, with no time either": {
		"makes up a time": waits(time.Second),
	},
	"a vendor that refuses the credentials is FAILED_PRECONDITION, never the caller's UNAUTHENTICATED": {
		"blames the caller": recodes(codes.Unauthenticated, pb.ErrorReason_TOKEN_INVALID),
	},
	"a vendor that denies permission is FAILED_PRECONDITION": {
		"blames the caller":      recodes(codes.PermissionDenied, pb.ErrorReason_SCOPE_MISSING),
		"blames the credentials": recodes(codes.FailedPrecondition, pb.ErrorReason_VENDOR_CREDENTIALS_REJECTED),
	},
	"a vendor's refusal of an unknown kind is FAILED_PRECONDITION, with its code": {
		"takes HTTP 200 for success": swallowsErrors,
		"loses the code": fails(func(e *apierror.Error) *apierror.Error {
			delete(e.Metadata, apierror.VendorCode)
			return e
		}),
		"shows the key": says("not with " + vendorKey),
	},
	"a proxy's 404 is INTERNAL, and never says that a thing is gone or a list is empty": {
		"shows an empty list":       swallowsErrors,
		"says that a thing is gone": recodes(codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND),
	},
	"a proxy's time-out is UNAVAILABLE":     {"shows an empty list": swallowsErrors},
	"another program's success is INTERNAL": {"shows an empty list": swallowsErrors},
	"an empty object in the place of a response is INTERNAL, and no empty list": {
		"shows an empty list": swallowsErrors,
	},
	"an empty list in the place of a response is INTERNAL, and no empty list of the vendor's": {
		"shows an empty list": swallowsErrors,
	},
	"an empty body in the place of a response is INTERNAL, and no empty list": {
		"shows an empty list": swallowsErrors,
	},
	"a response that cannot be read is INTERNAL": {
		"shows an empty list":          swallowsErrors,
		"says UNAVAILABLE":             recodes(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE),
		"passes control characters on": says("\x1b[31mno"),
	},
}

var siteBugs = bugs{
	"ListSites shows a site as the vendor holds it": {
		"shows every site as enabled": showsSites(func(s *pb.Site) { s.Enabled = true }),
		"shows an id for a name":      showsSites(func(s *pb.Site) { s.DisplayName = s.GetSiteId() }),
	},
	"a vendor without sites has an empty list": {"finds nothing": on("ListSites", notFoundIfEmpty)},
	"GetSite shows what ListSites shows": {
		"shows less": shows(func(s *pb.Site) { s.DisplayName, s.Enabled = "", false }),
	},
	"GetSite of an unknown site is NOT_FOUND": {
		"shows an empty site":   swallowsErrors,
		"says INVALID_ARGUMENT": recodes(codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID),
	},
	"UpdateSite changes what its mask names, and no other site": {
		"ignores the mask": asks(func(req *pb.UpdateSiteRequest) {
			req.UpdateMask.Paths = []string{"display_name", "policy_id"}
		}),
		"changes one field alone": asks(func(req *pb.UpdateSiteRequest) {
			req.UpdateMask.Paths = req.UpdateMask.Paths[:1]
		}),
		"changes every site": before(func(ctx context.Context, v *vendor, req *pb.UpdateSiteRequest) error {
			return changeAll(ctx, v.Sites, func(s *pb.Site) { s.DisplayName = req.GetSite().GetDisplayName() })
		}),
		"returns what was asked for": instead(func(c *call, req *pb.UpdateSiteRequest) (proto.Message, error) {
			_, err := c.run()
			return req.GetSite(), err
		}),
	},
	"UpdateSite takes effect once, and returns the outcome": {
		"returns the site as it was": shows(func(s *pb.Site) { s.DisplayName = "Site_0" }),
	},
}

// notFoundIfEmpty takes an empty list for one that is not there.
func notFoundIfEmpty(c *call) (proto.Message, error) {
	res, err := c.run()
	if err == nil && rowsOf(res).Len() == 0 {
		return nil, apierror.NotFound("nothing")
	}
	return res, err
}
