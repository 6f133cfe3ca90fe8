package app_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/certs/certstest"
)

func TestCompressedRequests(t *testing.T) {
	h := start(t)
	client, gzip := pb.NewSiteServiceClient(h.conn), grpc.UseCompressor("gzip")
	res, err := client.ListSites(t.Context(), &pb.ListSitesRequest{Parent: "vendors/acme"}, gzip)
	if err != nil || len(res.GetSites()) == 0 {
		t.Errorf("gzip: %d sites, %v", len(res.GetSites()), err)
	}
	// 20 MiB of zeros are 20 KiB on the wire.
	bomb := &pb.ListSitesRequest{Parent: strings.Repeat("0", 20<<20)}
	if _, err := client.ListSites(t.Context(), bomb, gzip); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("a request of 20 MiB: %v", err)
	}
}

// A rawConn speaks HTTP/2 frame by frame.
type rawConn struct {
	net.Conn
	*http2.Framer
	block bytes.Buffer
	pack  *hpack.Encoder
	ended chan struct{} // closed when the server has closed the connection
}

// dialRaw opens a connection to either face, and reads what comes.
func dialRaw(t *testing.T, address string, settings *tls.Config) *rawConn {
	t.Helper()
	var conn net.Conn
	var err error
	if settings == nil {
		conn, err = net.Dial("tcp", address)
	} else {
		conn, err = tls.Dial("tcp", address, settings)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	c := &rawConn{Conn: conn, Framer: http2.NewFramer(conn, conn), ended: make(chan struct{})}
	c.pack = hpack.NewEncoder(&c.block)
	if _, err := conn.Write([]byte(http2.ClientPreface)); err != nil {
		t.Fatal(err)
	}
	if err := c.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(c.ended)
		for {
			if _, err := c.ReadFrame(); err != nil {
				return
			}
		}
	}()
	return c
}

// headers returns an encoded header block of a request.
func (c *rawConn) headers(fields ...string) []byte {
	c.block.Reset()
	for i := 0; i < len(fields); i += 2 {
		_ = c.pack.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	return bytes.Clone(c.block.Bytes())
}

// TestHostileFrames resets 10,000 streams as soon as they are open, and sends headers without an
// end. Others must not notice.
func TestHostileFrames(t *testing.T) {
	server, clients := certstest.NewAuthority(t, "servers"), certstest.NewAuthority(t, "clients")
	h := start(t, func(t *testing.T, h *testServer) {
		withTLS(server, clients, certstest.Files(t.TempDir()))(t, h)
		h.cfg.HTTP.TLS.ClientCA, h.cfg.GRPC.TLS = "", nil
	})
	overTLS := &tls.Config{RootCAs: server.Pool(), NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS12}
	for face, c := range map[string]struct {
		address  string
		settings *tls.Config
		fields   []string
	}{
		"gRPC": {h.GRPCAddr(), nil, []string{
			":method", "POST", ":scheme", "http", ":path", "/drmhub.v1.VendorService/ListVendors",
			":authority", "localhost", "content-type", "application/grpc", "te", "trailers",
		}},
		"REST": {h.HTTPAddr(), overTLS, []string{
			":method", "GET", ":scheme", "https", ":path", "/v1/vendors", ":authority", "localhost",
		}},
	} {
		before := runtime.NumGoroutine()
		resets, done := dialRaw(t, c.address, c.settings), make(chan struct{})
		go func() {
			defer close(done)
			resets.openAndReset(c.fields, c.settings != nil)
		}()
		for open := true; open; {
			select {
			case <-done:
				open = false
			default:
				h.callInTime(t, face+" with resets", overTLS)
			}
		}
		resets.Close()
		<-resets.ended

		endless := dialRaw(t, c.address, c.settings)
		endless.continueHeaders(c.fields)
		select {
		case <-endless.ended:
		case <-time.After(20 * time.Second):
			t.Errorf("%s: the server reads headers without an end", face)
		}
		h.callInTime(t, face+" with endless headers", overTLS)
		for since := time.Now(); runtime.NumGoroutine() > before+50; time.Sleep(10 * time.Millisecond) {
			if time.Since(since) > time.Minute {
				t.Fatalf("%s: %d goroutines, before %d", face, runtime.NumGoroutine(), before)
			}
		}
	}
}

// openAndReset opens and resets streams until the server closes the connection.
func (c *rawConn) openAndReset(fields []string, whole bool) {
	for id := uint32(1); id < 20_000; id += 2 {
		open := http2.HeadersFrameParam{
			StreamID: id, BlockFragment: c.headers(fields...), EndHeaders: true, EndStream: whole,
		}
		if c.WriteHeaders(open) != nil || c.WriteRSTStream(id, http2.ErrCodeCancel) != nil {
			return
		}
	}
}

// continueHeaders sends headers without an end until the server closes the connection.
func (c *rawConn) continueHeaders(fields []string) {
	err := c.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: c.headers(fields...)})
	for i := 0; err == nil && i < 10_000; i++ {
		err = c.WriteContinuation(1, false, c.headers("x-more", strings.Repeat("x", 1000)))
	}
}

// callInTime calls over both faces, and fails if a call does not end. Even a busy machine needs
// less than a minute.
func (h *testServer) callInTime(t *testing.T, during string, overTLS *tls.Config) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := pb.NewVendorServiceClient(h.conn).ListVendors(ctx, &pb.ListVendorsRequest{}); err != nil {
		t.Errorf("%s: gRPC: %v", during, err)
	}
	if err := h.newConnection(ctx, overTLS, true); err != nil {
		t.Errorf("%s: REST: %v", during, err)
	}
}
