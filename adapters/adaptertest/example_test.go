package adaptertest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/adaptertest"
	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/paging"
	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// toy is the adapter to a vendor with one call, GET /sites. Its capabilities are ListSites and
// GetSite, both by that call.
type toy struct {
	id     string // of the vendor account
	vendor *upstream.Client
}

var (
	_ adapters.SiteLister = (*toy)(nil)
	_ adapters.SiteGetter = (*toy)(nil)
)

func newToy(id string, key secret.Text, transport http.RoundTripper) (*toy, error) {
	vendor, err := upstream.New(upstream.Options{
		BaseURL: "http://toy.invalid", Connection: upstream.Connection{Transport: transport}, Failure: toyFailure,
		Secrets: func() []secret.Text { return []secret.Text{key} },
		Sign: func(_ context.Context, r *http.Request) error {
			r.Header.Set("X-Api-Key", key.Reveal())
			return nil
		},
	})
	return &toy{id, vendor}, err
}

// toyFailure explains a refusal by the vendor's own code. It returns nil for other failures, which
// upstream explains by their HTTP status.
func toyFailure(status int, _ http.Header, body []byte) *apierror.Error {
	var refusal struct{ Code string }
	readable := json.Unmarshal(body, &refusal) == nil
	if status != http.StatusConflict || !readable {
		return nil
	}
	e := apierror.New(codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED, "Toy refuses the request.")
	return e.With(apierror.VendorCode, refusal.Code)
}

func (a *toy) Describe() adapters.Description {
	return adapters.Description{
		DisplayName: "Toy", Limits: &pb.Vendor_Limits{MaxPageSize: paging.MaxSize},
		Composed: []string{pb.SiteService_GetSite_FullMethodName},
	}
}

func (a *toy) Check(ctx context.Context) (accessLevel string, err error) {
	_, err = a.sites(ctx)
	return "", err
}

func (a *toy) ListSites(ctx context.Context, req *pb.ListSitesRequest) (*pb.ListSitesResponse, error) {
	sites, err := a.sites(ctx)
	if err != nil {
		return nil, err
	}
	page, next, err := paging.Slice(req, sites)
	return &pb.ListSitesResponse{Sites: page, NextPageToken: next, TotalSize: int32(len(sites))}, err
}

func (a *toy) GetSite(ctx context.Context, req *pb.GetSiteRequest) (*pb.Site, error) {
	sites, err := a.sites(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range sites {
		if s.GetName() == req.GetName() {
			return s, nil
		}
	}
	return nil, apierror.NotFound("Toy has no site %q. Call ListSites to see its sites.", req.GetName())
}

// toySite is a site in the vendor's words.
type toySite struct {
	ID, Title string
	On        bool
}

// sites reads all sites, and says them in the contract's words.
func (a *toy) sites(ctx context.Context) (sites []*pb.Site, err error) {
	var said []toySite
	_, err = a.vendor.Read(ctx, upstream.Request{Path: "/sites"}, &said)
	for _, s := range said {
		name := names.Site.Name(a.id, s.ID)
		sites = append(sites, &pb.Site{Name: name, SiteId: s.ID, DisplayName: s.Title, Enabled: s.On})
	}
	return sites, err
}

// toyHarness fits the adapter and a twin of its vendor into the suite.
func toyHarness() adaptertest.Harness {
	const vendor, key = "toy/kr", "the-toy-key"
	held := []toySite{}
	server := twin.New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.Header.Get("X-Api-Key") != key {
			w.WriteHeader(http.StatusUnauthorized)
		}
		_ = json.NewEncoder(w).Encode(held)
	}), twin.Options{})
	adapter, err := newToy(vendor, secret.New(key), twin.Transport(server))
	if err != nil {
		panic(err)
	}
	put := func(sites ...*pb.Site) {
		for _, s := range sites {
			held = append(held, toySite{s.GetSiteId(), s.GetDisplayName(), s.GetEnabled()})
		}
	}
	return adaptertest.Harness{
		Adapter: adapter, Vendor: vendor, Secrets: []secret.Text{secret.New(key)},
		FailReads: wiretest.FailReads(server.Faults(), key, map[adaptertest.Fault]twin.Fault{
			adaptertest.Rejected:  wiretest.Answer(http.StatusConflict, `{"code":"4711"}`),
			adaptertest.EmptyList: wiretest.Answer(http.StatusOK, "{}"), // [] is this vendor's own empty list.
		}),
		Sites: &adaptertest.Resource[*pb.Site]{Put: put, Show: func(s *pb.Site) *pb.Site { return s }},
	}
}

// An adapter with two capabilities, a twin of its vendor, and a harness pass the conformance suite.
// A test calls Run in the place of Broken.
func Example() {
	fmt.Println("broken promises:", adaptertest.Broken(context.Background(), toyHarness))
	// Output: broken promises: []
}
