package telemetry

import (
	"context"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	otelcodes "go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/server/internal/auth"
)

// ofServer and ofClient are the options of spans, made once.
var (
	ofServer = []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindServer)}
	ofClient = []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindClient)}
)

// startSpan returns the context of a call in its span. A caller who is known continues its own
// trace. A trace that a stranger names is only a link, since it would decide what is sampled.
func (c *call) startSpan(ctx context.Context) context.Context {
	if c.calls.off || c.span != nil {
		return ctx
	}
	remote := c.remoteSpan(ctx)
	known := auth.FromContext(ctx).Subject != ""
	if known && remote.IsValid() {
		ctx = trace.ContextWithRemoteSpanContext(ctx, remote)
	}
	if c.calls.tracer == nil || c.method.rpc == nil && c.method != c.calls.unknown {
		return ctx // Probes ask for the health every few seconds.
	}
	options := ofServer
	if time.Since(c.begun) > time.Millisecond {
		options = append(slices.Clip(options), trace.WithTimestamp(c.begun))
	}
	if !known && remote.IsValid() {
		options = append(slices.Clip(options), trace.WithLinks(trace.Link{SpanContext: remote}))
	}
	ctx, c.span = c.calls.tracer.Start(ctx, c.method.name, options...)
	return ctx
}

// remoteSpan returns the span of the caller that a call says it belongs to.
func (c *call) remoteSpan(ctx context.Context) trace.SpanContext {
	if c.face == REST {
		return c.remote
	}
	sent := sentOf(ctx, "traceparent")
	if len(sent) != 1 {
		return trace.SpanContext{}
	}
	carrier := propagation.MapCarrier{"traceparent": sent[0]}
	if state := sentOf(ctx, "tracestate"); len(state) == 1 {
		carrier["tracestate"] = state[0]
	}
	return remoteSpan(carrier)
}

func remoteSpan(carrier propagation.TextMapCarrier) trace.SpanContext {
	return trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), carrier))
}

// endSpan ends the span of a call.
func (c *call) endSpan(result codes.Code, failure *apierror.Error) {
	if c.span == nil {
		return
	}
	defer c.span.End()
	if !c.span.IsRecording() {
		return
	}
	word := code.Code(result).String()
	c.span.SetAttributes(setKey{c.method.name, c.vendor, c.face, result}.attributes()...)
	c.span.SetAttributes(attribute.String("drmhub.request_id", c.id))
	if failure != nil {
		c.span.SetAttributes(attribute.String("drmhub.reason", failure.Reason.String()))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mutation != "" {
		c.span.SetAttributes(attribute.String("drmhub.mutation", c.mutation))
	}
	if isServers(result) {
		c.span.SetStatus(otelcodes.Error, word)
	}
}

// isServers reports whether a code says that the server failed, and not that the call was wrong.
func isServers(result codes.Code) bool {
	switch result {
	case codes.Unknown, codes.DeadlineExceeded, codes.Unimplemented, codes.Internal, codes.Unavailable, codes.DataLoss:
		return true
	}
	return false
}
