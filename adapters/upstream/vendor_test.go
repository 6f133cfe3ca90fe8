package upstream_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
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

// A vendor is a client and the server at the other end of pipes in memory, so that tests run in
// virtual time. Every goroutine must leave a test's bubble before it ends: a connection or a timer
// that the client forgets fails the test.
type vendor struct {
	*upstream.Client
	*upstream.Account
	calls atomic.Int64                               // requests that reached the handler
	dials atomic.Int64                               // connections made
	down  atomic.Bool                                // refuses connections
	wrap  func(conn net.Conn, number int64) net.Conn // if set, the client's end of a connection
	pipes
}

// pipes is a listener for connections in memory.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   *sync.Once
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p pipes) Addr() net.Addr { return &net.UnixAddr{Name: "vendor", Net: "pipe"} }

func (v *vendor) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	if v.down.Load() {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
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

// against runs a test in a bubble, against a vendor that behaves as handler says.
func against(t *testing.T, handler http.HandlerFunc, o upstream.Options, test func(t *testing.T, v *vendor)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{pipes: pipes{make(chan net.Conn), make(chan struct{}), new(sync.Once)}}
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			v.calls.Add(1)
			handler(w, r)
		})}
		go server.Serve(v.pipes)
		t.Cleanup(func() { _ = server.Close() })
		if o.BaseURL == "" {
			o.BaseURL = "http://vendor.test"
		}
		if o.Transport == nil {
			o.Transport = &http.Transport{DialContext: v.dial}
		}
		if o.Account == nil {
			o.Account = upstream.NewAccount("")
		}
		c, err := upstream.New(o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		v.Client, v.Account = c, o.Account
		test(t, v)
	})
}

type site struct {
	Name string `json:"name"`
}

var (
	get  = upstream.Request{Path: "/sites"}
	post = upstream.Request{Method: "POST", Path: "/sites", Body: upstream.JSON(site{"new"})}
)

func (v *vendor) read(ctx context.Context) error {
	_, err := v.Read(ctx, get, &site{})
	return err
}

func (v *vendor) write(ctx context.Context) error {
	_, err := v.WriteOnRecord(ctx, post, &site{})
	return err
}

// both are the two kinds of calls.
var both = []func(*vendor, context.Context) error{(*vendor).read, (*vendor).write}

func (v *vendor) wantCalls(t *testing.T, n int64) {
	t.Helper()
	if got := v.calls.Load(); got != n {
		t.Fatalf("the vendor was called %d times, want %d", got, n)
	}
}

// An errorKind is the code and the reason of an error.
type errorKind struct {
	code   codes.Code
	reason pb.ErrorReason
}

var (
	unknown      = errorKind{codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN}
	unavailable  = errorKind{codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE}
	unusable     = errorKind{codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID}
	inputRefused = errorKind{codes.InvalidArgument, pb.ErrorReason_VENDOR_INPUT_REFUSED}
	credentials  = errorKind{codes.FailedPrecondition, pb.ErrorReason_VENDOR_CREDENTIALS_REJECTED}
	permission   = errorKind{codes.FailedPrecondition, pb.ErrorReason_VENDOR_PERMISSION_DENIED}
	rejected     = errorKind{codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED}
	wrongState   = errorKind{codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE}
	notFound     = errorKind{codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND}
	exists       = errorKind{codes.AlreadyExists, pb.ErrorReason_VENDOR_ALREADY_EXISTS}
	busy         = errorKind{codes.ResourceExhausted, pb.ErrorReason_VENDOR_BUSY}
	limited      = errorKind{codes.ResourceExhausted, pb.ErrorReason_VENDOR_RATE_LIMITED}
	canceled     = errorKind{codes.Canceled, pb.ErrorReason_CALL_CANCELLED}
	expired      = errorKind{codes.DeadlineExceeded, pb.ErrorReason_DEADLINE_PASSED}
	invalid      = errorKind{codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID}
	internal     = errorKind{codes.Internal, pb.ErrorReason_INTERNAL_FAILURE}
)

// want demands an error of a kind whose message contains says.
func want(t *testing.T, err error, k errorKind, says string) *apierror.Error {
	t.Helper()
	e, ok := errors.AsType[*apierror.Error](err)
	if !ok {
		t.Fatalf("got %v (%T), want an *apierror.Error of %v", err, err, k)
	}
	if e.Code != k.code || e.Reason != k.reason || !strings.Contains(e.Message, says) {
		t.Fatalf("got %v %v %q, want %v and %q", e.Code, e.Reason, e.Message, k, says)
	}
	return e
}

// notSent demands an error that says that nothing was sent.
func notSent(t *testing.T, err error, k errorKind) *apierror.Error {
	t.Helper()
	e := want(t, err, k, "")
	if !strings.HasPrefix(e.Message, "not sent: ") {
		t.Errorf("%q does not begin with %q", e.Message, "not sent: ")
	}
	return e
}

func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// leaving returns the context of a caller who leaves after d.
func leaving(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(d, cancel)
	return ctx
}

// everything returns all that an error could show to anybody.
func everything(err error) string {
	e := apierror.Convert(err)
	return fmt.Sprintf("%v %+v %v", err, *e, e.GRPCStatus())
}

// answer returns a handler that always sends the same.
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

var working = answer(200, `{"name":"one"}`)

// cut returns a handler that ends the connection in the middle of its response.
func cut(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		answer(status, body, "Content-Length", "1000")(w, r)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// abort ends the connection without a response.
func abort(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// stall sends nothing until the client gives up.
func stall(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // a server notices the client's end only behind the body
	<-r.Context().Done()
}

// endless sends a body without end, a piece at a time.
func endless(status int, piece string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, piece); err != nil {
				return
			}
		}
	}
}

// inTurn handles each call by the next of several handlers, and later calls by the last one.
func inTurn(handlers ...http.HandlerFunc) http.HandlerFunc {
	var n atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) {
		handlers[min(int(n.Add(1)), len(handlers))-1](w, r)
	}
}
