package app_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// twoOfEach adds the kinds that are not there yet, and a second account of every kind.
func twoOfEach(t *testing.T, h *testServer) {
	now := time.Now()
	for _, option := range []func(*testing.T, *testServer){furnish, withNCP(now), withTelecomX(now), withAmino(now)} {
		option(t, h)
	}
	second := newPallyCon()
	fill(second)
	h.add(t, "b-pallycon", "pallycon", second.Twin)
	h.add(t, "b-ncp", "ncp", newNCP(now).Twin)
	h.add(t, "b-telecomx", "telecomx", newTelecomX(now).Twin)
	h.add(t, "b-amino", "amino", newAmino(now).Twin)
}

// listing is a List for which "-" may stand for the vendor and the site.
type listing struct {
	rpc  protoreflect.MethodDescriptor
	path string // what follows the parent
	all  string // the parent: "vendors/-" or "vendors/-/sites/-"
}

// methods are the RPCs of the contract.
func methods() (all []protoreflect.MethodDescriptor) {
	protoregistry.GlobalFiles.RangeFilesByPackage(pb.File_drmhub_v1_site_service_proto.Package(), func(f protoreflect.FileDescriptor) bool {
		for i := range f.Services().Len() {
			for j := range f.Services().Get(i).Methods().Len() {
				all = append(all, f.Services().Get(i).Methods().Get(j))
			}
		}
		return true
	})
	slices.SortFunc(all, func(a, b protoreflect.MethodDescriptor) int { return strings.Compare(name(a), name(b)) })
	return all
}

// name is an RPC as messages write it: "drmhub.v1.SiteService/ListSites".
func name(rpc protoreflect.MethodDescriptor) string {
	return fmt.Sprintf("%s/%s", rpc.Parent().FullName(), rpc.Name())
}

func listings() (all []listing) {
	for _, rpc := range methods() {
		if !strings.HasPrefix(string(rpc.Name()), "List") || rpc.Input().Fields().ByName("parent") == nil {
			continue
		}
		rule := proto.GetExtension(rpc.Options(), annotations.E_Http).(*annotations.HttpRule).GetGet()
		parent, path, _ := strings.Cut(strings.TrimPrefix(rule, "/v1/{parent="), "}")
		all = append(all, listing{rpc, path, strings.ReplaceAll(parent, "*", "-")})
	}
	return all
}

// call asks for a page of what the parent has.
func (l listing) call(parent string, size int, token string) call {
	c := call{method: "/" + name(l.rpc), rest: fmt.Sprintf("GET /v1/%s%s?pageSize=%d&pageToken=%s", parent, l.path, size, url.QueryEscape(token))}
	c.req = blank(l.rpc.Input())
	for field, v := range map[protoreflect.Name]any{"parent": parent, "page_size": int32(size), "page_token": token} {
		c.req.ProtoReflect().Set(l.rpc.Input().Fields().ByName(field), protoreflect.ValueOf(v))
	}
	if req, ok := c.req.(*pb.ListContentUsersRequest); ok { // which must say of what content
		req.Filter = &pb.ReportFilter{ContentId: "bigbuckbunny"}
		c.rest += "&filter.contentId=bigbuckbunny"
	}
	return c
}

// walk reads all pages: over gRPC and over REST in turn, with the token that the other face gave.
func (h *testServer) walk(t *testing.T, l listing, parent string, size int, overREST bool) (rows, unreachable []string) {
	t.Helper()
	token := ""
	for range 1000 {
		c := l.call(parent, size, token)
		var answer string
		if overREST {
			var code int
			if code, _, answer = h.rest(t, c.rest, ""); code != 200 {
				t.Fatalf("REST: %d %s", code, answer)
			}
		} else {
			res, _, err := h.invoke(t, c)
			if err != nil {
				t.Fatalf("gRPC: %v", err)
			}
			answer = inJSON(t, res)
		}
		var page map[string]json.RawMessage
		if err := json.Unmarshal([]byte(answer), &page); err != nil {
			t.Fatal(err)
		}
		var got []any
		_ = json.Unmarshal(page[l.path[1:]], &got) // a list field is named after its collection
		for _, row := range got {
			raw, _ := json.Marshal(row)
			rows = append(rows, string(raw))
		}
		if len(got) > size {
			t.Errorf("%d rows on a page of %d", len(got), size)
		}
		var failed []string
		_ = json.Unmarshal(page["unreachable"], &failed)
		unreachable = append(unreachable, failed...)
		token, overREST = "", !overREST
		if _ = json.Unmarshal(page["nextPageToken"], &token); token == "" {
			return rows, unreachable
		}
	}
	t.Fatal("the list does not end")
	return nil, nil
}

// able are the vendors that have a method, in the order of the configuration.
func (h *testServer) able(t *testing.T, method string) (ids []string) {
	t.Helper()
	res, err := pb.NewVendorServiceClient(h.conn).ListVendors(t.Context(), &pb.ListVendorsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range res.GetVendors() {
		if slices.ContainsFunc(v.GetCapabilities(), func(c *pb.Vendor_Capability) bool { return c.GetMethod() == method }) {
			ids = append(ids, strings.TrimPrefix(v.GetName(), "vendors/"))
		}
	}
	return ids
}

// oneByOne is what each vendor lists when it is asked alone, site by site.
func (h *testServer) oneByOne(t *testing.T, l listing) map[string][]string {
	t.Helper()
	rows := map[string][]string{}
	for _, id := range h.able(t, name(l.rpc)) {
		parents := []string{"vendors/" + id}
		if strings.HasSuffix(l.all, "/sites/-") {
			res, err := pb.NewSiteServiceClient(h.conn).ListSites(t.Context(), &pb.ListSitesRequest{Parent: "vendors/" + id})
			if err != nil {
				t.Fatal(err)
			}
			parents = nil
			for _, s := range res.GetSites() {
				parents = append(parents, s.GetName())
			}
			slices.Sort(parents)
		}
		for _, p := range parents {
			got, _ := h.walk(t, l, p, 1000, false)
			rows[id] = append(rows[id], got...)
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

func TestAllVendorsAtOnce(t *testing.T) {
	h := start(t, twoOfEach)
	// so that there are status changes
	for _, site := range []string{demo, "vendors/b-pallycon/sites/DEMO"} {
		if _, err := pb.NewSiteServiceClient(h.conn).DisableSite(t.Context(), &pb.DisableSiteRequest{Name: site}); err != nil {
			t.Fatal(err)
		}
	}
	ids := slices.Collect(maps.Keys(h.twins))
	alone, able := map[string]map[string][]string{}, map[string][]string{}
	for _, l := range listings() {
		able[name(l.rpc)], alone[name(l.rpc)] = h.able(t, name(l.rpc)), h.oneByOne(t, l)
	}
	each := func(do func(t *testing.T, l listing, able []string, alone map[string][]string)) {
		for _, l := range listings() {
			t.Run(string(l.rpc.Name()), func(t *testing.T) { do(t, l, able[name(l.rpc)], alone[name(l.rpc)]) })
		}
	}
	rowsOf := func(ids []string, alone map[string][]string) (rows []string) {
		for _, id := range ids {
			rows = append(rows, alone[id]...)
		}
		return rows
	}

	each(func(t *testing.T, l listing, able []string, alone map[string][]string) {
		if len(able) < 2 || len(alone[able[0]]) == 0 || len(alone[able[1]]) == 0 {
			t.Fatalf("the vendors that have it are %q, with rows of %d", able, len(alone))
		}
		unable := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return slices.Contains(able, id) })
		before := h.asked(unable)
		for _, size := range []int{1000, 1000, 7} {
			for _, overREST := range []bool{false, true} {
				rows, unreachable := h.walk(t, l, l.all, size, overREST)
				wantEqual(t, rows, rowsOf(able, alone))
				wantEqual(t, unreachable, nil)
			}
		}
		if n := h.asked(unable) - before; n != 0 {
			t.Errorf("vendors that do not have it were asked %d times", n)
		}
	})

	// so that nobody waits for a second attempt
	isDown := twin.Fault{Kind: twin.FaultAnswer, Status: 503, Header: map[string]string{"Retry-After": "120"}}
	down := []string{"acme", "ncp", "telecomx", "amino"}
	for _, id := range down {
		h.twins[id].Faults().Add(isDown)
	}
	each(func(t *testing.T, l listing, able []string, alone map[string][]string) {
		var up, failed []string
		for _, id := range able {
			if slices.Contains(down, id) {
				failed = append(failed, "vendors/"+id)
			} else {
				up = append(up, id)
			}
		}
		for i, size := range []int{1000, 7} {
			rows, unreachable := h.walk(t, l, l.all, size, i == 0)
			wantEqual(t, rows, rowsOf(up, alone))
			wantEqual(t, unreachable, failed)
		}
	})

	h.order(t, isDown)
	each(func(t *testing.T, l listing, _ []string, _ map[string][]string) {
		c := l.call(l.all, 1000, "")
		_, _, err := h.invoke(t, c)
		code, _, answer := h.rest(t, c.rest, "")
		if status.Code(err) != codes.Unavailable || code != 503 {
			t.Fatalf("gRPC: %v; REST: %d %s", err, code, answer)
		}
		shape(t, rpcCase{http: 503, reason: pb.ErrorReason_VENDOR_UNAVAILABLE}, err, answer)
	})
}

// TestAVendorWithOneCallDown has sites, and answers nothing about them.
func TestAVendorWithOneCallDown(t *testing.T) {
	h := start(t, withNCP(time.Now()))
	h.twin.Faults().Add(twin.Fault{Kind: twin.FaultAnswer, Status: 403, Path: licenses})
	for _, l := range listings() {
		if l.rpc.Name() != "ListLicenses" {
			continue
		}
		rows, unreachable := h.walk(t, l, l.all, 2, false)
		wantEqual(t, unreachable, []string{demo, "vendors/acme/sites/OFFL"})
		if len(rows) != 8 {
			t.Errorf("%d rows of the other vendor, want 8", len(rows))
		}
	}
}
