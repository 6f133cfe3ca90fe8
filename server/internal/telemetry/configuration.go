package telemetry

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/metric"
)

// Reloads say how the reloads of the configuration ended.
type Reloads struct {
	// Succeeded and Failed count them.
	Succeeded, Failed int64
	// OK reports whether the last one succeeded, or there was none.
	OK bool
	// Time is when the running configuration was read. It is zero if there is no file.
	Time time.Time
}

// ShowReloads shows how the reloads of the configuration ended.
func (m *Metrics) ShowReloads(read func() Reloads) error {
	i := &instruments{meter: m.meter}
	reload := i.gauge("drmhub.config.reload", "", "1: the configuration that was read last took effect. 0: it did not.")
	when := i.gauge("drmhub.config.reload.time", "s", "When the running configuration was read, in seconds since 1970.")
	count := i.total("drmhub.config.reload.count", "{reload}", "Reloads of the configuration, by their result.")
	i.call(func(_ context.Context, o metric.Observer) error {
		r := read()
		o.ObserveFloat64(reload, flag(r.OK))
		o.ObserveInt64(count, r.Succeeded, labels("result", "success"))
		o.ObserveInt64(count, r.Failed, labels("result", "failure"))
		if !r.Time.IsZero() {
			o.ObserveFloat64(when, float64(r.Time.UnixMilli())/1000)
		}
		return nil
	}, reload, when, count)
	return i.err
}
