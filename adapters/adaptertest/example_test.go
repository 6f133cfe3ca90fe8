package adaptertest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/adaptertest"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/paging"
	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// toyKey is the credential that the toy vendor accepts.
const toyKey = "the-toy-key"

// toySite is a site in the vendor's own words.
type toySite struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	On    bool   `json:"on"`
}

// toyTwin is the twin of a vendor with one call: GET /sites.
type toyTwin struct {
	mu    sync.Mutex
	sites []toySite
}

// ServeHTTP returns the sites to those who know the key.
func (v *toyTwin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if r.Header.Get("X-Api-Key") != toyKey {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"sites": v.sites})
}

// toy is the adapter. Its capabilities are ListSites and GetSite.
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
		BaseURL:   "http://toy.invalid",
		Transport: transport,
		Secrets:   func() []secret.Text { return []secret.Text{key} },
		Sign: func(_ context.Context, r *http.Request) error {
			r.Header.Set("X-Api-Key", key.Reveal())
			return nil
		},
		Failure: toyFailure,
	})
	return &toy{id: id, vendor: vendor}, err
}

// toyFailure maps the one failure of this vendor that its HTTP status does not explain. For any
// other it returns nil, so that upstream decides by the status.
func toyFailure(status int, _ http.Header, body []byte) *apierror.Error {
	var refusal struct{ Code, Message string }
	if status != http.StatusConflict || json.Unmarshal(body, &refusal) != nil {
		return nil
	}
	e := apierror.New(codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED, "the vendor refuses the request")
	return e.With(apierror.VendorCode, refusal.Code).With(apierror.VendorMessage, refusal.Message)
}

func (a *toy) Describe() adapters.Description {
	return adapters.Description{
		DisplayName: "Toy",
		Limits:      &pb.Vendor_Limits{MaxPageSize: paging.MaxSize},
		Composed:    []string{pb.SiteService_GetSite_FullMethodName}, // of the list
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
	return nil, apierror.NotFound("the vendor has no site %q; call ListSites to see its sites", req.GetName())
}

// sites reads all sites, in the contract's words.
func (a *toy) sites(ctx context.Context) ([]*pb.Site, error) {
	var answer struct {
		Sites []toySite `json:"sites"`
	}
	if _, err := a.vendor.Read(ctx, upstream.Request{Path: "/sites"}, &answer); err != nil {
		return nil, err
	}
	var sites []*pb.Site
	for _, s := range answer.Sites {
		name := names.Site.Name(a.id, s.ID)
		sites = append(sites, &pb.Site{Name: name, SiteId: s.ID, DisplayName: s.Title, Enabled: s.On})
	}
	return sites, nil
}

// toyFaults are the answers by which this vendor fails. Their texts hold the key, which no error may
// show.
var toyFaults = map[adaptertest.Fault]twin.Fault{
	adaptertest.Down: {Kind: twin.FaultAnswer, Status: 500, Body: toyKey},
	adaptertest.Throttled: {
		Kind: twin.FaultAnswer, Status: 429, Header: map[string]string{"Retry-After": "7"}, Body: toyKey,
	},
	adaptertest.ThrottledSilently:   {Kind: twin.FaultAnswer, Status: 429, Body: toyKey},
	adaptertest.CredentialsRejected: {Kind: twin.FaultAnswer, Status: 401, Body: toyKey},
	adaptertest.PermissionDenied:    {Kind: twin.FaultAnswer, Status: 403, Body: toyKey},
	adaptertest.Rejected: {
		Kind: twin.FaultAnswer, Status: 409, Body: `{"code":"4711","message":"no: ` + toyKey + `"}`,
	},
	adaptertest.Garbage: {Kind: twin.FaultAnswer, Body: "no\x1b: " + toyKey},
	adaptertest.Stalled: {Kind: twin.FaultDelay, Delay: time.Hour},
}

// newToyHarness returns an adapter and a fresh twin, as the suite needs them.
func newToyHarness() adaptertest.Harness {
	vendor := &toyTwin{}
	server := twin.New(vendor, twin.Options{})
	key := secret.New(toyKey)
	adapter, err := newToy("acme", key, twin.Transport(server))
	if err != nil {
		panic(err)
	}
	return adaptertest.Harness{
		Adapter: adapter, Vendor: "acme", Secrets: []secret.Text{key},
		FailReads: func(fault adaptertest.Fault) {
			server.Faults().Clear()
			if f, ok := toyFaults[fault]; ok {
				server.Faults().Add(f)
			}
		},
		Sites: &adaptertest.Resource[*pb.Site]{
			Put: func(sites ...*pb.Site) {
				vendor.mu.Lock()
				defer vendor.mu.Unlock()
				for _, s := range sites {
					held := toySite{ID: s.GetSiteId(), Title: s.GetDisplayName(), On: s.GetEnabled()}
					vendor.sites = append(vendor.sites, held)
				}
			},
			Show: func(s *pb.Site) *pb.Site { return s },
		},
	}
}

// An adapter with two capabilities, its twin, and its harness pass the conformance suite. A test
// calls Run in the place of Broken.
func Example() {
	for _, complaint := range adaptertest.Broken(context.Background(), newToyHarness) {
		fmt.Println(complaint)
	}
	fmt.Println("done")
	// Output: done
}
