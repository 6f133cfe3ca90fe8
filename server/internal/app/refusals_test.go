package app_test

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/auth/tokentest"
	"github.com/drmhub/drmhub/server/internal/config"
)

const (
	disableDemo     = "POST /v1/vendors/acme/sites/DEMO:disable"
	disableMethod   = "drmhub.v1.SiteService/DisableSite"
	getCallerMethod = "drmhub.v1.CallerService/GetCaller"
)

func bearer(ctx context.Context, token string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
}

func tokenOf(subject, scope string) string {
	return tokentest.Sign("ES256", "es256", map[string]any{"sub": subject, "scope": scope})
}

// TestRefusedCalls makes calls that are refused, over both faces, and reads what remains of them.
func TestRefusedCalls(t *testing.T) {
	file := filepath.Join(t.TempDir(), "audit.jsonl")
	h := start(t, withTokens(tokentest.NewKeyServer(t).URL), func(_ *testing.T, h *testServer) {
		h.cfg.Auth.Limits = &config.Limits{Rate: 2, Burst: 2}
		h.cfg.Audit.File = config.OutFile(file)
		h.cfg.Ops = &config.Ops{Listen: "127.0.0.1:0"}
	})
	forged := tokenOf("eve", "sites:write")
	forged = forged[:len(forged)-40] + strings.Repeat("A", 40)
	ann, bob := tokenOf("ann", "sites:read"), tokenOf("bob", "sites:read")
	disable := func(token string, code codes.Code, status int) {
		t.Helper()
		_, err := pb.NewSiteServiceClient(h.conn).DisableSite(bearer(t.Context(), token),
			&pb.DisableSiteRequest{Name: "vendors/acme/sites/DEMO"})
		restStatus, _, body := h.rest(t, disableDemo, "{}", "Authorization", "Bearer "+token)
		if apierror.Convert(err).Code != code || restStatus != status {
			t.Errorf("%v, %d %s", err, restStatus, body)
		}
	}
	disable(forged, codes.Unauthenticated, http.StatusUnauthorized)
	disable(ann, codes.PermissionDenied, http.StatusForbidden)
	h.callTooFast(t, bob)
	metrics := h.metrics(t, h.OpsAddr())
	for _, reason := range []string{"TOKEN_INVALID", "SCOPE_MISSING", "CALLER_RATE_LIMITED"} {
		if line := `drmhub_auth_refused_total{reason="` + reason + `"} 2`; !strings.Contains(metrics, line) {
			t.Errorf("no line %s in\n%s", line, metrics)
		}
	}
	if !strings.Contains(metrics, `drmhub_jwks_age_seconds{set="0"}`) {
		t.Errorf("no age of the key set in\n%s", metrics)
	}
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}

	events, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	log := h.log.String()
	for _, c := range []struct{ method, reason, more, event string }{
		{disableMethod, "TOKEN_INVALID", " cause=bad_signature", `"subject":"","method":"` + disableMethod +
			`","resource":"","request_digest":"","outcome":"UNAUTHENTICATED"`},
		{disableMethod, "SCOPE_MISSING", " subject=ann", `"subject":"ann","method":"` + disableMethod +
			`","resource":"vendors/acme/sites/DEMO","request_digest":"","outcome":"PERMISSION_DENIED"`},
		{getCallerMethod, "CALLER_RATE_LIMITED", " subject=bob", `"subject":"bob","method":"` + getCallerMethod +
			`","resource":"","request_digest":"","outcome":"RESOURCE_EXHAUSTED"`},
	} {
		if n := strings.Count(string(events), c.event); n != 2 {
			t.Errorf("%s has %d events of two:\n%s", c.reason, n, events)
		}
		for _, face := range []string{"grpc", "rest"} {
			line := "method=" + c.method + " face=" + face + " peer=127.0.0.1:"
			if !strings.Contains(log, line) || strings.Count(log, "reason="+c.reason+c.more) != 2 {
				t.Errorf("no line with %q and %s%s:\n%s", line, c.reason, c.more, log)
			}
		}
	}
	for _, token := range []string{forged, ann, bob} {
		for part := range strings.SplitSeq(token, ".") {
			if strings.Contains(log+string(events)+metrics, part[:20]) {
				t.Error("a part of a token remains")
			}
		}
	}
}

// metrics returns the page of metrics at an address, or "" for a page that is not there.
func (h *testServer) metrics(t *testing.T, address string) string {
	t.Helper()
	res, err := http.Get("http://" + address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		return ""
	}
	return string(text)
}

func TestMetricsWithoutIdentity(t *testing.T) {
	if open := start(t); !strings.Contains(open.metrics(t, open.HTTPAddr()), "\ndrmhub_build_info{") {
		t.Error("in mode none, REST serves no metrics")
	}
	if closed := start(t, withTokens(tokentest.NewKeyServer(t).URL)); closed.metrics(t, closed.HTTPAddr()) != "" {
		t.Error("in mode jwt, REST serves metrics without identity")
	}
}

// callTooFast calls over each face until a call is refused, and again after the wait that the
// refusal asks for.
func (h *testServer) callTooFast(t *testing.T, token string) {
	t.Helper()
	client := pb.NewCallerServiceClient(h.conn)
	var err error
	for err == nil {
		_, err = client.GetCaller(bearer(t.Context(), token), &pb.GetCallerRequest{})
	}
	e := apierror.Convert(err)
	if e.Reason != pb.ErrorReason_CALLER_RATE_LIMITED || e.RetryAfter <= 0 || e.RetryAfter > time.Second/2 {
		t.Fatalf("%v, to be repeated after %s", err, e.RetryAfter)
	}
	time.Sleep(e.RetryAfter)
	if _, err := client.GetCaller(bearer(t.Context(), token), &pb.GetCallerRequest{}); err != nil {
		t.Error(err)
	}
	status, header, body := http.StatusOK, http.Header{}, ""
	for status == http.StatusOK {
		status, header, body = h.rest(t, "GET /v1/caller", "", "Authorization", "Bearer "+token)
	}
	if status != http.StatusTooManyRequests || header.Get("Retry-After") != "1" {
		t.Fatalf("%d %v %s", status, header, body)
	}
	time.Sleep(time.Second)
	if status, _, body = h.rest(t, "GET /v1/caller", "", "Authorization", "Bearer "+token); status != http.StatusOK {
		t.Errorf("%d %s", status, body)
	}
}

func TestStreamsOfOneCaller(t *testing.T) {
	h := start(t, withTokens(tokentest.NewKeyServer(t).URL))
	open := func(token string) error {
		stream, err := pb.NewLicenseServiceClient(h.conn).StreamLicenses(bearer(t.Context(), token),
			&pb.StreamLicensesRequest{Parent: "vendors/acme/sites/DEMO"})
		if err == nil {
			_, err = stream.Recv()
		}
		return err
	}
	entered := make(chan struct{}, 100)
	hold := make(chan struct{})
	h.gate.Store(func(*http.Request) { entered <- struct{}{}; <-hold })
	ended := make(chan error, 16)
	for range cap(ended) {
		go func() { ended <- open(tokenOf("ann", "licenses:read")) }()
	}
	for range cap(ended) {
		select {
		case <-entered:
		case err := <-ended:
			t.Fatal(err)
		}
	}
	e := apierror.Convert(open(tokenOf("ann", "licenses:read")))
	if e.Reason != pb.ErrorReason_CALLER_RATE_LIMITED || e.RetryAfter != time.Second {
		t.Errorf("the 17th stream: %v", e)
	}
	status, header, body := h.rest(t, "GET /v1/vendors/acme/sites/DEMO/licenses:stream", "",
		"Authorization", "Bearer "+tokenOf("ann", "licenses:read"))
	if status != http.StatusTooManyRequests || header.Get("Retry-After") != "1" {
		t.Errorf("over REST: %d %v %s", status, header, body)
	}
	close(hold)
	for range cap(ended) {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}
