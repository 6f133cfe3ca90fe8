package services_test

import (
	"fmt"
	"slices"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/adaptertest"
	"github.com/drmhub/drmhub/adapters/paging"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

// walk reads a list of licenses page by page. It returns the rows as "{site name}: {content}", and
// what was unreachable.
func walk(t *testing.T, conn grpc.ClientConnInterface, req *pb.ListLicensesRequest) (rows, unreachable []string) {
	t.Helper()
	for range 10_000 {
		page, err := list(t.Context(), conn, req)
		if err != nil {
			t.Fatalf("after %d rows: %v", len(rows), err)
		}
		n, size := len(page.GetLicenses()), paging.Size(req.GetPageSize())
		if n > size || n < size && page.GetNextPageToken() != "" {
			t.Fatalf("%d rows in a page of %d, with the token %q", n, size, page.GetNextPageToken())
		}
		if page.GetTotalSize() != 0 {
			t.Fatalf("total_size %d, want 0: it would leave vendors out", page.GetTotalSize())
		}
		for _, l := range page.GetLicenses() {
			rows = append(rows, l.GetSite()+": "+l.GetContentId())
		}
		unreachable = append(unreachable, page.GetUnreachable()...)
		if req.PageToken = page.GetNextPageToken(); req.GetPageToken() == "" {
			return rows, unreachable
		}
	}
	t.Fatal("the list does not end")
	return nil, nil
}

func expect(vendor, site string, rows int) []string {
	var want []string
	for n := range rows {
		want = append(want, fmt.Sprintf("vendors/%s/sites/%s: %s-%d", vendor, site, site, n))
	}
	return want
}

func TestRowsComeOnceVendorByVendor(t *testing.T) {
	zebra, empty, ant := newAccount("zebra"), newAccount("empty"), newAccount("ant")
	zebra.put("s2", 7)
	zebra.put("s1", 3)
	zebra.put("s3", 0)
	want := slices.Concat(expect("zebra", "s1", 3), expect("zebra", "s2", 7))
	// in the vendor's order
	wantSites := []string{"vendors/zebra/sites/s2", "vendors/zebra/sites/s1", "vendors/zebra/sites/s3"}
	for n := range 20 { // more sites than are asked at once
		site := fmt.Sprintf("t%02d", n)
		ant.put(site, n%4)
		want = append(want, expect("ant", site, n%4)...)
		wantSites = append(wantSites, "vendors/ant/sites/"+site)
	}
	conn, _ := serve(t, zebra.configured(), configured("bare", bare{}), empty.configured(), ant.configured())
	for size := range int32(1001) {
		rows, unreachable := walk(t, conn, &pb.ListLicensesRequest{Parent: "vendors/-/sites/-", PageSize: size})
		if !slices.Equal(rows, want) || unreachable != nil {
			t.Fatalf("pages of %d: %q, unreachable %q; want %q", size, rows, unreachable, want)
		}
	}
	for size := int32(1); size <= 25; size++ {
		var sites []string
		req := &pb.ListSitesRequest{Parent: "vendors/-", PageSize: size}
		for more := true; more && len(sites) < 100; more = req.GetPageToken() != "" {
			page, err := pb.NewSiteServiceClient(conn).ListSites(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range page.GetSites() {
				sites = append(sites, s.GetName())
			}
			req.PageToken = page.GetNextPageToken()
		}
		if !slices.Equal(sites, wantSites) {
			t.Errorf("pages of %d: %q, want %q", size, sites, wantSites)
		}
	}
}

func TestWhatTheParentAndTheFilterChoose(t *testing.T) {
	b := holding("b", "s", 2)
	b.put("t", 2)
	conn, _ := serve(t, holding("a", "s", 3).configured(), b.configured())
	for _, c := range []struct {
		parent, content string
		want            []string
	}{
		{"vendors/b/sites/-", "", slices.Concat(expect("b", "s", 2), expect("b", "t", 2))},
		{"vendors/-/sites/s", "", slices.Concat(expect("a", "s", 3), expect("b", "s", 2))},
		{"vendors/-/sites/-", "s-1", []string{"vendors/a/sites/s: s-1", "vendors/b/sites/s: s-1"}},
	} {
		filter := &pb.LicenseFilter{ContentId: c.content}
		rows, _ := walk(t, conn, &pb.ListLicensesRequest{Parent: c.parent, PageSize: 1, Filter: filter})
		if !slices.Equal(rows, c.want) {
			t.Errorf("%s %s: %q, want %q", c.parent, c.content, rows, c.want)
		}
	}
}

func TestAVendorThatFailsIsNamedAndDropped(t *testing.T) {
	down := holding("down", "s", 3)
	down.FailReads(adaptertest.Down)
	conn, _ := serve(t, down.configured(), holding("a", "s", 3).configured(), holding("c", "s", 3).configured())
	for size := int32(1); size <= 10; size++ {
		for parent, want := range map[string]string{
			"vendors/-/sites/-": "vendors/down", // its sites cannot be listed
			"vendors/-/sites/s": "vendors/down/sites/s",
		} {
			rows, unreachable := walk(t, conn, &pb.ListLicensesRequest{Parent: parent, PageSize: size})
			if !slices.Equal(rows, slices.Concat(expect("a", "s", 3), expect("c", "s", 3))) ||
				!slices.Equal(unreachable, []string{want}) {
				t.Errorf("%s, %d a page: %q, unreachable %q", parent, size, rows, unreachable)
			}
		}
	}
}

func TestAVendorThatFailsHalfWayIsDroppedFromTheToken(t *testing.T) {
	a := holding("a", "s", 3)
	conn, _ := serve(t, a.configured(), holding("b", "s", 2).configured())
	req := &pb.ListLicensesRequest{Parent: "vendors/-/sites/s", PageSize: 2}
	first, err := list(t.Context(), conn, req)
	if err != nil {
		t.Fatal(err)
	}
	a.FailReads(adaptertest.Throttled)
	req.PageToken = first.GetNextPageToken()
	rows, unreachable := walk(t, conn, req)
	if !slices.Equal(rows, expect("b", "s", 2)) || !slices.Equal(unreachable, []string{"vendors/a/sites/s"}) {
		t.Errorf("%q, unreachable %q", rows, unreachable)
	}
}

// TestAListGoesOnInAnotherConfiguration replaces the vendors between two pages. The rows of a
// vendor that stays come once, also if it has another place, or if the vendor of the last rows is
// gone.
func TestAListGoesOnInAnotherConfiguration(t *testing.T) {
	a, b, c, d := holding("a", "s", 1), holding("b", "s", 3), holding("c", "s", 1), holding("d", "s", 1)
	before, _ := serve(t, a.configured(), b.configured(), c.configured())
	for name, of := range map[string]struct {
		vendors []vendors.Vendor
		want    []string
	}{
		"the vendor is gone": {[]vendors.Vendor{a.configured(), c.configured()}, expect("c", "s", 1)},
		"another order, and a new vendor": {
			[]vendors.Vendor{d.configured(), c.configured(), b.configured(), a.configured()},
			slices.Concat(expect("b", "s", 3)[1:], expect("d", "s", 1), expect("c", "s", 1)),
		},
	} {
		req := &pb.ListLicensesRequest{Parent: "vendors/-/sites/s", PageSize: 2}
		first, err := list(t.Context(), before, req)
		if err != nil {
			t.Fatal(err)
		}
		after, _ := serve(t, of.vendors...)
		req.PageToken = first.GetNextPageToken()
		if rows, _ := walk(t, after, req); !slices.Equal(rows, of.want) {
			t.Errorf("%s: %q, want %q", name, rows, of.want)
		}
	}
}

func TestWhenEveryVendorFailsSoDoesTheCall(t *testing.T) {
	a, b := newAccount("a"), newAccount("b")
	a.FailReads(adaptertest.Throttled)
	b.FailReads(adaptertest.Down)
	conn, _ := serve(t, a.configured(), configured("bare", bare{}), b.configured())
	_, err := list(t.Context(), conn, &pb.ListLicensesRequest{Parent: "vendors/-/sites/-"})
	e := wantError(t, err, codes.ResourceExhausted, pb.ErrorReason_VENDOR_RATE_LIMITED, "a")
	if e.RetryAfter != adaptertest.RetryAfter {
		t.Errorf("the vendor's %v were lost: %v", adaptertest.RetryAfter, e.RetryAfter)
	}
}

func TestNoVendorHasTheCapability(t *testing.T) {
	conn, _ := serve(t, configured("bare", bare{}), configured("a", listing(nil)))
	accounts := &pb.ListDrmAccountsRequest{Parent: "vendors/-"}
	_, err := pb.NewDrmAccountServiceClient(conn).ListDrmAccounts(t.Context(), accounts)
	wantError(t, err, codes.Unimplemented, pb.ErrorReason_CAPABILITY_NOT_SUPPORTED, "")
	_, err = list(t.Context(), conn, &pb.ListLicensesRequest{Parent: "vendors/bare/sites/-"})
	wantError(t, err, codes.Unimplemented, pb.ErrorReason_CAPABILITY_NOT_SUPPORTED, "")
	_, err = list(t.Context(), conn, &pb.ListLicensesRequest{Parent: "vendors/nobody/sites/-"})
	wantError(t, err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND, "nobody")
}

func TestAVendorWithoutSitesIsAskedForItsDefault(t *testing.T) {
	var asked []string
	one := listing(func(req *pb.ListLicensesRequest) (*pb.ListLicensesResponse, error) {
		asked = append(asked, req.GetParent())
		return &pb.ListLicensesResponse{}, nil
	})
	conn, _ := serve(t, configured("v", one))
	rows, _ := walk(t, conn, &pb.ListLicensesRequest{Parent: "vendors/-/sites/-"})
	if rows != nil || !slices.Equal(asked, []string{"vendors/v/sites/default"}) {
		t.Errorf("asked %q, returned %q", asked, rows)
	}
}

func TestAPageTokenContinuesOnlyItsRequest(t *testing.T) {
	conn, _ := serve(t, holding("a", "s", 3).configured(), holding("b", "s", 3).configured())
	first, err := list(t.Context(), conn, &pb.ListLicensesRequest{Parent: "vendors/-/sites/s", PageSize: 1})
	if err != nil {
		t.Fatal(err)
	}
	next := first.GetNextPageToken()
	// A caller who knows the form of tokens could forge one for another parent.
	beyond := &pb.ListLicensesRequest{Parent: "vendors/-/sites/s"}
	forge := func(parent string) string {
		forged, err := paging.Token(beyond, map[string]string{"p": parent, "t": "x"})
		if err != nil {
			t.Fatal(err)
		}
		return forged
	}
	for name, req := range map[string]*pb.ListLicensesRequest{
		"another parent": {Parent: "vendors/-/sites/-", PageToken: next},
		"another filter": {Parent: "vendors/-/sites/s", PageToken: next, Filter: &pb.LicenseFilter{UserId: "u"}},
		"another site":   {Parent: "vendors/-/sites/s", PageToken: forge("vendors/a/sites/other")},
		"no site":        {Parent: "vendors/-/sites/s", PageToken: forge("vendors/a")},
		"all vendors":    {Parent: "vendors/-/sites/s", PageToken: forge("vendors/-/sites/s")},
		"no token":       {Parent: "vendors/-/sites/s", PageToken: "next"},
	} {
		_, err := list(t.Context(), conn, req)
		e := wantError(t, err, codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID, "")
		if len(e.Violations) != 1 || e.Violations[0].GetField() != "page_token" {
			t.Errorf("%s: %v", name, e.Violations)
		}
	}
}
