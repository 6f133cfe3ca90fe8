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
	h.gate.Store(func() { arrived <- struct{}{}; <-release })

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
	if err := <-ended; err != nil { // although the health is still watched
		t.Error(err)
	}
	if _, err := net.Dial("tcp", h.GRPCAddr()); err == nil {
		t.Error("the server still listens")
	}
}

func TestStartSaysWhatIsWrong(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = busy.Close() }()
	for want, change := range map[string]func(*config.Config){
		"http.listen": func(c *config.Config) { c.HTTP.Listen = busy.Addr().String() },
		"grpc.listen": func(c *config.Config) { c.GRPC.Listen = busy.Addr().String() },
		"grpc.tls":    func(c *config.Config) { c.GRPC.TLS = &config.TLS{Cert: "none.pem", Key: "none.pem"} },
		`"nobody"`:    func(c *config.Config) { c.Vendors = []config.Vendor{{ID: "nobody", Kind: "acme"}} },
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
