package gateway_test

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/contract"
	"github.com/drmhub/drmhub/server/internal/gateway"
	"github.com/drmhub/drmhub/server/internal/inproc"
	"github.com/drmhub/drmhub/server/internal/webguard"
)

type streamServer = grpc.ServerStreamingServer[pb.StreamLicensesResponse]

// A backend holds the services behind the gateway. Unary calls of every method end in call, and
// StreamLicenses ends in stream, ExportLicenses in export.
type backend struct {
	pb.UnimplementedVendorServiceServer
	pb.UnimplementedSiteServiceServer
	pb.UnimplementedMemberServiceServer
	pb.UnimplementedDrmAccountServiceServer
	pb.UnimplementedProductLicenseServiceServer
	pb.UnimplementedMutationServiceServer
	pb.UnimplementedAuditServiceServer
	pb.UnimplementedCallerServiceServer
	pb.UnimplementedViewerServiceServer
	licenses
	exports

	call func(ctx context.Context, method string, req proto.Message) (proto.Message, error)
}

type licenses struct {
	pb.UnimplementedLicenseServiceServer
	stream func(*pb.StreamLicensesRequest, streamServer) error
}

func (l licenses) StreamLicenses(req *pb.StreamLicensesRequest, s streamServer) error {
	return l.stream(req, s)
}

type exports struct {
	pb.UnimplementedArchiveServiceServer
	export func(*pb.ExportLicensesRequest, exportServer) error
}

type exportServer = grpc.ServerStreamingServer[pb.ExportLicensesResponse]

func (e exports) ExportLicenses(req *pb.ExportLicensesRequest, s exportServer) error {
	return e.export(req, s)
}

// handler returns a gateway in front of the backend.
func (b backend) handler(t testing.TB, o gateway.Options) http.Handler {
	t.Helper()
	answer := func(ctx context.Context, req any, info *grpc.UnaryServerInfo, _ grpc.UnaryHandler) (any, error) {
		var resp proto.Message
		var err error
		if b.call != nil {
			resp, err = b.call(ctx, info.FullMethod, req.(proto.Message))
		}
		if resp == nil && err == nil {
			resp = contract.Lookup(info.FullMethod).NewResponse()
		}
		return resp, err
	}
	conn := inproc.New([]grpc.UnaryServerInterceptor{answer}, nil)
	pb.RegisterVendorServiceServer(conn, b)
	pb.RegisterSiteServiceServer(conn, b)
	pb.RegisterMemberServiceServer(conn, b)
	pb.RegisterDrmAccountServiceServer(conn, b)
	pb.RegisterProductLicenseServiceServer(conn, b)
	pb.RegisterMutationServiceServer(conn, b)
	pb.RegisterAuditServiceServer(conn, b)
	pb.RegisterCallerServiceServer(conn, b)
	pb.RegisterViewerServiceServer(conn, b)
	pb.RegisterLicenseServiceServer(conn, b.licenses)
	pb.RegisterArchiveServiceServer(conn, b.exports)
	o.Conn, o.OpenAPI = conn, []byte(`{"openapi":"3.0.3"}`)
	guard, err := webguard.New(webguard.Options{
		Hosts: []string{"example.com"}, Origins: []string{"https://app.example"},
	})
	if err != nil {
		t.Fatal(err)
	}
	o.Guard = func() *webguard.Guard { return guard }
	h, err := gateway.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (b backend) serve(t testing.TB) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(b.handler(t, gateway.Options{MaxBody: 1000}))
	t.Cleanup(s.Close)
	s.Client().Transport.(*http.Transport).DisableCompression = true
	return s
}

// A reply is a response, read to its end.
type reply struct {
	*http.Response
	text string
}

// send makes a request as written. It does not clean the path, and follows no redirect. Headers are
// "Name: value". A body is JSON unless they say otherwise.
func send(t testing.TB, s *httptest.Server, method, path, body string, headers ...string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Content-Type" {
			req.Header.Del(name)
		}
		req.Header.Add(name, value)
	}
	resp, err := s.Client().Transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{resp, string(text)}
}

// A failure is an error body (AIP-193).
type failure struct {
	Code    int    `json:"code"`
	Status  string `json:"status"`
	Message string `json:"message"`
	Details []struct {
		Type       string            `json:"@type"`
		Reason     string            `json:"reason"`
		Domain     string            `json:"domain"`
		Metadata   map[string]string `json:"metadata"`
		RetryDelay string            `json:"retryDelay"`
		Violations []struct {
			Field       string `json:"field"`
			Description string `json:"description"`
			Reason      string `json:"reason"`
		} `json:"fieldViolations"`
	} `json:"details"`
}

// parseFailure reads an error body strictly, and checks what all error bodies have in common.
func parseFailure(t testing.TB, text string) failure {
	t.Helper()
	var body struct {
		Error failure `json:"error"`
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&body); err != nil {
		t.Fatalf("not an error body: %v\n%s", err, text)
	}
	e := body.Error
	if len(e.Details) == 0 || e.Details[0].Type != "type.googleapis.com/google.rpc.ErrorInfo" ||
		e.Details[0].Domain != "drmhub.v1" || e.Message == "" {
		t.Fatalf("without an ErrorInfo or a message: %s", text)
	}
	return e
}

// violations returns the fields that an error complains about, each with what is wrong.
func (f failure) violations() string {
	var all []string
	for _, d := range f.Details {
		for _, v := range d.Violations {
			all = append(all, strings.TrimPrefix(v.Field+": "+v.Description, ": "))
		}
	}
	return strings.Join(all, "; ")
}

// failed checks the response of a failure.
func (r reply) failed(t testing.TB, status int, code, reason string) failure {
	t.Helper()
	if r.StatusCode != status {
		t.Fatalf("HTTP %d, want %d: %s", r.StatusCode, status, r.text)
	}
	e := parseFailure(t, r.text)
	if e.Code != status || e.Status != code || e.Details[0].Reason != reason {
		t.Errorf("got %d %s %s, want %d %s %s: %s", e.Code, e.Status, e.Details[0].Reason, status, code, reason, r.text)
	}
	if got := r.Header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type %q", got)
	}
	return e
}

func TestNewDemandsItsParts(t *testing.T) {
	conn, document := inproc.New(nil, nil), []byte("{}")
	for _, o := range []gateway.Options{
		{OpenAPI: document, Guard: func() *webguard.Guard { return &webguard.Guard{} }},
		{Conn: conn, Guard: func() *webguard.Guard { return &webguard.Guard{} }},
		{Conn: conn, OpenAPI: document},
	} {
		if _, err := gateway.New(o); err == nil {
			t.Errorf("New accepts %+v", o)
		}
	}
}

func TestResponsesHaveTheDefaultMapping(t *testing.T) {
	s := backend{call: func(context.Context, string, proto.Message) (proto.Message, error) {
		return &pb.Member{Name: "vendors/v/members/1", Group: pb.Member_BUSINESS}, nil
	}}.serve(t)
	r := send(t, s, "POST", "/v1/vendors/v/members", `{"email":"a@example.com"}`)
	var got map[string]any
	if err := json.Unmarshal([]byte(r.text), &got); err != nil {
		t.Fatal(err)
	}
	if got["group"] != "BUSINESS" || got["vendorGroup"] != "" || got["createDate"] != "" {
		t.Errorf("want enums by name, lowerCamelCase and unset fields shown: %s", r.text)
	}
	for header, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Content-Type": "application/json",
	} {
		if got := r.Header.Get(header); got != want {
			t.Errorf("%s: %q, want %q", header, got, want)
		}
	}
}

func TestHEADIsGETWithoutTheBody(t *testing.T) {
	s := backend{}.serve(t)
	for path, status := range map[string]int{
		"/v1/vendors": 200, "/v1/vendors/v/sites/a": 200, "/v1/vendors?x=1": 400, "/v1/nothing": 404, "/docs": 200,
		"/console/": 200, "/console/failures": 200, "/console/assets/x": 404,
	} {
		get, head := send(t, s, "GET", path, ""), send(t, s, "HEAD", path, "")
		for _, r := range []reply{get, head} {
			r.Header.Del("Date")
		}
		if head.StatusCode != status || get.StatusCode != status || head.text != "" ||
			!maps.EqualFunc(head.Header, get.Header, slices.Equal) {
			t.Errorf("%s: HEAD is HTTP %d %v %q, GET %v", path, head.StatusCode, head.Header, head.text, get.Header)
		}
	}
}
