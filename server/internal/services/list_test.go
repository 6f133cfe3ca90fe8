package services_test

import (
	"context"
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

// walk reads a list of licenses page by page, and tells its rows as "{site name}: {content}" and
// what was unreachable.
func walk(t *testing.T, conn grpc.ClientConnInterface, req *pb.ListLicensesRequest) (rows, unreachable []string) {
	t.Helper()
	for range 10_000 {
		page, err := pb.NewLicenseServiceClient(conn).ListLicenses(t.Context(), req)
		if err != nil {
			t.Fatalf("after %d rows: %v", len(rows), err)
		}
		n, size := len(page.GetLicenses()), paging.Size(req.GetPageSize())
		if n > size || n < size && page.GetNextPageToken() != "" {
			t.Fatalf("%d rows in a page of %d, with the token %q", n, size, page.GetNextPageToken())
		}
		if page.GetTotalSize() != 0 {
			t.Fatalf("total_size %d, want none: it would leave vendors out", page.GetTotalSize())
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

func TestRowsComeOnceVendorByVendorAndSiteBySite(t *testing.T) {
	zebra, empty, ant := newAccount("zebra"), newAccount("empty"), newAccount("ant")
	zebra.put("s2", 7)
	zebra.put("s1", 3)
	zebra.put("s3", 0)
	var want []string
	want = append(want, expect("zebra", "s1", 3)...)
	want = append(want, expect("zebra", "s2", 7)...)
	for n := range 20 { // more sites than are asked at once
		site := fmt.Sprintf("t%02d", n)
		ant.put(site, n%4)
		want = append(want, expect("ant", site, n%4)...)
	}
	conn, _ := serve(t, zebra.configured(), configured("bare", bare{}), empty.configured(), ant.configured())
	for size := range int32(1001) {
		rows, unreachable := walk(t, conn, &pb.ListLicensesRequest{Parent: "vendors/-/sites/-", PageSize: size})
		if !slices.Equal(rows, want) || unreachable != nil {
			t.Fatalf("pages of %d: %q, unreachable %q; want %q", size, rows, unreachable, want)
		}
	}
}

func TestSitesComeVendorByVendor(t *testing.T) {
	var all []vendors.Vendor
	var want []string
	for _, id := range []string{"z", "m", "a"} {
		v := newAccount(id)
		v.put("s2", 0)
		v.put("s1", 0)
		all = append(all, v.configured())
		// in the vendor's order
		want = append(want, "vendors/"+id+"/sites/s2", "vendors/"+id+"/sites/s1")
	}
	conn, _ := serve(t, all...)
	for size := int32(1); size <= 7; size++ {
		var got []string
		req := &pb.ListSitesRequest{Parent: "vendors/-", PageSize: size}
		for range 10 {
			page, err := pb.NewSiteServiceClient(conn).ListSites(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range page.GetSites() {
				got = append(got, s.GetName())
			}
			if req.PageToken = page.GetNextPageToken(); req.GetPageToken() == "" {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("pages of %d: %q, want %q", size, got, want)
		}
	}
}

func TestOneVendorsSites(t *testing.T) {
	a, b := newAccount("a"), newAccount("b")
	a.put("s", 1)
	b.put("s", 2)
	b.put("t", 2)
	conn, _ := serve(t, a.configured(), b.configured())
	for parent, want := range map[string][]string{
		"vendors/b/sites/-": append(expect("b", "s", 2), expect("b", "t", 2)...),
		"vendors/-/sites/s": append(expect("a", "s", 1), expect("b", "s", 2)...),
	} {
		if rows, _ := walk(t, conn, &pb.ListLicensesRequest{Parent: parent, PageSize: 1}); !slices.Equal(rows, want) {
			t.Errorf("%s: %q, want %q", parent, rows, want)
		}
	}
}

func TestTheFilterReachesEveryVendor(t *testing.T) {
	a, b := newAccount("a"), newAccount("b")
	a.put("s", 3)
	b.put("s", 3)
	conn, _ := serve(t, a.configured(), b.configured())
	rows, _ := walk(t, conn, &pb.ListLicensesRequest{Parent: "vendors/-/sites/-", PageSize: 1, Filter: &pb.LicenseFilter{ContentId: "s-1"}})
	if want := []string{"vendors/a/sites/s: s-1", "vendors/b/sites/s: s-1"}; !slices.Equal(rows, want) {
		t.Errorf("%q, want %q", rows, want)
	}
}

func TestAVendorThatFailsIsNamedAndDropped(t *testing.T) {
	a, down, c := newAccount("a"), newAccount("down"), newAccount("c")
	a.put("s", 3)
	down.put("s", 3)
	down.FailReads(adaptertest.Down)
	c.put("s", 3)
	for size := int32(1); size <= 10; size++ {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			conn, _ := serve(t, down.configured(), a.configured(), c.configured())
			for parent, want := range map[string]string{
				"vendors/-/sites/-": "vendors/down", // its sites cannot be listed
				"vendors/-/sites/s": "vendors/down/sites/s",
			} {
				rows, unreachable := walk(t, conn, &pb.ListLicensesRequest{Parent: parent, PageSize: size})
				if !slices.Equal(rows, append(expect("a", "s", 3), expect("c", "s", 3)...)) || !slices.Equal(unreachable, []string{want}) {
					t.Errorf("%s: %q, unreachable %q", parent, rows, unreachable)
				}
			}
		})
	}
}

func TestAVendorThatFailsHalfWayIsDroppedFromTheToken(t *testing.T) {
	a, b := newAccount("a"), newAccount("b")
	a.put("s", 3)
	b.put("s", 2)
	conn, _ := serve(t, a.configured(), b.configured())
	req := &pb.ListLicensesRequest{Parent: "vendors/-/sites/s", PageSize: 2}
	first, err := pb.NewLicenseServiceClient(conn).ListLicenses(t.Context(), req)
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

func TestWhenEveryVendorFailsSoDoesTheCall(t *testing.T) {
	a, b := newAccount("a"), newAccount("b")
	a.FailReads(adaptertest.Throttled)
	b.FailReads(adaptertest.Down)
	conn, _ := serve(t, a.configured(), configured("bare", bare{}), b.configured())
	_, err := pb.NewLicenseServiceClient(conn).ListLicenses(t.Context(), &pb.ListLicensesRequest{Parent: "vendors/-/sites/-"})
	e := wantError(t, err, codes.ResourceExhausted, pb.ErrorReason_VENDOR_RATE_LIMITED)
	wantVendor(t, e, "a")
	if e.RetryAfter != adaptertest.RetryAfter {
		t.Errorf("the vendor's %v were lost: %v", adaptertest.RetryAfter, e.RetryAfter)
	}
}

func TestNoVendorHasTheCapability(t *testing.T) {
	conn, _ := serve(t, configured("bare", bare{}), configured("a", listing(nil)))
	_, err := pb.NewDrmAccountServiceClient(conn).ListDrmAccounts(t.Context(), &pb.ListDrmAccountsRequest{Parent: "vendors/-"})
	wantError(t, err, codes.Unimplemented, pb.ErrorReason_CAPABILITY_NOT_SUPPORTED)
	_, err = pb.NewLicenseServiceClient(conn).ListLicenses(t.Context(), &pb.ListLicensesRequest{Parent: "vendors/bare/sites/-"})
	wantError(t, err, codes.Unimplemented, pb.ErrorReason_CAPABILITY_NOT_SUPPORTED)
	_, err = pb.NewLicenseServiceClient(conn).ListLicenses(t.Context(), &pb.ListLicensesRequest{Parent: "vendors/nobody/sites/-"})
	wantVendor(t, wantError(t, err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND), "nobody")
}

func TestAVendorWithoutSitesIsAskedForItsDefault(t *testing.T) {
	var asked []string
	one := listing(func(_ context.Context, req *pb.ListLicensesRequest) (*pb.ListLicensesResponse, error) {
		asked = append(asked, req.GetParent())
		return &pb.ListLicensesResponse{}, nil
	})
	conn, _ := serve(t, configured("v", one))
	if rows, _ := walk(t, conn, &pb.ListLicensesRequest{Parent: "vendors/-/sites/-"}); rows != nil || !slices.Equal(asked, []string{"vendors/v/sites/default"}) {
		t.Errorf("asked %q, answered %q", asked, rows)
	}
}

func TestAPageTokenGoesOnOnlyWithItsRequest(t *testing.T) {
	a, b := newAccount("a"), newAccount("b")
	a.put("s", 3)
	b.put("s", 3)
	conn, _ := serve(t, a.configured(), b.configured())
	client := pb.NewLicenseServiceClient(conn)
	first, err := client.ListLicenses(t.Context(), &pb.ListLicensesRequest{Parent: "vendors/-/sites/s", PageSize: 1})
	if err != nil {
		t.Fatal(err)
	}
	// Whoever knows how tokens are made could have one go on somewhere else.
	beyond := &pb.ListLicensesRequest{Parent: "vendors/-/sites/s"}
	forge := func(parent string) string {
		forged, err := paging.Token(beyond, map[string]string{"p": parent, "t": "x"})
		if err != nil {
			t.Fatal(err)
		}
		return forged
	}
	for name, req := range map[string]*pb.ListLicensesRequest{
		"another parent": {Parent: "vendors/-/sites/-", PageToken: first.GetNextPageToken()},
		"another filter": {Parent: "vendors/-/sites/s", Filter: &pb.LicenseFilter{UserId: "u"}, PageToken: first.GetNextPageToken()},
		"another site":   {Parent: "vendors/-/sites/s", PageToken: forge("vendors/a/sites/other")},
		"no site":        {Parent: "vendors/-/sites/s", PageToken: forge("vendors/a")},
		"all vendors":    {Parent: "vendors/-/sites/s", PageToken: forge("vendors/-/sites/s")},
		"no token":       {Parent: "vendors/-/sites/s", PageToken: "next"},
	} {
		_, err := client.ListLicenses(t.Context(), req)
		if e := wantError(t, err, codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID); len(e.Violations) != 1 || e.Violations[0].GetField() != "page_token" {
			t.Errorf("%s: %v", name, e.Violations)
		}
	}
}
