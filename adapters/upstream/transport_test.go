package upstream

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheOwnTransportSpeaksHTTP1(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Header().Set("X-Proto", r.Proto) }))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	c, err := New(Options{BaseURL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, side := range []http.RoundTripper{c.reads, c.writes} {
		side.(*http.Transport).TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	}
	for _, call := range []func(context.Context, Request, any) (*Response, error){c.Read, c.WriteOnRecord} {
		resp, err := call(t.Context(), Request{Method: "POST", Path: "/x"}, nil)
		if err != nil || resp.Header.Get("X-Proto") != "HTTP/1.1" {
			t.Errorf("%+v, %v", resp, err)
		}
	}
}

func TestAWriteTakesNoConnectionThatIdledLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := New(Options{BaseURL: "http://vendor.test"})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		var dials atomic.Int64
		for _, side := range []http.RoundTripper{c.reads, c.writes} {
			side.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) {
				dials.Add(1)
				ours, theirs := net.Pipe()
				go func() { // answers 204 to everything
					defer theirs.Close()
					for buf := make([]byte, 4096); ; {
						if _, err := theirs.Read(buf); err != nil {
							return
						}
						if _, err := theirs.Write([]byte("HTTP/1.1 204 No Content\r\n\r\n")); err != nil {
							return
						}
					}
				}()
				return ours, nil
			}
		}
		count := func(call func(context.Context, Request, any) (*Response, error), idle time.Duration) int64 {
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
