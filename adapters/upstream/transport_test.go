package upstream

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

type call = func(context.Context, Request, any) (*Response, error)

func TestTheOwnTransportSpeaksHTTP1(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Proto", r.Proto)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	c, err := New(Options{BaseURL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, side := range []http.RoundTripper{c.reads, c.writes} {
		trusting := server.Client().Transport.(*http.Transport)
		side.(*http.Transport).TLSClientConfig = trusting.TLSClientConfig.Clone()
	}
	for _, call := range []call{c.Read, c.WriteOnRecord} {
		resp, err := call(t.Context(), Request{Method: "POST", Path: "/x"}, nil)
		if err != nil || resp.Header.Get("X-Proto") != "HTTP/1.1" {
			t.Errorf("%+v, %v", resp, err)
		}
	}
}

// respondNoContent responds 204 to everything.
func respondNoContent(conn net.Conn) {
	defer conn.Close()
	for buf := make([]byte, 4096); ; {
		if _, err := conn.Read(buf); err != nil {
			return
		}
		if _, err := conn.Write([]byte("HTTP/1.1 204 No Content\r\n\r\n")); err != nil {
			return
		}
	}
}

func TestAWriteTakesNoConnectionThatIdledLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := New(Options{BaseURL: "http://vendor.test", Network: Network{AllowHTTP: true}})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		var dials atomic.Int64
		for _, side := range []http.RoundTripper{c.reads, c.writes} {
			side.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) {
				dials.Add(1)
				ours, theirs := net.Pipe()
				go respondNoContent(theirs)
				return ours, nil
			}
		}
		count := func(call call, idle time.Duration) int64 {
			before := dials.Load()
			for range 3 {
				if _, err := call(t.Context(), Request{Method: "DELETE", Path: "/x"}, nil); err != nil {
					t.Fatal(err)
				}
				time.Sleep(idle) // virtual
			}
			return dials.Load() - before
		}
		if n := count(c.Read, 60*time.Second); n != 1 {
			t.Errorf("three reads, a minute apart, made %d connections", n)
		}
		if n := count(c.WriteOnRecord, 3*time.Second); n != 1 {
			t.Errorf("three writes, 3 s apart, made %d connections", n)
		}
		time.Sleep(5 * time.Second)
		if n := count(c.WriteOnRecord, 5*time.Second); n != 3 {
			t.Errorf("three writes, 5 s apart, made %d connections", n)
		}
	})
}

func TestWhatACallThatIsOverHasLeftBehindIsNotSent(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	c, err := New(Options{BaseURL: "http://" + listener.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		// The body is larger than the vendor's system buffers, so a part of it waits on this side.
		large := Request{Method: "POST", Path: "/x", Body: JSON(strings.Repeat("x", 64<<20))}
		if _, err := c.WriteOnRecord(ctx, large, nil); err == nil {
			t.Error("it succeeds, and nobody has read it")
		}
	}()
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	end()
	<-ended
	if n, err := io.Copy(io.Discard, conn); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("after the call was over, %d bytes arrived, and then %v; want the connection to be reset", n, err)
	}
}
