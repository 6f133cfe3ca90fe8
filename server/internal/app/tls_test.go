package app_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/certs/certstest"
	"github.com/drmhub/drmhub/server/internal/config"
)

// withTLS serves both faces over TLS, for clients of an authority. The files are read often.
func withTLS(server, clients *certstest.Authority, files config.TLS) func(*testing.T, *testServer) {
	return func(t *testing.T, h *testServer) {
		cert, key := server.Server(t, "server", time.Hour)
		certstest.Write(t, files, cert, key, clients.PEM)
		files.Poll = 2 * time.Millisecond
		h.cfg.GRPC.TLS, h.cfg.HTTP.TLS = &files, &files
	}
}

// newConnection makes one call over a connection of its own, over gRPC or over REST.
func (h *testServer) newConnection(ctx context.Context, settings *tls.Config, overREST bool) error {
	if overREST {
		transport := &http.Transport{TLSClientConfig: settings.Clone(), ForceAttemptHTTP2: true}
		defer transport.CloseIdleConnections()
		req, err := http.NewRequestWithContext(ctx, "GET", "https://"+h.HTTPAddr()+"/v1/vendors", nil)
		if err != nil {
			return err
		}
		res, err := transport.RoundTrip(req)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		if _, err = io.ReadAll(res.Body); err == nil && res.StatusCode != http.StatusOK {
			err = errors.New(res.Status)
		}
		return err
	}
	conn, err := grpc.NewClient(h.GRPCAddr(), grpc.WithTransportCredentials(credentials.NewTLS(settings)))
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = pb.NewVendorServiceClient(conn).ListVendors(ctx, &pb.ListVendorsRequest{})
	return err
}

// TestCertificatesAreReadAgain replaces certificates 200 times while streams run and 20 clients
// connect, and then the authority of the clients.
func TestCertificatesAreReadAgain(t *testing.T) {
	server, clients := certstest.NewAuthority(t, "servers"), certstest.NewAuthority(t, "clients")
	files := certstest.Files(t.TempDir())
	h := start(t, withTLS(server, clients, files))
	settings := &tls.Config{
		RootCAs: server.Pool(), Certificates: []tls.Certificate{clients.Client(t, "spiffe://acme/billing")},
		ClientSessionCache: tls.NewLRUClientSessionCache(2), MinVersion: tls.VersionTLS12,
	}
	conn, err := grpc.NewClient(h.GRPCAddr(), grpc.WithTransportCredentials(credentials.NewTLS(settings)))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithCancel(t.Context())
	stream, err := healthpb.NewHealthClient(conn).Watch(ctx, &healthpb.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	cut := make(chan error, 1)
	go func() {
		_, err := stream.Recv()
		cut <- err
	}()

	done := make(chan struct{})
	var connected atomic.Int32
	var connecting sync.WaitGroup
	for i := range 20 {
		connecting.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if err := h.newConnection(t.Context(), settings, i%2 == 0); err != nil {
					t.Errorf("a client: %v", err)
					return
				}
				connected.Add(1)
			}
		})
	}
	for i := range 200 {
		cert, key := server.Server(t, fmt.Sprint("server ", i), time.Hour+time.Duration(i+1)*time.Second)
		before := h.CertificateExpiry()
		certstest.Write(t, files, cert, nil, nil)
		certstest.Write(t, files, nil, key, nil)
		for _, listener := range []string{"grpc.tls", "http.tls"} {
			for h.CertificateExpiry()[listener].Equal(before[listener]) {
				time.Sleep(time.Millisecond)
			}
		}
	}
	close(done)
	connecting.Wait()
	t.Logf("%d connections", connected.Load())

	certstest.Write(t, files, nil, nil, certstest.NewAuthority(t, "others").PEM)
	for _, overREST := range []bool{false, true} {
		for h.newConnection(t.Context(), settings, overREST) == nil {
			time.Sleep(time.Millisecond)
		}
	}
	if _, err := pb.NewVendorServiceClient(conn).ListVendors(t.Context(), &pb.ListVendorsRequest{}); err != nil {
		t.Errorf("an open connection: %v", err)
	}
	select {
	case err := <-cut:
		t.Errorf("the stream was cut: %v", err)
	default:
	}
	cancel()
	<-cut
}

// TestWhoNeedsAClientCertificate connects without one. In mode none, it is all that keeps strangers
// out. The server ends its polls when it stops.
func TestWhoNeedsAClientCertificate(t *testing.T) {
	before := goleak.IgnoreCurrent()
	server, clients := certstest.NewAuthority(t, "servers"), certstest.NewAuthority(t, "clients")
	h := start(t, withTLS(server, clients, certstest.Files(t.TempDir())))
	if h.HTTPURL() != "https://"+h.HTTPAddr() { // as the program prints it
		t.Errorf("REST is at %s", h.HTTPURL())
	}
	settings := &tls.Config{RootCAs: server.Pool(), MinVersion: tls.VersionTLS12}
	for _, overREST := range []bool{false, true} {
		settings.Certificates = nil
		if err := h.newConnection(t.Context(), settings, overREST); err == nil {
			t.Errorf("REST %v: a client without a certificate got in", overREST)
		}
		settings.Certificates = []tls.Certificate{clients.Client(t, "spiffe://acme/billing")}
		if err := h.newConnection(t.Context(), settings, overREST); err != nil {
			t.Errorf("REST %v: %v", overREST, err)
		}
	}
	if err := errors.Join(h.conn.Close(), h.stop()); err != nil {
		t.Error(err)
	}
	goleak.VerifyNone(t, before, goleak.IgnoreAnyFunction("net/http/httptest.(*Server).goServe.func1"))
}
