package app_test

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/app"
	"github.com/drmhub/drmhub/server/internal/config"
)

func TestHealth(t *testing.T) {
	h := start(t)
	for _, service := range []string{"", "drmhub.v1.SiteService", "drmhub.v1.LicenseService"} {
		res, err := healthpb.NewHealthClient(h.conn).Check(t.Context(), &healthpb.HealthCheckRequest{Service: service})
		if err != nil || res.GetStatus() != healthpb.HealthCheckResponse_SERVING {
			t.Errorf("%q: %v, %v", service, res, err)
		}
	}
	for _, path := range []string{"/healthz", "/readyz", "/openapi.json", "/docs"} {
		if code, _, answer := h.rest(t, "GET "+path, ""); code != 200 {
			t.Errorf("%s: %d %s", path, code, answer)
		}
	}
}

// TestStoppingLetsCallsFinish stops the server while a call over each face waits for the vendor.
func TestStoppingLetsCallsFinish(t *testing.T) {
	h := start(t)
	arrived, release := make(chan struct{}), make(chan struct{})
	h.gate.Store(func(*http.Request) { arrived <- struct{}{}; <-release })

	overGRPC, overREST := make(chan int, 1), make(chan int, 1)
	go func() {
		res, err := pb.NewLicenseServiceClient(h.conn).ListLicenses(t.Context(), &pb.ListLicensesRequest{Parent: demo})
		if err != nil {
			t.Errorf("gRPC: %v", err)
		}
		overGRPC <- len(res.GetLicenses())
	}()
	go func() {
		code, _, _ := h.rest(t, "GET /v1/"+demo+"/licenses", "")
		overREST <- code
	}()
	<-arrived
	<-arrived
	health, err := healthpb.NewHealthClient(h.conn).Watch(t.Context(), &healthpb.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range []string{"v1", "v1alpha"} { // They stay open too.
		askServer(t, h, version).file(t, "drmhub.v1.Site")
	}
	ended := make(chan error, 1)
	for state := healthpb.HealthCheckResponse_UNKNOWN; state != healthpb.HealthCheckResponse_NOT_SERVING; {
		res, err := health.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if state = res.GetStatus(); state == healthpb.HealthCheckResponse_SERVING {
			go func() { ended <- h.stop() }()
		}
	}
	close(release)
	if rows := <-overGRPC; rows != 100 {
		t.Errorf("gRPC: %d rows", rows)
	}
	if code := <-overREST; code != 200 {
		t.Errorf("REST: %d", code)
	}
	began := time.Now()
	if err := <-ended; err != nil { // although the health is still watched
		t.Error(err)
	}
	if took := time.Since(began); took > 20*time.Second || strings.Contains(h.log.String(), "in flight:") {
		t.Errorf("the stop took %v: %s", took, h.log)
	}
	if _, err := net.Dial("tcp", h.GRPCAddr()); err == nil {
		t.Error("the server still listens")
	}
}

// TestOps serves health on a listener of its own, which says that the server stops until it has
// stopped.
func TestOps(t *testing.T) {
	h := start(t, func(_ *testing.T, h *testServer) { h.cfg.Ops = &config.Ops{Listen: "127.0.0.1:0"} })
	get := func(address, path string) int {
		res, err := http.Get("http://" + address + path)
		if err != nil {
			return 0
		}
		res.Body.Close()
		return res.StatusCode
	}
	for path, want := range map[string][2]int{ // on ops and on REST
		"/healthz": {200, 404}, "/livez": {200, 404}, "/readyz": {200, 404}, "/metrics": {200, 404},
		"/v1/vendors": {404, 200}, "/openapi.json": {404, 200}, "/docs": {404, 200}, "/": {404, 200},
		"/console/": {404, 200}, "/console": {404, 200},
	} {
		if onOps, onREST := get(h.OpsAddr(), path), get(h.HTTPAddr(), path); onOps != want[0] || onREST != want[1] {
			t.Errorf("%s: HTTP %d on ops, HTTP %d on REST, want %v", path, onOps, onREST, want)
		}
	}
	arrived, release := make(chan struct{}), make(chan struct{})
	h.gate.Store(func(*http.Request) { arrived <- struct{}{}; <-release })
	go get(h.HTTPAddr(), "/v1/"+demo+"/licenses")
	<-arrived
	ended := make(chan error, 1)
	go func() { ended <- h.stop() }()
	for state := 200; state != 503; state = get(h.OpsAddr(), "/readyz") {
		if state == 0 {
			t.Fatal("health ends before the calls in flight")
		}
	}
	if state := get(h.OpsAddr(), "/healthz"); state != 200 {
		t.Errorf("alive: HTTP %d", state)
	}
	close(release)
	if err := <-ended; err != nil || get(h.OpsAddr(), "/healthz") != 0 {
		t.Errorf("after the stop: %v, and ops is served", err)
	}
}

func TestStartSaysWhatIsWrong(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = busy.Close() }()
	for want, change := range map[string]func(*config.Config){
		"http.listen: another process listens on": func(c *config.Config) { c.HTTP.Listen = busy.Addr().String() },
		"grpc.listen: another process listens on": func(c *config.Config) { c.GRPC.Listen = busy.Addr().String() },
		"grpc.tls": func(c *config.Config) { c.GRPC.TLS = &config.TLS{Cert: "none.pem", Key: "none.pem"} },
		"ops.listen: another process listens on": func(c *config.Config) {
			c.Ops = &config.Ops{Listen: busy.Addr().String()}
		},
		`"nobody"`: func(c *config.Config) { c.Vendors = []config.Vendor{{ID: "nobody", Kind: "acme"}} },
	} {
		cfg, _, err := app.Sandbox(t.Context(), "127.0.0.1:0", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		change(cfg)
		_, err = app.Start(t.Context(), cfg, slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want it to name %s", err, want)
		}
	}
}

func TestHeadersAreBounded(t *testing.T) {
	h := start(t)
	large := metadata.AppendToOutgoingContext(t.Context(), "a", strings.Repeat("x", 17<<10))
	_, err := pb.NewVendorServiceClient(h.conn).ListVendors(large, &pb.ListVendorsRequest{})
	if err == nil || !strings.Contains(err.Error(), "header list size") {
		t.Errorf("gRPC: %v", err)
	}
	code, _, _ := h.rest(t, "GET /v1/vendors", "", "A", strings.Repeat("x", 70<<10))
	if code != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("REST: HTTP %d", code)
	}
	code, _, answer := h.rest(t, "GET /v1/vendors", "", "Authorization", strings.Repeat("x", 8<<10))
	if code != http.StatusOK {
		t.Errorf("REST with a long token: HTTP %d %s", code, answer)
	}
}

// selfSigned returns a certificate for a key, completed from the template.
func selfSigned(t *testing.T, key crypto.Signer, template x509.Certificate) []byte {
	t.Helper()
	template.SerialNumber = big.NewInt(42)
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}
