package netlimit

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
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
	accepted := make(chan net.Conn, 10)
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
	dial := func() error {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			return err
		}
		t.Cleanup(func() { c.Close() })
		_ = c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		if _, err = c.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
			return nil // It is open.
		}
		return err
	}
	first := errors.Join(dial(), dial())
	open := <-accepted
	if third := dial(); first != nil || third == nil || dial() == nil {
		t.Errorf("two connections: %v; a third: %v", first, third)
	}
	open.Close()
	open.Close() // counts once
	if third, fourth := dial(), dial(); third != nil || fourth == nil {
		t.Errorf("in place of a closed connection: %v; one more: %v", third, fourth)
	}
	l.Close()
	<-ended
	if n := strings.Count(log.String(), "connections are refused"); n != 1 || !strings.Contains(log.String(), "http") {
		t.Errorf("logged %d times: %s", n, log)
	}
}

// short are times that a test can wait for.
var short = Times{Body: 300 * time.Millisecond, Write: 300 * time.Millisecond, Age: time.Hour}

// serve serves a handler within times over HTTP/1 and over HTTP/2.
func serve(t *testing.T, times Times, handler http.HandlerFunc, test func(t *testing.T, s *httptest.Server)) {
	t.Helper()
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewUnstartedServer(nil)
			times.Serve(s.Config, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Proto != protocol {
					t.Errorf("the protocol is %s", r.Proto)
				}
				handler(w, r)
			}))
			if s.EnableHTTP2 = protocol == "HTTP/2.0"; s.EnableHTTP2 {
				s.StartTLS()
			} else {
				s.Start()
			}
			t.Cleanup(s.Close)
			test(t, s)
		})
	}
}

func get(t *testing.T, s *httptest.Server, body io.Reader) (*http.Response, string, error) {
	t.Helper()
	res, err := s.Client().Post(s.URL, "", body)
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
	}, func(t *testing.T, s *httptest.Server) {
		drip, in := io.Pipe()
		go func() {
			for {
				if _, err := in.Write([]byte(" ")); err != nil {
					return
				}
				time.Sleep(20 * time.Millisecond)
			}
		}()
		res, _, err := get(t, s, drip)
		drip.Close()
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
	}, func(t *testing.T, s *httptest.Server) {
		for range 2 { // The second request comes over the same connection.
			_, text, err := get(t, s, strings.NewReader("body"))
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

// TestAHandlerThatReturnsEndsItsBody has bodies end just when a handler returns that has not read its own.
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

// TestAnswersThatNobodyReads reads too late, and slowly but all the time.
func TestAnswersThatNobodyReads(t *testing.T) {
	large := strings.Repeat("x", 64<<20)
	wrote := make(chan error, 2)
	serve(t, short, func(w http.ResponseWriter, _ *http.Request) {
		_, err := io.WriteString(w, large)
		wrote <- err
	}, func(t *testing.T, s *httptest.Server) {
		res, err := s.Client().Get(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if err := <-wrote; err == nil {
			t.Error("the answer was written, though nobody reads it")
		}
	})
}

func TestSlowReadersHaveTimeForEachPart(t *testing.T) {
	const size = 40 * part
	serve(t, short, func(w http.ResponseWriter, _ *http.Request) {
		if n, err := w.Write(make([]byte, size)); n != size || err != nil {
			t.Errorf("%d bytes, %v", n, err)
		}
	}, func(t *testing.T, s *httptest.Server) {
		res, err := s.Client().Get(s.URL)
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
	serve(t, old, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.RemoteAddr) },
		func(t *testing.T, s *httptest.Server) {
			var by []string
			for _, pause := range []time.Duration{0, 2 * old.Age, 10 * time.Millisecond} {
				time.Sleep(pause)
				_, from, err := get(t, s, http.NoBody)
				if err != nil {
					t.Fatal(err)
				}
				by = append(by, from)
			}
			if by[0] != by[1] || by[1] == by[2] {
				t.Errorf("the connections of the requests: %v", by)
			}
		})
}
