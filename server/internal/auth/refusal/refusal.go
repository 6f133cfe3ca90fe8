// Package refusal counts, logs and audits the calls that drmhub refuses because of their caller:
// without a valid identity, outside of what the caller may do, or too fast.
//
// Refusals cost an attacker little, so the records of them are bounded in time and memory. Every
// refusal is counted. Log lines and audit events beyond the bounds are left out, and the log says
// how many. Nothing of this slows down or fails the refused call. A record never holds a token or a
// part of one.
package refusal

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc/peer"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/audit"
	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/contract"
)

// Options are the parts of a Recorder.
type Options struct {
	// Log gets a line for a refusal. It is required.
	Log *slog.Logger
	// Record writes an audit event. It is required.
	Record func(ctx context.Context, e audit.Event) error
	// Count counts a refusal by its reason. It may be nil.
	Count func(reason string)
}

// A Recorder records refusals. It is safe for concurrent use. A nil Recorder records nothing.
type Recorder struct {
	options Options
	queue   chan audit.Event
	ended   chan struct{}      // closed when the last event of the queue is recorded
	cut     context.CancelFunc // ends the writes of events

	mu      sync.Mutex
	closed  bool
	bounds  bounds
	leftOut leftOut
}

// maxQueue is how many events wait for the store.
const maxQueue = 256

// New returns a recorder, which works until Close.
func New(o Options) *Recorder {
	if o.Count == nil {
		o.Count = func(string) {}
	}
	r := &Recorder{
		options: o, queue: make(chan audit.Event, maxQueue), ended: make(chan struct{}), bounds: newBounds(),
	}
	ctx, cut := context.WithCancel(context.Background())
	r.cut = cut
	go r.record(ctx)
	return r
}

// reasons are the reasons of the refusals that are recorded.
var reasons = map[pb.ErrorReason]bool{
	pb.ErrorReason_TOKEN_INVALID:       true,
	pb.ErrorReason_SCOPE_MISSING:       true,
	pb.ErrorReason_CALLER_RATE_LIMITED: true,
}

// Refused records the error of a call, if the error is a refusal. The context has the caller, if it
// is known. resource is the name in the request, or "" if the request was not read. cause is why,
// in a few words that hold nothing of the request.
func (r *Recorder) Refused(ctx context.Context, method, resource string, err error, cause string) {
	if r == nil || err == nil {
		return
	}
	e := apierror.Convert(err)
	if !reasons[e.Reason] {
		return
	}
	event := audit.Event{
		Subject: auth.FromContext(ctx).Subject, Method: methodName(method), Resource: recorded(resource),
		Outcome: code.Code(e.Code).String(),
	}
	r.options.Count(e.Reason.String())
	logged := r.take(e.Reason.String(), event)
	if !logged {
		return
	}
	attributes := []slog.Attr{
		slog.String("method", event.Method), slog.String("face", face(ctx)), slog.String("peer", peerOf(ctx)),
		slog.String("reason", e.Reason.String()),
	}
	if cause != "" {
		attributes = append(attributes, slog.String("cause", cause))
	}
	if event.Subject != "" {
		attributes = append(attributes, slog.String("subject", event.Subject))
	}
	r.options.Log.LogAttrs(ctx, slog.LevelWarn, "a call was refused", attributes...)
}

// take queues the event of a refusal, and reports whether the refusal gets a line in the log.
func (r *Recorder) take(reason string, e audit.Event) (logged bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if logged = r.bounds.line(); !logged {
		r.leftOut.lines++
	}
	queued := false
	if !r.closed && r.bounds.event(reason, e) {
		select {
		case r.queue <- e:
			queued = true
		default: // The store is slow.
		}
	}
	if !queued {
		r.leftOut.events++
	}
	return logged
}

// other is the method of a call to what is not in the contract. The names of such methods are
// endless.
const other = "other"

func methodName(method string) string {
	if rpc := contract.Lookup(method); rpc != nil {
		return rpc.Name
	}
	return other
}

// recorded returns the canonical form of a name, as records keep it, or "" for what is no name.
func recorded(name string) string {
	c, err := names.Canonical(name)
	if name == "" || err != nil {
		return ""
	}
	return contract.Recorded(c)
}

// face returns how a call came. The context of a call over REST is that of a request of net/http.
func face(ctx context.Context) string {
	if ctx.Value(http.ServerContextKey) != nil {
		return "rest"
	}
	return "grpc"
}

// peerOf returns the address that a call came from.
func peerOf(ctx context.Context) string {
	if p, ok := peer.FromContext(ctx); ok && p.Addr != nil {
		return strings.ToValidUTF8(p.Addr.String(), "")
	}
	return ""
}
