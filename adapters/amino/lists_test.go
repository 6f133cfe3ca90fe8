package amino_test

import (
	"net/url"
	"slices"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/amino/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// queries are those of all calls of this name, in order.
func queries(s *wiretest.Server, name string) []string {
	var all []string
	for _, c := range s.Made(name) {
		all = append(all, c.Query.Encode())
	}
	return all
}

func TestAListEndsWhereNoRowIs(t *testing.T) {
	a, vendor := serve(t, config(), map[string][]reply{getLicenses: {
		ok(several(row("L1", ""), row("L2", ""))), ok(several(row("L3", ""))), ok(nothing),
	}})
	res, err := list(t, a, &pb.ListProductLicensesRequest{PageSize: 50})
	if err != nil || len(res.GetProductLicenses()) != 3 || res.GetNextPageToken() != "" {
		t.Errorf("%v, %v", res, err)
	}
	// A part with fewer rows than were asked for need not be the last one; one row more than wanted
	// reports whether there is another page.
	if got, want := queries(vendor, getLicenses), []string{"limit=51&offset=0", "limit=49&offset=2", "limit=48&offset=3"}; !slices.Equal(got, want) {
		t.Errorf("the queries are %q, want %q", got, want)
	}
}

func TestTheNextPageBeginsAfterTheLastRow(t *testing.T) {
	a, vendor := serve(t, config(), map[string][]reply{getLicenses: {ok(several(row("L1", ""), row("L2", ""))), ok(several(row("L2", ""))), ok(nothing)}})
	first, err := list(t, a, &pb.ListProductLicensesRequest{PageSize: 1})
	if err != nil || len(first.GetProductLicenses()) != 1 || first.GetNextPageToken() == "" {
		t.Fatalf("%v, %v", first, err)
	}
	second, err := list(t, a, &pb.ListProductLicensesRequest{PageSize: 1, PageToken: first.GetNextPageToken()})
	if err != nil || len(second.GetProductLicenses()) != 1 || second.GetNextPageToken() != "" || second.GetProductLicenses()[0].GetName() != "vendors/acme/productLicenses/L2" {
		t.Errorf("%v, %v", second, err)
	}
	if got, want := queries(vendor, getLicenses), []string{"limit=2&offset=0", "limit=2&offset=1", "limit=1&offset=2"}; !slices.Equal(got, want) {
		t.Errorf("the queries are %q, want %q", got, want)
	}
	_, err = list(t, a, &pb.ListProductLicensesRequest{PageSize: 1, PageToken: first.GetNextPageToken(), Filter: &pb.ProductLicenseFilter{User: "viewer"}})
	wantRefused(t, "the token of another filter", err, "page_token")
}

func TestThePagingParametersAreSettings(t *testing.T) {
	c := config()
	c.OffsetParameter, c.LimitParameter, c.MaxPageSize, c.ContentType = "page[offset]", "page[limit]", 10, "application/vnd.api+json"
	a, vendor := serve(t, c, map[string][]reply{getLicenses: {ok(nothing)}})
	if _, err := list(t, a, &pb.ListProductLicensesRequest{}); err != nil {
		t.Fatal(err)
	}
	sent := vendor.Only(getLicenses)
	if want := (url.Values{"page[offset]": {"0"}, "page[limit]": {"10"}}); sent.Query.Encode() != want.Encode() || sent.Header.Get("Accept") != "application/vnd.api+json" {
		t.Errorf("sent %v and Accept %q", sent.Query, sent.Header.Get("Accept"))
	}
}

func TestAListWhoseParametersAreNotHeeded(t *testing.T) {
	a, _ := serve(t, config(), map[string][]reply{getLicenses: {ok(several(row("L1", ""), row("L2", "")))}, getViewers: {ok(several(row("L1", ""), row("L2", "")))}})
	_, err := list(t, a, &pb.ListProductLicensesRequest{})
	wantError(t, "ListProductLicenses", err, codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID)
	// What is looked for in such a list is not found by guessing.
	_, err = issue(t, a, &pb.ProductLicense{User: "viewer", Product: gold, OrderId: "order-1"})
	wantError(t, "CreateProductLicense", err, codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID)
}

func TestConditionsAreAppliedExactly(t *testing.T) {
	other := `{"type":"License","id":"L2","attributes":{"status":"ACTIVE"},"relationships":{"user":{"data":{"type":"User","id":"viewer"}},"product":{"data":{"type":"Product","id":"Gold"}}}}`
	rows := several(row("L1", `"status":"ACTIVE"`), other, row("L3", `"status":"EXPIRED"`))
	for _, c := range []struct {
		filter *pb.ProductLicenseFilter
		call   string
		want   []string
	}{
		{nil, getLicenses, []string{"L1", "L2", "L3"}},
		{&pb.ProductLicenseFilter{User: "viewer"}, getViewers, []string{"L1", "L2", "L3"}},
		{&pb.ProductLicenseFilter{Product: "gold"}, getLicenses, []string{"L1", "L3"}},
		{&pb.ProductLicenseFilter{Product: "vendors/acme/products/%67old"}, getLicenses, []string{"L1", "L3"}},
		{&pb.ProductLicenseFilter{Product: "vendors/other/products/gold"}, getLicenses, nil},
		{&pb.ProductLicenseFilter{Product: "gol"}, getLicenses, nil},
		{&pb.ProductLicenseFilter{Status: pb.ProductLicense_ACTIVE}, getLicenses, []string{"L1", "L2"}},
		{&pb.ProductLicenseFilter{User: "viewer", Product: "gold", Status: pb.ProductLicense_EXPIRED}, getViewers, []string{"L3"}},
	} {
		a, vendor := serve(t, config(), map[string][]reply{c.call: {ok(rows), ok(nothing)}})
		res, err := list(t, a, &pb.ListProductLicensesRequest{Filter: c.filter})
		var got []string
		for _, l := range res.GetProductLicenses() {
			got = append(got, l.GetName()[len("vendors/acme/productLicenses/"):])
		}
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%v: %q, %v, want %q; made %q", c.filter, got, err, c.want, made(vendor))
		}
	}
}

func TestAUserWhomAminoTVDoesNotKnowHasNoLicenses(t *testing.T) {
	a, _ := serve(t, config(), map[string][]reply{getViewers: {gone()}})
	res, err := list(t, a, &pb.ListProductLicensesRequest{Filter: &pb.ProductLicenseFilter{User: "viewer"}})
	if err != nil || len(res.GetProductLicenses()) != 0 {
		t.Errorf("%v, %v", res, err)
	}
}

// TestAScanIsBounded has one license of a product behind many others: no call reads them all.
func TestAScanIsBounded(t *testing.T) {
	vendor := emulator.New(emulator.Options{})
	vendor.PutProducts(emulator.Product{ID: "gold"}, emulator.Product{ID: "rare"})
	for range 3000 {
		vendor.PutLicenses(emulator.License{UserID: "viewer", ProductID: "gold"})
	}
	vendor.PutLicenses(emulator.License{ID: "the-one", UserID: "viewer", ProductID: "rare"})
	a := adapterTo(t, twinConfig(), twin.Transport(vendor))
	req := &pb.ListProductLicensesRequest{Filter: &pb.ProductLicenseFilter{Product: "rare"}}
	found, calls := 0, 0
	for {
		before := len(vendor.Ledger().Requests())
		res, err := list(t, a, req)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(vendor.Ledger().Requests()) - before; n > 12 {
			t.Errorf("one call made %d requests", n)
		}
		found, calls = found+len(res.GetProductLicenses()), calls+1
		if req.PageToken = res.GetNextPageToken(); req.GetPageToken() == "" {
			break
		}
	}
	if found != 1 || calls < 3 {
		t.Errorf("%d licenses were found with %d calls", found, calls)
	}
}

// TestWhatVanishesHidesNoOtherRow has a license revoked between two parts of the list in which a
// lost one is looked for.
func TestWhatVanishesHidesNoOtherRow(t *testing.T) {
	c := config()
	c.MaxPageSize, c.UniqueOrders = 2, true
	mine := row("L3", `"order_id":"order-1"`)
	a, vendor := serve(t, c, map[string][]reply{getViewers: {
		// L1 is gone: what was the third row is the second
		ok(several(row("L1", ""), row("L2", ""))), ok(several(mine)),
		ok(several(row("L2", ""), mine)), ok(several(mine)),
	}})
	_, err := issue(t, a, &pb.ProductLicense{User: "viewer", Product: gold, OrderId: "order-1"})
	wantError(t, "CreateProductLicense", err, codes.AlreadyExists, pb.ErrorReason_VENDOR_ALREADY_EXISTS)
	if got, want := queries(vendor, getViewers), []string{"limit=2&offset=0", "limit=2&offset=1", "limit=2&offset=0", "limit=2&offset=1"}; !slices.Equal(got, want) {
		t.Errorf("the queries are %q, want %q", got, want)
	}
}
