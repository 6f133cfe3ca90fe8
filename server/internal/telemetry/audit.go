package telemetry

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/metric"

	"github.com/drmhub/drmhub/server/internal/audit"
)

// A Copy is the copy of the audit trail.
type Copy interface{ Copied() audit.Copied }

// A Trail is what records audit events.
type Trail interface {
	// Unconfirmed returns how many events may be durable although their commit returned an error.
	Unconfirmed() (events int64, since time.Time)
}

// ShowAudit shows how far the copy of the audit trail is behind the store.
func (m *Metrics) ShowAudit(c Copy, t Trail) error {
	i := &instruments{meter: m.meter}
	events := i.total("drmhub.audit.copied", "{event}", "Audit events that were copied.")
	failures := i.total("drmhub.audit.copy.errors", "{attempt}", "Attempts to copy an audit event that failed.")
	uncopied := i.gauge("drmhub.audit.uncopied", "{event}", "Audit events that are, or may be, in the store alone.")
	age := i.gauge("drmhub.audit.uncopied.age", "s", "Time since the first of these events. 0: there are none.")
	i.call(func(_ context.Context, o metric.Observer) error {
		copied := c.Copied()
		unconfirmed, since := t.Unconfirmed()
		if since.IsZero() || !copied.Since.IsZero() && copied.Since.Before(since) {
			since = copied.Since
		}
		waited := time.Duration(0)
		if !since.IsZero() {
			waited = time.Since(since)
		}
		o.ObserveInt64(events, copied.Events)
		o.ObserveInt64(failures, copied.Failures)
		o.ObserveFloat64(uncopied, float64(copied.Unwritten+unconfirmed))
		o.ObserveFloat64(age, waited.Seconds())
		return nil
	}, events, failures, uncopied, age)
	return i.err
}
