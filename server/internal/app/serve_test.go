package app_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"

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

func TestReflection(t *testing.T) {
	h := start(t)
	stream, err := reflectionpb.NewServerReflectionClient(h.conn).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(&reflectionpb.ServerReflectionRequest{MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{}}); err != nil {
		t.Fatal(err)
	}
	res, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range res.GetListServicesResponse().GetService() {
		names = append(names, s.GetName())
	}
	for _, want := range []string{"VendorService", "SiteService", "LicenseService", "MemberService", "DrmAccountService", "ProductLicenseService", "MutationService", "AuditService"} {
		if !slices.Contains(names, "drmhub.v1."+want) {
			t.Errorf("%s is missing in %v", want, names)
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
	if err := <-ended; err != nil { // though the health is still watched
		t.Error(err)
	}
	if _, err := net.Dial("tcp", h.GRPCAddr()); err == nil {
		t.Error("the server still listens")
	}
}

func TestTLS(t *testing.T) {
	dir := t.TempDir()
	cert := selfSigned(t, dir)
	section := &config.TLS{Cert: config.Path(filepath.Join(dir, "cert.pem")), Key: config.Path(filepath.Join(dir, "key.pem"))}
	mutual := *section
	mutual.ClientCA = section.Cert
	h := start(t, func(_ *testing.T, h *testServer) { h.cfg.GRPC.TLS, h.cfg.HTTP.TLS = &mutual, section })

	roots := x509.NewCertPool()
	roots.AddCert(cert.Leaf)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}}
	res, err := client.Get("https://" + h.HTTPAddr() + "/readyz")
	if err != nil || res.StatusCode != 200 {
		t.Fatalf("REST over TLS: %v, %v", res, err)
	}
	_ = res.Body.Close()

	for _, c := range []struct {
		name  string
		certs []tls.Certificate
		ok    bool
	}{{"with a client certificate", []tls.Certificate{cert}, true}, {"without one", nil, false}} {
		conn, err := grpc.NewClient(h.GRPCAddr(), grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: roots, Certificates: c.certs, MinVersion: tls.VersionTLS12})))
		if err != nil {
			t.Fatal(err)
		}
		_, err = pb.NewVendorServiceClient(conn).ListVendors(t.Context(), &pb.ListVendorsRequest{})
		if (err == nil) != c.ok {
			t.Errorf("gRPC %s: %v", c.name, err)
		}
		_ = conn.Close()
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
		if _, err := app.Start(t.Context(), cfg, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want it to name %s", err, want)
		}
	}
}

// selfSigned writes cert.pem and key.pem into dir.
func selfSigned(t *testing.T, dir string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cert, err := tls.LoadX509KeyPair(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	return cert
}
