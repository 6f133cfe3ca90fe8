package upstream_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// vendor is a server at the other end of pipes in memory, so that tests run in virtual time. A
// test's bubble must be left by every goroutine before it ends: a connection or a timer that the
// client forgets fails the test.
type vendor struct {
	t       *testing.T
	calls   atomic.Int64          // requests that reached the handler
	dials   atomic.Int64          // connections made
	dialErr atomic.Pointer[error] // refuses connections
	// how the client sees its end of a connection
	wrap   func(conn net.Conn, number int64) net.Conn
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (v *vendor) Accept() (net.Conn, error) {
	select {
	case c := <-v.conns:
		return c, nil
	case <-v.closed:
		return nil, net.ErrClosed
	}
}
func (v *vendor) Close() error   { v.once.Do(func() { close(v.closed) }); return nil }
func (v *vendor) Addr() net.Addr { return &net.UnixAddr{Name: "vendor", Net: "pipe"} }

func (v *vendor) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	if err := v.dialErr.Load(); err != nil {
		return nil, *err
	}
	number := v.dials.Add(1)
	ours, theirs := net.Pipe()
	select {
	case v.conns <- theirs:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if v.wrap != nil {
		return v.wrap(ours, number), nil
	}
	return ours, nil
}

// refuse makes every further connection fail.
func (v *vendor) refuse() {
	err := error(&net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")})
	v.dialErr.Store(&err)
}

// against runs a test in a bubble, against a vendor that behaves as handler says.
func against(t *testing.T, handler http.HandlerFunc, o upstream.Options, test func(t *testing.T, v *vendor, c *upstream.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{t: t, conns: make(chan net.Conn), closed: make(chan struct{})}
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			v.calls.Add(1)
			handler(w, r)
		})}
		go server.Serve(v)
		t.Cleanup(func() { _ = server.Close() })
		if o.BaseURL == "" {
			o.BaseURL = "http://vendor.test"
		}
		if o.Transport == nil {
			o.Transport = &http.Transport{DialContext: v.dial}
		}
		c, err := upstream.New(o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		test(t, v, c)
	})
}

// answer is a handler that always says the same.
func answer(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// cut ends the connection in the middle of an answer.
func cut(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", "1000")
	_, _ = io.WriteString(w, `{"name":"si`)
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// stall never answers, until the client gives up.
func stall(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // a server notices the client's end only behind the body
	<-r.Context().Done()
}

// endless sends a body without end, a piece at a time.
func endless(piece string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, piece); err != nil {
				return
			}
		}
	}
}

// inTurn answers each call by the next of several handlers, and by the last from then on.
func inTurn(handlers ...http.HandlerFunc) http.HandlerFunc {
	var n atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) {
		handlers[min(int(n.Add(1)), len(handlers))-1](w, r)
	}
}

type site struct {
	Name string `json:"name"`
}

var (
	get     = upstream.Request{Path: "/sites"}
	post    = upstream.Request{Method: "POST", Path: "/sites", Body: upstream.JSON(site{"new"})}
	working = answer(200, `{"name":"one"}`)
)

// want checks an error's code and reason, and gives it back.
func want(t *testing.T, err error, code codes.Code, reason pb.ErrorReason) *apierror.Error {
	t.Helper()
	e, ok := errors.AsType[*apierror.Error](err)
	if !ok {
		t.Fatalf("got %v (%T), want an *apierror.Error with %v %v", err, err, code, reason)
	}
	if e.Code != code || e.Reason != reason {
		t.Fatalf("got %v %v %q, want %v %v", e.Code, e.Reason, e.Message, code, reason)
	}
	return e
}

func wantCalls(t *testing.T, v *vendor, n int64) {
	t.Helper()
	if got := v.calls.Load(); got != n {
		t.Fatalf("the vendor was called %d times, want %d", got, n)
	}
}

func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// everything is all that an error could show to anybody.
func everything(err error) string {
	e := apierror.Convert(err)
	return fmt.Sprintf("%v %+v %v", err, *e, e.GRPCStatus())
}
