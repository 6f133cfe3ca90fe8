package telemetry

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"go.opentelemetry.io/otel/metric"
	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/time/rate"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/callinfo"
	"github.com/drmhub/drmhub/server/internal/contract"
)

// A Face is one of the two ways to call drmhub.
type Face string

// The faces.
const (
	GRPC Face = "grpc"
	REST Face = "rest"
)

// CallsOptions are the parts that Calls needs.
type CallsOptions struct {
	// Log gets a line for each call.
	Log *slog.Logger
	// HasVendor reports whether a vendor account with this id is configured.
	HasVendor func(id string) bool
	// Identify returns the context of a stream of the contract with its caller, if that can be
	// found. Nil means that the interceptors of streams find the caller.
	Identify func(ctx context.Context) context.Context
}

// Calls observes every call of both faces: it measures it, traces it, and writes its line into the
// log. It also observes the attempts at vendors.
type Calls struct {
	options  CallsOptions
	off      bool // only request ids are left
	methods  map[string]*method
	unknown  *method
	duration metric.Float64Histogram
	sets     sets[setKey]
	requests metric.Float64Histogram // over HTTP
	routes   sets[httpKey]
	attempts attempts
	arrivals arrivals
	refusals *rate.Limiter // of lines in the log
	tracer   trace.Tracer  // nil: there are no traces
}

// NewCalls returns what observes calls.
func (m *Metrics) NewCalls(o CallsOptions) (*Calls, error) {
	i := &instruments{meter: m.meter}
	c := &Calls{options: o, off: m.export.off, methods: knownMethods(), unknown: newMethod(otherMethod, nil),
		refusals: rate.NewLimiter(refusalsPerSecond, burstOfRefusals)}
	c.duration = i.histogram("rpc.server.call.duration", "s", "Time of a call of the API.", bounds...)
	c.requests = i.histogram(requestDuration, "s", "Time of a request over HTTP.")
	c.attempts.create(i)
	m.export.logFailures(o.Log)
	if m.export.traces != nil {
		c.tracer = m.export.traces.Tracer("github.com/drmhub/drmhub")
	}
	return c, i.err
}

// The buckets of times, in seconds. They are few, since each of them is a series for each method,
// vendor, face and code. Requests over HTTP have none, since the calls in them have some.
var (
	bounds   = []float64{0.25, 2.5}
	noBounds = sdk.NewView(sdk.Instrument{Name: requestDuration},
		sdk.Stream{Aggregation: sdk.AggregationExplicitBucketHistogram{}})
)

const requestDuration = "http.server.request.duration"

// A call is one call while it runs. It is the context of the call, too.
type call struct {
	context.Context
	calls            *Calls
	method           *method
	face             Face
	id               string // the request id
	begun            time.Time
	remote           trace.SpanContext // of the caller, over REST
	resource, vendor string            // of the request; "" until they are known
	span             trace.Span        // nil: it is not traced
	ended            bool

	mu         sync.Mutex
	mutation   string
	vendorTime time.Duration
	sent       int // attempts at vendors
}

// Value returns the call itself to callinfo.
func (c *call) Value(key any) any {
	if callinfo.IsKey(key) {
		return c
	}
	return c.Context.Value(key)
}

// SetMutation implements callinfo.Call.
func (c *call) SetMutation(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mutation = name
}

// RequestID implements callinfo.Call.
func (c *call) RequestID() string { return c.id }

// addAttempt adds an attempt at a vendor.
func (c *call) addAttempt(took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.vendorTime += took
	c.sent++
}

// callOf returns the call of a context, or nil.
func callOf(ctx context.Context) *call {
	c, _ := callinfo.FromContext(ctx).(*call)
	return c
}

// begin begins a call that came at a moment, and returns its context.
func (c *Calls) begin(
	ctx context.Context, fullMethod string, face Face, id string, came time.Time,
) (context.Context, *call) {
	m := c.methods[fullMethod]
	if m == nil {
		m = c.unknown
	}
	one := &call{Context: ctx, calls: c, method: m, face: face, id: id, begun: came}
	return one, one
}

// noteRequest notes the request of a call.
func (c *call) noteRequest(req any) {
	if m, ok := req.(proto.Message); ok {
		c.resource = contract.RecordedName(m)
		c.vendor = c.calls.vendorIn(c.resource)
	}
}

// deadlineNear reports whether a caller leaves because its deadline passes. A gRPC client then
// cancels the call. That may arrive just before the server sees the same deadline.
func deadlineNear(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline) < clientsClock
}

// clientsClock is how much earlier than the server a client may see its deadline: the differences
// of the network.
const clientsClock = 20 * time.Millisecond

// end ends a call with the error that the caller gets. A call ends once.
func (c *call) end(ctx context.Context, err error) {
	if c.ended {
		return
	}
	c.ended = true
	if c.calls.off {
		return
	}
	took := time.Since(c.begun)
	if c.vendor == "" {
		c.vendor = noVendor
	}
	var failure *apierror.Error
	code := codes.OK
	if err != nil {
		code, failure = status.Code(err), apierror.Convert(err)
		if c.method == c.calls.unknown && failure.Reason == pb.ErrorReason_METHOD_UNKNOWN {
			code = codes.Unimplemented // REST has other codes for a path that it does not know
		}
		if code == codes.Canceled && deadlineNear(ctx) {
			failure = apierror.Convert(status.FromContextError(context.DeadlineExceeded).Err())
			code = failure.Code
		}
	}
	c.calls.duration.Record(ctx, took.Seconds(), c.calls.sets.get(
		setKey{c.method.name, c.vendor, c.face, code}, setKey.attributes)...)
	c.endSpan(code, failure)
	c.writeLine(ctx, took, code, failure)
}
