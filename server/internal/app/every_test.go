package app_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/contract"
)

// pages reads all pages of a list, over gRPC and REST in turn, and merges them into one response.
func (h *testServer) pages(t *testing.T, req proto.Message, size int32, overREST bool) proto.Message {
	t.Helper()
	req = proto.Clone(req)
	contract.Set(req, "page_size", size)
	all := rpc(req).response()
	for range 1000 {
		page := rpc(req).response()
		answer, _, err := h.either(t, rpc(req), overREST)
		if err != nil {
			t.Fatalf("%v: %v", req, err)
		}
		fromJSON(t, answer, page)
		if n := len(rowsOf(page)); n > int(size) {
			t.Errorf("%d rows on a page of %d", n, size)
		}
		proto.Merge(all, page)
		token := contract.Text(page.ProtoReflect(), "next_page_token")
		if token == "" {
			return all
		}
		contract.Set(req, "page_token", token)
		overREST = !overREST
	}
	t.Fatalf("%v: the list does not end", req)
	return nil
}

// rowsOf returns the rows of a list's response, as text that can be compared.
func rowsOf(page proto.Message) (rows []string) {
	m := page.ProtoReflect()
	for i := range m.Descriptor().Fields().Len() {
		f := m.Descriptor().Fields().Get(i)
		if !f.IsList() || f.Message() == nil {
			continue
		}
		for j := range m.Get(f).List().Len() {
			raw, _ := proto.MarshalOptions{Deterministic: true}.Marshal(m.Get(f).List().Get(j).Message().Interface())
			rows = append(rows, string(raw))
		}
	}
	return rows
}

// A listing is a List that takes "-" for the vendor and the site.
type listing struct {
	*contract.RPC
	all string // the parent: "vendors/-" or "vendors/-/sites/-"
}

func listings() (all []listing) {
	for _, m := range contract.RPCs() {
		// The archive's lists are drmhub's own, and its tests have their rows.
		ofArchive := m.Method.Parent().Name() == "ArchiveService"
		if strings.HasPrefix(string(m.Method.Name()), "List") && m.Resource == "parent" && !ofArchive {
			form := string(contract.NameForm(m.Method.Input().Fields().ByName("parent")))
			all = append(all, listing{m, strings.ReplaceAll(form, "*", "-")})
		}
	}
	return all
}

// request asks for what the parent has.
func (l listing) request(parent string) proto.Message {
	req := l.NewRequest()
	contract.Set(req, "parent", parent)
	if req, ok := req.(*pb.ListContentUsersRequest); ok { // which must say of what content
		req.Filter = &pb.ReportFilter{ContentId: "bigbuckbunny"}
	}
	return req
}

// capable returns the vendors that have a method, in the order of the configuration.
func (h *testServer) capable(t *testing.T, method string) (ids []string) {
	t.Helper()
	res, err := pb.NewVendorServiceClient(h.conn).ListVendors(t.Context(), &pb.ListVendorsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range res.GetVendors() {
		is := func(c *pb.Vendor_Capability) bool { return c.GetMethod() == method }
		if slices.ContainsFunc(v.GetCapabilities(), is) {
			ids = append(ids, strings.TrimPrefix(v.GetName(), "vendors/"))
		}
	}
	return ids
}

// oneByOne returns what each vendor lists when it is asked alone, site by site.
func (h *testServer) oneByOne(t *testing.T, l listing, ids []string) map[string][]string {
	t.Helper()
	rows := map[string][]string{}
	for _, id := range ids {
		parents := []string{"vendors/" + id}
		if strings.HasSuffix(l.all, "/sites/-") {
			parents = nil
			sites := h.pages(t, &pb.ListSitesRequest{Parent: "vendors/" + id}, 1000, false)
			for _, s := range sites.(*pb.ListSitesResponse).GetSites() {
				parents = append(parents, s.GetName())
			}
			slices.Sort(parents)
		}
		for _, p := range parents {
			rows[id] = append(rows[id], rowsOf(h.pages(t, l.request(p), 1000, false))...)
		}
	}
	return rows
}

// asked counts the requests to the vendors of these ids.
func (h *testServer) asked(ids []string) (n int) {
	for _, id := range ids {
		n += len(h.twins[id].Ledger().Requests())
	}
	return n
}

// wantAll checks that a list of all vendors returns these rows, and which vendors it cannot reach.
func (h *testServer) wantAll(t *testing.T, l listing, rows [][]string, unreachable []string) {
	t.Helper()
	for _, size := range []int32{1000, 7} {
		for _, overREST := range []bool{false, true} {
			got := h.pages(t, l.request(l.all), size, overREST)
			wantEqual(t, rowsOf(got), slices.Concat(rows...))
			wantEqual(t, got.(interface{ GetUnreachable() []string }).GetUnreachable(), unreachable)
		}
	}
}

func TestAllVendorsAtOnce(t *testing.T) {
	h := start(t, twoOfEach)
	for _, vendor := range []string{"acme", "b-pallycon"} { // so that there are status changes and certificates
		h.do(t, disableSite("vendors/"+vendor+"/sites/DEMO", ""))
		certificate := fairPlayRequest(t, "0pen-Sesame")
		certificate.Name = "vendors/" + vendor + "/sites/DEMO"
		h.do(t, rpc(certificate))
	}
	ids := slices.Collect(maps.Keys(h.twins))
	// With Retry-After, nobody waits for a second attempt.
	isDown := twin.Fault{Kind: twin.FaultAnswer, Status: 503, Header: map[string]string{"Retry-After": "120"}}
	down := []string{"acme", "ncp", "telecomx", "amino"}
	breakDown := func(ids []string) {
		for _, id := range ids {
			h.twins[id].Faults().Add(isDown)
		}
	}
	capable, alone := map[string][]string{}, map[string]map[string][]string{}
	for _, l := range listings() {
		capable[l.Name] = h.capable(t, l.Name)
		alone[l.Name] = h.oneByOne(t, l, capable[l.Name])
	}
	rowsOf := func(l listing, ids []string) (rows [][]string) {
		for _, id := range ids {
			rows = append(rows, alone[l.Name][id])
		}
		return rows
	}
	each := func(state string, check func(t *testing.T, l listing, capable []string)) {
		for _, l := range listings() {
			t.Run(state+"/"+string(l.Method.Name()), func(t *testing.T) { check(t, l, capable[l.Name]) })
		}
	}

	each("all up", func(t *testing.T, l listing, capable []string) {
		rows := rowsOf(l, capable)
		if len(rows) < 2 || len(rows[0]) == 0 || len(rows[1]) == 0 {
			t.Fatalf("the vendors that have it are %q, with rows of %d", capable, len(rows))
		}
		others := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return slices.Contains(capable, id) })
		before := h.asked(others)
		h.wantAll(t, l, rows, nil)
		if n := h.asked(others) - before; n != 0 {
			t.Errorf("vendors that do not have it were asked %d times", n)
		}
	})
	breakDown(down)
	each("half down", func(t *testing.T, l listing, capable []string) {
		var up, failed []string
		for _, id := range capable {
			if slices.Contains(down, id) {
				failed = append(failed, "vendors/"+id)
			} else {
				up = append(up, id)
			}
		}
		h.wantAll(t, l, rowsOf(l, up), failed)
	})
	breakDown(ids)
	each("all down", func(t *testing.T, l listing, _ []string) {
		expect(rpc(l.request(l.all)), "VENDOR_UNAVAILABLE").check(t, h, h)
	})
}

// TestAVendorWithOneCallDown has a vendor that lists its sites, but not their licenses.
func TestAVendorWithOneCallDown(t *testing.T) {
	h := start(t, withNCP(time.Now()))
	h.twin.Faults().Add(twin.Fault{Kind: twin.FaultAnswer, Status: 403, Path: licensesPath})
	all := h.pages(t, &pb.ListLicensesRequest{Parent: "vendors/-/sites/-"}, 2, false).(*pb.ListLicensesResponse)
	wantEqual(t, all.GetUnreachable(), []string{demo, "vendors/acme/sites/OFFL"})
	if n := len(all.GetLicenses()); n != 8 {
		t.Errorf("%d rows of the other vendor, want 8", n)
	}
}
