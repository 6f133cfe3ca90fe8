package ncp_test

import (
	"crypto"
	_ "crypto/sha256"
	"net/http"
	"testing"

	"github.com/NaverCloudPlatform/ncloud-sdk-go-v2/hmac"

	"github.com/drmhub/drmhub/adapters/adaptertest"
	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/ncp"
	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// The calls that the adapter makes.
const (
	getSites    = "GET /api/v1/sites"
	postSites   = "POST /api/v1/sites"
	getSite     = "GET /api/v1/sites/DEMO"
	putSite     = "PUT /api/v1/sites/DEMO"
	putOn       = "PUT /api/v1/sites/DEMO/on"
	putOff      = "PUT /api/v1/sites/DEMO/off"
	getLicenses = "GET /api/v1/license/statistics"
)

// demo is what the tests of this package call the site.
const demo = "vendors/acme/sites/DEMO"

// config is the account that the tests of this package have.
func config() ncp.Config {
	c := ncp.NewConfig()
	c.BaseURL = "http://ncp.invalid"
	c.AccessKey, c.SecretKey = secret.New("the-access-key"), secret.New("the-secret-key")
	return *c
}

type (
	answer  = wiretest.Reply
	outcome = wiretest.Outcome
)

var (
	cut       = wiretest.Cut
	fixture   = wiretest.Fixture
	same      = wiretest.Same
	wantField = wiretest.WantField

	inputRefused = wiretest.InputRefused
	notFound     = wiretest.NotFound
	wrongState   = wiretest.WrongState
	unavailable  = wiretest.Unavailable
	unreadable   = wiretest.Unreadable
	throttled    = wiretest.Throttled
	unauthorized = wiretest.Unauthorized
	forbidden    = wiretest.Forbidden
	rejected     = wiretest.Rejected
	unknown      = wiretest.Unknown
)

// want demands an error of this outcome, and returns it.
func want(t *testing.T, what string, err error, o outcome) *apierror.Error {
	t.Helper()
	return adaptertest.WantError(t, what, err, o.Code, o.Reason)
}

func ok(content string) answer { return wiretest.OK(`{"success":true,"content":` + content + `}`) }

func refusal(status int, code string) answer {
	return wiretest.Says(status, `{"success":false,"error":{"code":"`+code+`","name":"NAME","message":"no"}}`)
}

// serve returns an adapter to a vendor that gives these answers. It checks every signature with the
// vendor's SDK.
func serve(t *testing.T, c ncp.Config, turns map[string][]answer) (*ncp.Adapter, *wiretest.Server) {
	t.Helper()
	vendor := wiretest.NewServer(t, turns)
	vendor.Inspect = func(r *http.Request) { wantSigned(t, r) }
	vendor.Header = map[string]string{
		"Content-Type": "application/json;charset=utf-8", "x-ncp-trace-id": "36c9k60om4p3238cpmc9gm4cj4",
	}
	return adapterTo(t, c, twin.Transport(vendor)), vendor
}

func adapterTo(t testing.TB, c ncp.Config, transport http.RoundTripper) *ncp.Adapter {
	t.Helper()
	adapter, err := ncp.New("acme", c, upstream.Connection{Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	return adapter
}

// wantSigned demands the headers of the API pages, with the signature that the vendor's SDK makes
// of the target as it was sent.
func wantSigned(t *testing.T, r *http.Request) {
	t.Helper()
	at := r.Header.Get("x-ncp-apigw-timestamp")
	signer := hmac.NewSigner("the-secret-key", crypto.SHA256)
	want, err := signer.Sign(r.Method, r.RequestURI, "the-access-key", at)
	if got := r.Header.Get("x-ncp-apigw-signature-v2"); err != nil || got != want {
		t.Errorf("%s %s is signed %q, want %q, %v", r.Method, r.RequestURI, got, want, err)
	}
	for name, want := range map[string]string{
		"x-ncp-iam-access-key": "the-access-key", "x-ncp-region_code": "KR", "Content-Type": "application/json",
	} {
		if got := r.Header.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s %s has %s %q, want %q once", r.Method, r.RequestURI, name, got, want)
		}
	}
}

func list(t *testing.T, a *ncp.Adapter, filter *pb.LicenseFilter) (*pb.ListLicensesResponse, error) {
	t.Helper()
	return a.ListLicenses(t.Context(), &pb.ListLicensesRequest{Parent: demo, Filter: filter})
}

// disable switches DEMO off, as the mutation of this log.
func disable(t *testing.T, a *ncp.Adapter, log mutation.Log) (*pb.StatusChange, error) {
	t.Helper()
	req := &pb.DisableSiteRequest{Name: demo, Message: "The contract has ended."}
	return a.DisableSite(mutation.NewContext(t.Context(), log), req)
}

// enable switches DEMO on, as a mutation of its own.
func enable(t *testing.T, a *ncp.Adapter) (*pb.StatusChange, error) {
	t.Helper()
	return a.EnableSite(mutation.NewContext(t.Context(), mutation.NewMemory()), &pb.EnableSiteRequest{Name: demo})
}
