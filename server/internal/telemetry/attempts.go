package telemetry

import (
	"context"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	otelcodes "go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/drmhub/drmhub/adapters/upstream"
)

// attempts measures the attempts at vendors.
type attempts struct {
	duration metric.Float64Histogram
	retries  metric.Int64Counter
	sets     sets[attemptKey]
}

type attemptKey struct {
	upstream.Attempted
	upstream.Ending
}

func (a *attempts) create(i *instruments) {
	a.duration = i.histogram("http.client.request.duration", "s", "Time of an attempt at a vendor.",
		0.05, 0.25, 1, 5, 15)
	a.retries = i.counter("drmhub.vendor.retries", "{attempt}", "Attempts at vendors that repeat an earlier one.")
}

var _ upstream.Observer = (*Calls)(nil)

// Attempt implements upstream.Observer.
func (c *Calls) Attempt(ctx context.Context, a upstream.Attempted) func(upstream.Ending) {
	if c.off {
		return func(upstream.Ending) {}
	}
	begun := time.Now()
	number := a.Number
	if number > 1 {
		c.attempts.retries.Add(ctx, 1, labels("vendor", a.Vendor))
	}
	var span trace.Span
	if one := callOf(ctx); c.tracer != nil && (one == nil || one.span == nil || one.span.IsRecording()) {
		ctx, span = c.tracer.Start(ctx, a.Method+" "+a.Template, ofClient...)
	}
	return func(e upstream.Ending) {
		took := time.Since(begun)
		if one := callOf(ctx); one != nil {
			one.addAttempt(took)
		}
		k := attemptKey{a, e}
		k.Number, k.Write = 0, false
		c.attempts.duration.Record(ctx, took.Seconds(), c.attempts.sets.get(k, attemptKey.attributes)...)
		if span == nil {
			return
		}
		if span.IsRecording() {
			span.SetAttributes(append(k.attributes(), attribute.Int("http.request.resend_count", number-1))...)
			if e.Outcome != upstream.Succeeded {
				span.SetStatus(otelcodes.Error, string(e.Outcome))
			}
		}
		span.End()
	}
}

// attributes returns what metrics and spans say of an attempt.
func (k attemptKey) attributes() []attribute.KeyValue {
	all := []attribute.KeyValue{
		attribute.String("http.request.method", k.Method), attribute.String("url.template", k.Template),
		attribute.String("server.address", k.Host), attribute.Int("server.port", k.Port),
		attribute.String("drmhub.vendor", k.Vendor), attribute.String("drmhub.outcome", string(k.Outcome)),
	}
	if k.Status != 0 {
		all = append(all, attribute.Int("http.response.status_code", k.Status))
	}
	switch {
	case k.Outcome == upstream.Succeeded:
	case k.Status >= 400:
		all = append(all, attribute.String("error.type", strconv.Itoa(k.Status)))
	default:
		all = append(all, attribute.String("error.type", string(k.Outcome)))
	}
	return all
}

// Refused implements upstream.Observer. The metrics of lanes and breakers count refusals.
func (c *Calls) Refused(ctx context.Context, r upstream.Refusal) {
	trace.SpanFromContext(ctx).AddEvent("the request was kept from the vendor", trace.WithAttributes(
		attribute.String("drmhub.vendor", r.Vendor), attribute.String("drmhub.reason", string(r.Reason))))
}
