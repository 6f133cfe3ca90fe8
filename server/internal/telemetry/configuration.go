package telemetry

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/otel/metric"
)

// reloads is how the configuration was read last.
type reloads struct {
	mu   sync.Mutex
	ok   bool
	when time.Time // of the last one that succeeded
}

// Reload notes that the configuration was read, and whether it took effect.
func (m *Metrics) Reload(ok bool) {
	m.reloads.mu.Lock()
	defer m.reloads.mu.Unlock()
	if m.reloads.ok = ok; ok {
		m.reloads.when = time.Now()
	}
}

// showReloads shows how the configuration was read last.
func (m *Metrics) showReloads() error {
	i := &instruments{meter: m.meter}
	reload := i.gauge("drmhub.config.reload", "", "1: the configuration that was read last took effect. 0: it did not.")
	when := i.gauge("drmhub.config.reload.time", "s", "When the configuration took effect, in seconds since 1970.")
	i.call(func(_ context.Context, o metric.Observer) error {
		m.reloads.mu.Lock()
		defer m.reloads.mu.Unlock()
		o.ObserveFloat64(reload, flag(m.reloads.ok))
		o.ObserveFloat64(when, float64(m.reloads.when.UnixMilli())/1000)
		return nil
	}, reload, when)
	return i.err
}
