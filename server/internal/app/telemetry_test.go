package app_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/config"
)

// withOps serves metrics without an identity.
func withOps(_ *testing.T, h *testServer) { h.cfg.Ops = &config.Ops{Listen: "127.0.0.1:0"} }

var (
	counted = regexp.MustCompile(`(?m)^rpc_server_call_duration_seconds_count(\{.*\}) (\d+)$`)
	ofFace  = regexp.MustCompile(`drmhub_face="(\w+)",`)
)

// countedSince returns the labels of the calls that were counted since before, without the face, by
// the face. after is all that was counted.
func (h *testServer) countedSince(t *testing.T, before map[string]int) (all map[string][]string, after map[string]int) {
	t.Helper()
	all, after = map[string][]string{}, map[string]int{}
	for _, m := range counted.FindAllStringSubmatch(h.metrics(t, h.OpsAddr()), -1) {
		labels := m[1]
		after[labels], _ = strconv.Atoi(m[2])
		if n := after[labels] - before[labels]; n != 0 {
			face := ofFace.FindStringSubmatch(labels)[1]
			all[face] = append(all[face], fmt.Sprint(n, " ", ofFace.ReplaceAllString(labels, "")))
		}
	}
	return all, after
}

func TestACallCountsAlikeOverBothFaces(t *testing.T) {
	h := start(t, guarded, allVendors, withOps)
	root := h.as(t, everything)
	past := root.history(t)
	all := samples(t, "$done", past.done, "$failed", past.failed, "$open", past.open, "$id", past.doneID)
	_, counts := h.countedSince(t, nil)
	check := func(name, method, code string, overGRPC, overREST func()) {
		overGRPC()
		overREST()
		var got map[string][]string
		got, counts = h.countedSince(t, counts)
		if !slices.Equal(got["grpc"], got["rest"]) || len(got["grpc"]) != 1 ||
			!strings.Contains(got["grpc"][0], `rpc_method="`+method+`"`) || !strings.Contains(got["grpc"][0], code) {
			t.Errorf("%s, %s: over gRPC %q, over REST %q", method, name, got["grpc"], got["rest"])
		}
	}
	each := func(who *testServer, name, code string, change func(call) call) {
		for rpc, calls := range all {
			c := change(calls[0])
			if _, changes := c.req.(mutating); changes {
				c = c.with("validate_only", true)
			}
			check(name, rpc.Name, code, func() { who.either(t, c, false) }, func() { who.either(t, c, true) })
		}
	}
	each(root, "well", "", func(c call) call { return c })
	each(h, "no identity", "UNAUTHENTICATED", func(c call) call { return c })
	for who, code := range map[*testServer]string{root: "UNIMPLEMENTED", h: "UNAUTHENTICATED"} {
		for _, method := range []string{"/drmhub.v1.SiteService/Nothing", "/other.Service/ListSites"} {
			check("unknown", "_OTHER", code, func() {
				_ = who.conn.Invoke(t.Context(), method, &pb.GetSiteRequest{}, &pb.Site{})
			}, func() { who.rest(t, "GET /v1"+method, "") })
		}
	}
	page := h.metrics(t, h.OpsAddr())
	if strings.Contains(page, `url_template="other"`) {
		t.Error("an adapter lacks the template of a path")
	}
	n := strings.Count(page, "\n") - strings.Count(page, "\n#")
	if t.Logf("%d series", n); n > 2000 {
		t.Error("too many series")
	}
	each(root, "elsewhere", "", func(c call) call { return c.moved(0) })
	each(root, "missing", "", func(c call) call { return c.moved(1) })
	each(h.as(t, `{"sub":"s"}`), "no scope", "", func(c call) call { return c })
	each(h.as(t, `{"sub":"c","roles":["admin","secrets"],"vendors":["other"]}`), "confined", "",
		func(c call) call { return c })
}

// openMetrics returns the page of metrics in its other form, with exemplars.
func (h *testServer) openMetrics(t *testing.T) (contentType, page string) {
	t.Helper()
	req, _ := http.NewRequestWithContext(t.Context(), "GET", "http://"+h.OpsAddr()+"/metrics", nil)
	req.Header.Set("Accept", "application/openmetrics-text")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, _ := io.ReadAll(res.Body)
	return res.Header.Get("Content-Type"), string(raw)
}

// TestTheConsoleIsOneRoute opens addresses of the console, which hold ids.
func TestTheConsoleIsOneRoute(t *testing.T) {
	h := start(t, withOps)
	for _, address := range []string{"", "/", "/sites/acme/DEMO", "/viewers/tester24", "/assets/none.js"} {
		h.rest(t, "GET /console"+address, "")
	}
	routes := regexp.MustCompile(`http_route="([^"]*)"`).FindAllStringSubmatch(h.metrics(t, h.OpsAddr()), -1)
	for _, route := range routes {
		if route[1] != "/console/*" {
			t.Errorf("the route %s", route[1])
		}
	}
	if len(routes) == 0 {
		t.Error("no request was counted")
	}
}

func TestEveryAnswerHasARequestID(t *testing.T) {
	h := start(t)
	ops := start(t, withOps)
	for given, kept := range map[string]bool{
		"": false, "mine-1": true, "a b": false, "é": false,
		strings.Repeat("x", 128): true, strings.Repeat("x", 129): false,
	} {
		for _, path := range []string{
			"/v1/vendors", "/v1/vendors/none", "/v1/nothing", "/docs", "/healthz", "/x", "/metrics",
		} {
			var headers []string
			if given != "" {
				headers = []string{"X-Request-Id", given}
			}
			_, header, _ := h.rest(t, "GET "+path, "", headers...)
			if id := one(t, header["X-Request-Id"]); id == "" || (id == given) != kept {
				t.Errorf("%s with %q: %q", path, given, id)
			}
		}
		for _, path := range []string{"/healthz", "/readyz", "/metrics", "/x"} {
			req, _ := http.NewRequestWithContext(t.Context(), "GET", "http://"+ops.OpsAddr()+path, nil)
			req.Header.Set("X-Request-Id", given)
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			if id := one(t, res.Header["X-Request-Id"]); id == "" || (id == given) != kept {
				t.Errorf("%s of ops.listen with %q: %q", path, given, id)
			}
		}
		large := &pb.ListVendorsRequest{PageToken: strings.Repeat("0", maxRequest+1)}
		for method, req := range map[string]*pb.ListVendorsRequest{
			pb.VendorService_ListVendors_FullMethodName: {}, "/drmhub.v1.X/Nothing": {},
			pb.SiteService_GetSite_FullMethodName: large, healthpb.Health_Check_FullMethodName: large,
		} {
			ctx := t.Context()
			if given != "" && given != "é" { // which gRPC does not send
				ctx = metadata.AppendToOutgoingContext(ctx, "x-request-id", given)
			}
			var header metadata.MD
			_ = h.conn.Invoke(ctx, method, req, &pb.ListVendorsResponse{}, grpc.Header(&header))
			if id := one(t, header["x-request-id"]); id == "" || (id == given) != kept {
				t.Errorf("%s with %q: %q", method, given, id)
			}
		}
	}
}

// maxRequest is the size of the largest request, in bytes.
const maxRequest = 4 << 20

// TestCallsThatNoHandlerSeesCount makes calls that gRPC itself refuses.
func TestCallsThatNoHandlerSeesCount(t *testing.T) {
	h := start(t, withOps)
	large := &pb.ListSitesRequest{Parent: strings.Repeat("0", maxRequest+1)}
	stream := &grpc.StreamDesc{ServerStreams: true}
	raw := dialRaw(t, h.GRPCAddr(), nil)
	send := func(id uint32, path string, more ...string) func() error {
		return func() error {
			fields := append([]string{":method", "POST", ":scheme", "http", ":path", path, ":authority", "localhost",
				"content-type", "application/grpc", "te", "trailers", "x-request-id", "mine"}, more...)
			return raw.WriteHeaders(http2.HeadersFrameParam{
				StreamID: id, BlockFragment: raw.headers(fields...), EndHeaders: true, EndStream: true,
			})
		}
	}
	for _, c := range []struct {
		method, code string
		call         func() error
	}{
		{"drmhub.v1.SiteService/ListSites", "RESOURCE_EXHAUSTED", func() error {
			return refusedAsLarge(h.conn.Invoke(t.Context(), pb.SiteService_ListSites_FullMethodName, large, large))
		}},
		{"drmhub.v1.LicenseService/StreamLicenses", "RESOURCE_EXHAUSTED", func() error {
			s, err := h.conn.NewStream(t.Context(), stream, pb.LicenseService_StreamLicenses_FullMethodName)
			if err == nil {
				_ = s.SendMsg(large)
				err = s.RecvMsg(large)
			}
			return refusedAsLarge(err)
		}},
		{"grpc.health.v1.Health/Check", "RESOURCE_EXHAUSTED", func() error {
			return refusedAsLarge(h.conn.Invoke(t.Context(), healthpb.Health_Check_FullMethodName, large, large))
		}},
		{"drmhub.v1.SiteService/GetSite", "UNIMPLEMENTED", send(1, pb.SiteService_GetSite_FullMethodName,
			"grpc-encoding", "pigeon")},
		{"drmhub.v1.LicenseService/StreamLicenses", "UNIMPLEMENTED", send(3,
			pb.LicenseService_StreamLicenses_FullMethodName, "grpc-encoding", "pigeon")},
		{"_OTHER", "UNIMPLEMENTED", send(5, "/any.Service/Any", "grpc-encoding", "pigeon")},
		{"_OTHER", "UNIMPLEMENTED", send(7, "no-path")},
		{"drmhub.v1.SiteService/GetSite", "DEADLINE_EXCEEDED", send(9, pb.SiteService_GetSite_FullMethodName,
			"grpc-timeout", "0n")},
	} {
		_, counts := h.countedSince(t, nil)
		if err := c.call(); err != nil {
			t.Errorf("%s: %v", c.method, err)
		}
		var got []string
		for deadline := time.Now().Add(20 * time.Second); len(got) == 0 && time.Now().Before(deadline); {
			all, _ := h.countedSince(t, counts)
			got = all["grpc"]
		}
		if len(got) != 1 || !strings.HasPrefix(got[0], "1 ") ||
			!strings.Contains(got[0], `rpc_method="`+c.method+`",rpc_response_status_code="`+c.code+`"`) {
			t.Errorf("%s, %s: %q", c.method, c.code, got)
		}
	}
	if err := h.stop(); err != nil {
		t.Error(err)
	}
	if n := strings.Count(h.log.String(), "code=UNIMPLEMENTED"); n != 4 ||
		strings.Count(h.log.String(), "request_id=mine") != n+1 || strings.Contains(h.log.String(), "RATE_LIMITED") {
		t.Errorf("the log:\n%s", h.log)
	}
}

// refusedAsLarge returns nil for the error of a request that is too large.
func refusedAsLarge(err error) error {
	if status.Code(err) == codes.ResourceExhausted {
		return nil
	}
	return fmt.Errorf("not refused as too large: %w", err)
}

func TestACallCostsLittleMoreWithTelemetry(t *testing.T) {
	newCollector(t)
	cost := func(disabled string) (all []float64) {
		t.Setenv("OTEL_SDK_DISABLED", disabled)
		t.Setenv("OTEL_TRACES_SAMPLER", "always_off")
		h := start(t, func(_ *testing.T, h *testServer) { h.cfg.Log.Level = "info" })
		for _, c := range []call{rpc(&pb.ListVendorsRequest{}), rpc(&pb.ListSitesRequest{Parent: "vendors/acme"})} {
			res := c.response()
			all = append(all, testing.AllocsPerRun(300, func() {
				if err := h.conn.Invoke(context.Background(), c.method, c.req, res); err != nil {
					t.Error(err)
				}
			}))
		}
		return all
	}
	without, with := cost("true"), cost("false")
	t.Logf("without telemetry %v allocations, with it %v", without, with)
	if with[0]-without[0] > 10 {
		t.Errorf("%v allocations more", with[0]-without[0])
	}
}
