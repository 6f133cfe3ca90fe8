package gateway_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/contract"
	"github.com/drmhub/drmhub/server/internal/gateway"
)

// requests serves calls. ask makes a request, and returns the call that the services get, or nil.
func requests(t *testing.T) (ask func(method, path, body string, headers ...string) (reply, proto.Message)) {
	var got proto.Message
	s := backend{call: func(_ context.Context, _ string, req proto.Message) (proto.Message, error) {
		got = req
		return nil, nil
	}}.serve(t)
	return func(method, path, body string, headers ...string) (reply, proto.Message) {
		got = nil
		return send(t, s, method, path, body, headers...), got
	}
}

// A long list is refused before it is decoded. Commas and brackets within texts do not count.
func TestListsOfABodyAreBounded(t *testing.T) {
	const most = "must contain no more than 1000 item(s), and contains "
	const create, remove = "/v1/vendors/v/productLicenses:batchCreate", "/v1/vendors/v/productLicenses:batchDelete"
	called := false
	h := backend{call: func(context.Context, string, proto.Message) (proto.Message, error) {
		called = true
		return nil, nil
	}}.handler(t, gateway.Options{})
	list := func(item string, items int) string { return "[" + strings.Repeat(item+",", items-1) + item + "]" }
	for _, c := range []struct{ path, body, refused string }{
		{create, `{"requests":` + list(`{"requestId":"[,,]\\\"{,"}`, 1000) + `}`, ""},
		{create, `{"requests":` + list(`{}`, 1001) + `}`, "requests: " + most + "1001"},
		{remove, `{"names": ` + list(`"a\",\\"`, 1001) + `}`, "names: " + most + "1001"},
		{create, `{"requests":[{"productLicense":{"x":` + list(`1`, 5000) + `}}]}`,
			"requests.productLicense.x: " + most + "5000"},
	} {
		called = false
		r := record(h, &http.Request{
			Method: "POST", URL: &url.URL{Path: c.path},
			Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(c.body)),
		})
		if called != (c.refused == "") || !strings.Contains(r.body.String(), c.refused) {
			t.Errorf("%s %.40s: %s, want %q", c.path, c.body, r.body.String(), c.refused)
		}
	}
}

// TestRequests makes the requests in testdata/requests.txt.
func TestRequests(t *testing.T) {
	text, err := os.ReadFile("testdata/requests.txt")
	if err != nil {
		t.Fatal(err)
	}
	ask := requests(t)
	form := regexp.MustCompile(`(?m)^([A-Z]+) (\S+)(?: (.*))?\n    (\S+) ?(.*)$`)
	rows := form.FindAllStringSubmatch(string(text), -1)
	if n := strings.Count(string(text), "\n    "); len(rows) != n {
		t.Errorf("%d of %d rows can be read", len(rows), n)
	}
	for _, row := range rows {
		method, path, body, outcome, rest := row[1], row[2], row[3], row[4], row[5]
		t.Run(method+" "+path+" "+body, func(t *testing.T) {
			if unquoted, err := strconv.Unquote(body); err == nil {
				body = unquoted
			}
			r, got := ask(method, path, body)
			if strings.Contains(r.text, "hunter2") {
				t.Errorf("the response repeats a secret: %s", r.text)
			}
			if got != nil && outcome[0] >= '4' && outcome[0] <= '5' {
				t.Errorf("the call was made: %v", got)
			}
			switch outcome {
			case "400":
				e := r.failed(t, http.StatusBadRequest, "INVALID_ARGUMENT", "REQUEST_INVALID")
				want := strings.ReplaceAll(regexp.QuoteMeta(rest), "…", ".*")
				if !regexp.MustCompile("^" + want + "$").MatchString(e.violations()) {
					t.Errorf("%s, want %s", e.violations(), rest)
				}
			case "404":
				e := r.failed(t, http.StatusNotFound, "NOT_FOUND", "METHOD_UNKNOWN")
				if !strings.Contains(e.Message, path) || !strings.Contains(e.Message, rest) {
					t.Errorf("%q does not name the path and %q", e.Message, rest)
				}
			case "405":
				if method != http.MethodHead {
					r.failed(t, http.StatusMethodNotAllowed, "UNIMPLEMENTED", "METHOD_UNKNOWN")
				}
				if r.StatusCode != http.StatusMethodNotAllowed || r.Header.Get("Allow") != rest {
					t.Errorf("HTTP %d, Allow %q, want %q", r.StatusCode, r.Header.Get("Allow"), rest)
				}
			default:
				want := requestOf(outcome)
				if err := protojson.Unmarshal([]byte(rest), want); err != nil {
					t.Fatal(err)
				}
				if got == nil || !proto.Equal(got, want) {
					t.Errorf("%T %v, want %s %v: %s", got, got, outcome, want, r.text)
				}
			}
		})
	}
}

// requestOf returns an empty request of an RPC such as ListSites.
func requestOf(method string) proto.Message {
	for _, rpc := range contract.RPCs() {
		if string(rpc.Method.Name()) == method {
			return rpc.NewRequest()
		}
	}
	panic("no RPC " + method)
}

// TestTheMaskOfAllFields is a request that has no form in JSON.
func TestTheMaskOfAllFields(t *testing.T) {
	r, got := requests(t)("PATCH", "/v1/vendors/v/products/p?updateMask=*", `{"displayName":"a"}`)
	req, _ := got.(*pb.UpdateProductRequest)
	if !slices.Equal(req.GetUpdateMask().GetPaths(), []string{"*"}) || req.GetProduct().GetDisplayName() != "a" {
		t.Errorf("got %v: %s", got, r.text)
	}
}

// TestAResourceCanBeSentBack sends to PATCH what a GET returns. Only the fields that can change are
// in the mask.
func TestAResourceCanBeSentBack(t *testing.T) {
	ask := requests(t)
	site := &pb.Site{Name: "vendors/v/sites/s", SiteId: "s", PolicyId: "0", State: pb.Site_RUNNING, Usage: &pb.Usage{}}
	member := &pb.Member{Name: "vendors/v/members/m", Email: "a@b.example", VendorGroup: "1", State: pb.Member_ACTIVE}
	integration := &pb.Integration{
		Name: "vendors/v/sites/s/integration", Credentials: []*pb.Integration_Credential{{Id: "key", Redacted: true}},
	}
	for want, resource := range map[string]interface {
		proto.Message
		GetName() string
	}{
		"display_name policy_id": site,
		"state":                  member,
		"license_callback_url package_callback_url token_duration": integration,
		"display_name description buyable visible price recurring": &pb.Product{Name: "vendors/v/products/p"},
	} {
		body, err := protojson.MarshalOptions{EmitUnpopulated: true}.Marshal(resource)
		if err != nil {
			t.Fatal(err)
		}
		r, got := ask("PATCH", "/v1/"+resource.GetName(), string(body))
		req, _ := got.(interface{ GetUpdateMask() *fieldmaskpb.FieldMask })
		if req == nil || strings.Join(req.GetUpdateMask().GetPaths(), " ") != want {
			t.Errorf("%s: got %v, want %q: %s", body, got, want, r.text)
		}
	}
}

// Only the unknown parameters that the error shows cost a search for what they mean.
func TestUnknownParametersAreCheap(t *testing.T) {
	h := backend{}.handler(t, gateway.Options{})
	cost := func(parameters int) float64 {
		var query strings.Builder
		for i := range parameters {
			query.WriteString("&usr" + strconv.Itoa(i))
		}
		address := &url.URL{Path: "/v1/vendors/v/sites/s/licenses", RawQuery: query.String()}
		r := &http.Request{Method: "GET", URL: address}
		return testing.AllocsPerRun(5, func() {
			if got := record(h, r); got.status != http.StatusBadRequest {
				t.Fatalf("HTTP %d", got.status)
			}
		})
	}
	if each := (cost(2000) - cost(1000)) / 1000; each > 20 {
		t.Errorf("each further parameter costs %.0f allocations", each)
	}
}
