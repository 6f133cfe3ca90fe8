package telemetry_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"

	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/telemetry"
)

func newCalls(t *testing.T) (*telemetry.Metrics, *telemetry.Calls) {
	t.Helper()
	m, err := telemetry.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close(context.Background()) })
	c, err := m.NewCalls(telemetry.CallsOptions{
		Log: slog.New(slog.DiscardHandler), HasVendor: func(id string) bool { return id == "ours" },
	})
	if err != nil {
		t.Fatal(err)
	}
	return m, c
}

func TestWithoutTheEnvironmentNothingRuns(t *testing.T) {
	ignore := goleak.IgnoreCurrent()
	newCalls(t)
	goleak.VerifyNone(t, ignore)
}

func TestAnEnvironmentThatCannotBeUsedIsAnError(t *testing.T) {
	for variable, signal := range map[string]string{
		"OTEL_TRACES_EXPORTER": "traces", "OTEL_METRICS_EXPORTER": "metrics", "OTEL_LOGS_EXPORTER": "logs",
	} {
		t.Run(signal, func(t *testing.T) {
			t.Setenv(variable, "carrier-pigeon")
			if _, err := telemetry.New(); err == nil || !strings.Contains(err.Error(), signal) {
				t.Errorf("%v", err)
			}
		})
	}
	t.Setenv("OTEL_METRICS_EXPORTER", "prometheus") // which is /metrics, and no other page
	newCalls(t)
}

func TestADeadCollectorHoldsNothingUp(t *testing.T) {
	dead, err := net.Listen("tcp", "127.0.0.1:0") // It accepts no connection.
	if err != nil {
		t.Fatal(err)
	}
	defer dead.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"+dead.Addr().String())
	m, c := newCalls(t)
	info := &grpc.UnaryServerInfo{FullMethod: pb.SiteService_GetSite_FullMethodName}
	service := func(context.Context, any) (any, error) { return nil, nil }
	begun := time.Now()
	for range 10_000 {
		_, _ = c.Unary(t.Context(), &pb.GetSiteRequest{}, info, service)
	}
	if err := m.Close(t.Context()); err == nil {
		t.Error("everything was sent")
	}
	if took := time.Since(begun); took > 20*time.Second { // The exporter itself would try for a minute.
		t.Errorf("it took %v", took)
	}
}

// TestACallThatGRPCRefusesIsCountedOnce has calls end whose handlers run, run late or too late, and
// never run. Two of them arrive when their deadline has passed.
func TestACallThatGRPCRefusesIsCountedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, c := newCalls(t)
		info := &grpc.UnaryServerInfo{FullMethod: pb.SiteService_GetSite_FullMethodName}
		for _, handled := range []string{"", "first", "late", "expired", "expired, and too late"} {
			ctx, end := context.WithCancel(t.Context())
			if strings.HasPrefix(handled, "expired") {
				ctx, end = context.WithTimeout(t.Context(), 0)
			}
			ctx, _ = c.Arrived(ctx, &tap.Info{FullMethodName: info.FullMethod})
			run := func() {
				_, _ = c.Unary(ctx, &pb.GetSiteRequest{}, info, func(context.Context, any) (any, error) {
					return nil, nil
				})
			}
			if handled == "first" {
				run()
			}
			end()
			synctest.Wait()
			if handled == "late" {
				run()
			}
			time.Sleep(time.Minute)
			if handled == "expired, and too late" {
				run()
			}
		}
		w := httptest.NewRecorder()
		m.Page().ServeHTTP(w, httptest.NewRequest("GET", telemetry.Path, nil))
		for code, want := range map[string]string{"UNIMPLEMENTED": "1", "DEADLINE_EXCEEDED": "2", "OK": "2"} {
			of := `_seconds_count\{.*GetSite",rpc_response_status_code="` + code
			count := regexp.MustCompile(of + `".*\} ` + want + "\n")
			if !count.MatchString(w.Body.String()) {
				t.Errorf("not counted %s times: %s\n%s", want, code, w.Body)
			}
		}
	})
}

// TestALineOverRESTKeepsNoViewer refuses calls before their requests are read.
func TestALineOverRESTKeepsNoViewer(t *testing.T) {
	m, err := telemetry.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close(context.Background()) })
	var lines strings.Builder
	c, err := m.NewCalls(telemetry.CallsOptions{
		Log: slog.New(slog.NewTextHandler(&lines, nil)), HasVendor: func(string) bool { return false },
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"viewers/alice": " resource=viewers/- ", "vendors/v/sites/s": " resource=vendors/v/sites/s ",
	} {
		lines.Reset()
		c.HTTP(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			ctx := telemetry.BeginREST(r.Context(), pb.ViewerService_EraseViewer_FullMethodName, name)
			telemetry.Fail(ctx, status.Error(codes.InvalidArgument, "no such field"))
		})).ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil))
		if !strings.Contains(lines.String(), want) {
			t.Errorf("%s: %s", name, lines.String())
		}
	}
}

// TestLabelsHaveABound makes calls that differ in all that a caller can choose.
func TestLabelsHaveABound(t *testing.T) {
	m, c := newCalls(t)
	handler := c.HTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		telemetry.Fail(telemetry.BeginREST(r.Context(), "", r.URL.Path), status.Error(codes.NotFound, "gone"))
		w.WriteHeader(http.StatusNotFound)
	}))
	for i := range 100_000 {
		text := fmt.Sprint("any-", i)
		ctx := auth.WithCaller(t.Context(), &auth.Caller{Identity: auth.Identity{Subject: text}})
		info := &grpc.UnaryServerInfo{FullMethod: "/drmhub.v1.SiteService/GetSite"}
		if i%2 == 0 {
			info.FullMethod = "/" + text + "/Get"
		}
		req := &pb.GetSiteRequest{Name: "vendors/" + text + "/sites/" + text}
		if i%3 == 0 {
			req.Name = "vendors/ours/sites/" + text
		}
		_, _ = c.Unary(ctx, req, info, func(context.Context, any) (any, error) {
			return nil, status.Error(codes.Code(i%17), text)
		})
		if i%100 == 0 {
			r := httptest.NewRequestWithContext(ctx, "VERB"+text, "/v1/"+text, nil)
			handler.ServeHTTP(httptest.NewRecorder(), r)
			end := c.Attempt(ctx, upstream.Attempted{Vendor: "ours", Method: "GET", Template: upstream.OtherTemplate})
			end(upstream.Ending{Status: 200, Outcome: upstream.Succeeded})
		}
	}
	w := httptest.NewRecorder()
	m.Page().ServeHTTP(w, httptest.NewRequest("GET", telemetry.Path, nil))
	page := w.Body.String()
	if n := strings.Count(page, "\n"); n > 800 || strings.Contains(page, "any-") {
		t.Errorf("%d lines\n%.3000s", n, page)
	}
	for _, labels := range []string{
		`drmhub_face="grpc",drmhub_vendor="ours",rpc_method="drmhub.v1.SiteService/GetSite",rpc_response_status_code=`,
		`drmhub_face="rest",drmhub_vendor="-",error_type="NOT_FOUND",rpc_method="_OTHER"`,
		`http_request_method="_OTHER",http_response_status_code="404",http_route="_OTHER"`,
	} {
		if !strings.Contains(page, labels) {
			t.Errorf("no series with %s", labels)
		}
	}
}

// TestADeadlineIsNoCancellation ends calls as a gRPC client does whose deadline passes, and as one
// that leaves.
func TestADeadlineIsNoCancellation(t *testing.T) {
	m, c := newCalls(t)
	info := &grpc.UnaryServerInfo{FullMethod: pb.SiteService_GetSite_FullMethodName}
	for _, left := range []time.Duration{time.Millisecond, time.Hour} {
		ctx, cancel := context.WithTimeout(t.Context(), left)
		cancel()
		_, _ = c.Unary(ctx, &pb.GetSiteRequest{}, info, func(ctx context.Context, _ any) (any, error) {
			return nil, status.FromContextError(ctx.Err()).Err()
		})
	}
	for _, code := range []string{"CANCELLED", "DEADLINE_EXCEEDED"} {
		want := fmt.Sprintf("rpc_response_status_code=%q,rpc_system_name=\"grpc\"} 1\n", code)
		if page := scrape(m); !strings.Contains(page, want) {
			t.Errorf("%s: %s", code, page)
		}
	}
}
