package app_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"

	tracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	spanpb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// A collector takes what OpenTelemetry sends.
type collector struct {
	*httptest.Server
	mu   sync.Mutex
	sent map[string][]byte // by path
}

func newCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{sent: map[string][]byte{}}
	c.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.sent[r.URL.Path] = append(c.sent[r.URL.Path], body...) // Messages of this form can be joined.
	}))
	t.Cleanup(c.Close)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.URL)
	return c
}

// spans returns the spans that the collector has got.
func (c *collector) spans(t *testing.T) (all []*spanpb.Span) {
	t.Helper()
	var traces tracepb.ExportTraceServiceRequest
	if err := proto.Unmarshal(c.sent["/v1/traces"], &traces); err != nil {
		t.Fatal(err)
	}
	for _, r := range traces.GetResourceSpans() {
		for _, s := range r.GetScopeSpans() {
			all = append(all, s.GetSpans()...)
		}
	}
	return all
}

func TestTracesMetricsAndLogsAreSent(t *testing.T) {
	c := newCollector(t)
	h := start(t, guarded, withOps)
	root := h.as(t, everything)
	const parent = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"
	traced := metadata.AppendToOutgoingContext(t.Context(), "traceparent", parent, "x-request-id", "given")
	for _, who := range []*testServer{root, h} {
		_ = who.conn.Invoke(traced, pb.SiteService_ListSites_FullMethodName,
			&pb.ListSitesRequest{Parent: "vendors/acme"}, &pb.ListSitesResponse{})
		who.rest(t, "GET /v1/vendors/acme/sites", "", "Traceparent", parent, "X-Request-Id", "given")
	}
	_, page := root.openMetrics(t)
	if !regexp.MustCompile(`# \{.*trace_id="0123456789abcdef0123456789abcdef"`).MatchString(page) {
		t.Error("no exemplars")
	}
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	var calls, attempts, links int
	inTrace := map[string]bool{}
	for _, s := range c.spans(t) {
		within := fmt.Sprintf("%x", s.GetTraceId()) == "0123456789abcdef0123456789abcdef"
		text := fmt.Sprint(s.GetName(), s.GetAttributes())
		switch s.GetKind() {
		case spanpb.Span_SPAN_KIND_SERVER:
			if calls++; within {
				inTrace[string(s.GetSpanId())] = true
			} else if links += len(s.GetLinks()); !strings.Contains(text, "UNAUTHENTICATED") {
				t.Errorf("a known caller's trace is not continued: %s", text)
			}
			if !strings.Contains(text, `"given"`) {
				t.Errorf("no request id: %s", text)
			}
		case spanpb.Span_SPAN_KIND_CLIENT:
			attempts++
			if !within || !strings.Contains(text, `"/api/v2/account/siteId"`) || strings.Contains(text, "?") {
				t.Errorf("attempt %s", text)
			}
		}
	}
	if calls != 4 || attempts == 0 || links != 2 || len(inTrace) != 2 {
		t.Errorf("%d calls, %d attempts, %d links, %d in the caller's trace", calls, attempts, links, len(inTrace))
	}
	for path, want := range map[string]string{
		"/v1/metrics": "rpc.server.call.duration", "/v1/logs": "SiteService/ListSites",
	} {
		if !strings.Contains(string(c.sent[path]), want) {
			t.Errorf("%s was not sent to %s", want, path)
		}
	}
	for _, r := range h.twin.Ledger().Requests() {
		if strings.Contains(fmt.Sprint(r), "0123456789abcdef") {
			t.Errorf("the vendor learns of the trace: %v", r)
		}
	}
	if line := "caller=root vendor=acme resource=vendors/acme code=OK"; strings.Count(h.log.String(), line) != 2 ||
		!strings.Contains(h.log.String(), "request_id=given trace_id=0123456789abcdef0123456789abcdef span_id=") {
		t.Errorf("the log lacks %s:\n%s", line, h.log)
	}
}
