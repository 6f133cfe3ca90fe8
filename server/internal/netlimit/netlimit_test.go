package netlimit

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drmhub/drmhub/server/internal/certs/certstest"
)

func TestShare(t *testing.T) {
	for _, c := range []struct {
		descriptors uint64
		listeners   int
		want        int
	}{{64, 2, 16}, {1024, 2, 256}, {1 << 20, 2, 4096}, {1 << 63, 3, 4096}, {3, 2, 1}} {
		if got := share(c.descriptors, c.listeners); got != c.want {
			t.Errorf("%d descriptors: %d connections, want %d", c.descriptors, got, c.want)
		}
	}
	if n := Connections(2); n < 1 || n > maxConnections {
		t.Errorf("here: %d connections", n)
	}
}

// TestListener opens connections up to the limit, and one more.
func TestListener(t *testing.T) {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	log := &strings.Builder{}
	l := Listener(tcp.(*net.TCPListener), "http", 2, slog.New(slog.NewTextHandler(log, nil)))
	accepted := make(chan net.Conn)
	ended := make(chan error, 1)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				ended <- err
				return
			}
			accepted <- c
		}
	}()
	// dial returns the server's end of a new connection, or nil if the server closes the
	// connection.
	dial := func() net.Conn {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			return nil
		}
		t.Cleanup(func() { c.Close() })
		closed := make(chan error, 1)
		go func() {
			_, err := c.Read(make([]byte, 1))
			closed <- err
		}()
		select {
		case open := <-accepted:
			return open
		case <-closed:
			return nil
		}
	}
	open, second := dial(), dial()
	if open == nil || second == nil || dial() != nil || dial() != nil {
		t.Fatal("want the first two connections open, and the next two closed")
	}
	open.Close()
	open.Close() // counts once
	if third, fourth := dial(), dial(); third == nil || fourth != nil {
		t.Errorf("in place of a closed connection: %v; one more: %v", third, fourth)
	}
	l.Close()
	<-ended
	if n := strings.Count(log.String(), "connections are refused"); n != 1 || !strings.Contains(log.String(), "http") {
		t.Errorf("logged %d times: %s", n, log)
	}
}

// short are the times of the tests, which pass in a bubble.
var short = Times{Body: 300 * time.Millisecond, Write: 300 * time.Millisecond, Age: time.Hour}

// pipes is a listener without sockets, whose connections can be used in a bubble.
type pipes struct {
	made   chan net.Conn
	closed chan struct{}
	close  func()
	dialed atomic.Int32
}

func newPipes() *pipes {
	p := &pipes{made: make(chan net.Conn), closed: make(chan struct{})}
	p.close = sync.OnceFunc(func() { close(p.closed) })
	return p
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.made:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.close(); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes", Net: "unix"} }

func (p *pipes) dial() (net.Conn, error) {
	p.dialed.Add(1)
	here, there := net.Pipe()
	select {
	case p.made <- there:
		return here, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// A client makes requests to the server of a test.
type client struct {
	*http.Client
	*pipes
	url     string
	handled *atomic.Int32 // how many requests the handler has ended
}

// serve serves a handler within times over HTTP/1 and over HTTP/2, each in a bubble.
func serve(t *testing.T, times Times, handler http.HandlerFunc, test func(t *testing.T, c client)) {
	t.Helper()
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, transport := &http.Server{}, &http.Transport{}
				c := client{&http.Client{Transport: transport}, newPipes(), "http://localhost", &atomic.Int32{}}
				times.Serve(s, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Proto != protocol {
						t.Errorf("the protocol is %s", r.Proto)
					}
					handler(w, r)
					c.handled.Add(1)
				}))
				transport.DialContext = func(context.Context, string, string) (net.Conn, error) { return c.dial() }
				ended := make(chan error, 1)
				if protocol == "HTTP/2.0" {
					overTLS(t, &c, s, transport)
					go func() { ended <- s.ServeTLS(c.pipes, "", "") }()
				} else {
					go func() { ended <- s.Serve(c.pipes) }()
				}
				test(t, c)
				transport.CloseIdleConnections()
				_ = s.Close()
				<-ended
			})
		})
	}
}

// overTLS gives a server a certificate that the transport trusts, so that they choose HTTP/2.
func overTLS(t *testing.T, c *client, s *http.Server, transport *http.Transport) {
	t.Helper()
	authority := certstest.NewAuthority(t, "servers")
	certificate, err := tls.X509KeyPair(authority.Server(t, "server", time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	c.url = "https://localhost"
	s.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS13}
	transport.TLSClientConfig = &tls.Config{RootCAs: authority.Pool(), MinVersion: tls.VersionTLS13}
	transport.ForceAttemptHTTP2 = true
}

func (c client) post(body io.Reader) (*http.Response, string, error) {
	res, err := c.Post(c.url, "", body)
	if err != nil {
		return nil, "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return res, string(text), err
}

// TestBodyThatDrips sends a byte at a time.
func TestBodyThatDrips(t *testing.T) {
	serve(t, short, func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); errors.Is(err, os.ErrDeadlineExceeded) {
			w.WriteHeader(http.StatusRequestTimeout)
		}
	}, func(t *testing.T, c client) {
		drip, in := io.Pipe()
		var dripping sync.WaitGroup
		dripping.Go(func() {
			for {
				if _, err := in.Write([]byte(" ")); err != nil {
					return
				}
				time.Sleep(20 * time.Millisecond)
			}
		})
		res, _, err := c.post(drip)
		drip.Close()
		dripping.Wait()
		if err != nil || res.StatusCode != http.StatusRequestTimeout {
			t.Errorf("%v, %v", res, err)
		}
	})
}

// TestLongCallsAreNotCut waits longer than all times before a response, within it and after it.
func TestLongCallsAreNotCut(t *testing.T) {
	pause := 2 * short.Write
	serve(t, short, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		for i := range 3 {
			select {
			case <-r.Context().Done():
				t.Errorf("the call was canceled before row %d", i)
			case <-time.After(pause):
			}
			fmt.Fprintln(w, "row", i)
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Errorf("row %d: %v", i, err)
			}
		}
	}, func(t *testing.T, c client) {
		for range 2 { // The second request comes over the same connection.
			_, text, err := c.post(strings.NewReader("body"))
			if text != "row 0\nrow 1\nrow 2\n" || err != nil {
				t.Errorf("%q, %v", text, err)
			}
			time.Sleep(pause)
		}
	})
}

// A deadlines is the writer of a response that notes the deadlines which come after the handler.
type deadlines struct {
	http.ResponseWriter
	returned, late atomic.Bool
}

// SetReadDeadline implements http.ResponseController.
func (d *deadlines) SetReadDeadline(time.Time) error {
	if d.returned.Load() {
		d.late.Store(true)
	}
	return nil
}

// TestAHandlerThatReturnsEndsItsBody has bodies end just when a handler returns that has not read
// its own.
func TestAHandlerThatReturnsEndsItsBody(t *testing.T) {
	for range 200 {
		synctest.Test(t, func(t *testing.T) {
			bodies, end := context.WithCancel(t.Context())
			times := short
			times.Bodies = bodies
			w := &deadlines{ResponseWriter: httptest.NewRecorder()}
			times.serve(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader("body")),
				http.HandlerFunc(func(http.ResponseWriter, *http.Request) { end() }))
			w.returned.Store(true)
			synctest.Wait()
			if w.late.Load() {
				t.Fatal("the body of a request that had ended was interrupted")
			}
		})
	}
}

// TestAnswersThatNobodyReads leaves an answer unread until the server gives up.
func TestAnswersThatNobodyReads(t *testing.T) {
	large := strings.Repeat("x", 16<<20) // more than both ends keep
	serve(t, short, func(w http.ResponseWriter, _ *http.Request) {
		if _, err := io.WriteString(w, large); err == nil {
			t.Error("the answer was written, though nobody reads it")
		}
	}, func(t *testing.T, c client) {
		res, err := c.Get(c.url)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		time.Sleep(3 * short.Write)
		if c.handled.Load() != 1 {
			t.Error("the server still writes")
		}
	})
}

func TestSlowReadersHaveTimeForEachPart(t *testing.T) {
	const size = 40 * part
	serve(t, short, func(w http.ResponseWriter, _ *http.Request) {
		if n, err := w.Write(make([]byte, size)); n != size || err != nil {
			t.Errorf("%d bytes, %v", n, err)
		}
	}, func(t *testing.T, c client) {
		res, err := c.Get(c.url)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		slow := bufio.NewReaderSize(res.Body, part)
		read := 0
		for err == nil {
			var n int
			n, err = slow.Read(make([]byte, part))
			read += n
			time.Sleep(short.Write / 30)
		}
		if read != size || !errors.Is(err, io.EOF) {
			t.Errorf("%d bytes, %v", read, err)
		}
	})
}

// TestOldConnectionsEnd makes requests over a connection that becomes too old.
func TestOldConnectionsEnd(t *testing.T) {
	old := short
	old.Age = 100 * time.Millisecond
	serve(t, old, func(http.ResponseWriter, *http.Request) {}, func(t *testing.T, c client) {
		for _, request := range []struct {
			pause  time.Duration
			dialed int32 // connections so far
		}{{0, 1}, {2 * old.Age, 1}, {10 * time.Millisecond, 2}} {
			time.Sleep(request.pause)
			if _, _, err := c.post(http.NoBody); err != nil {
				t.Fatal(err)
			}
			if n := c.dialed.Load(); n != request.dialed {
				t.Errorf("after a pause of %v, the request goes over connection %d", request.pause, n)
			}
		}
	})
}
