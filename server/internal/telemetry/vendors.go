package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/metric"

	"github.com/drmhub/drmhub/adapters/upstream"
	"github.com/drmhub/drmhub/adapters/upstream/shape"
)

var driftKinds = []shape.Kind{shape.NewField, shape.MissingField, shape.UnknownCode, shape.UnknownWord}

// ShowVendors shows the state of the vendor accounts. accounts returns those that are configured now.
func (m *Metrics) ShowVendors(accounts func() []*upstream.Account) error {
	i := &instruments{meter: m.meter}
	drift := i.gauge("drmhub.vendor.drift", "{difference}",
		"Known differences between a vendor's responses and its documents.")
	i.call(func(_ context.Context, o metric.Observer) error {
		for _, a := range accounts() {
			count := map[shape.Kind]int{}
			for _, seen := range a.Drift() {
				count[seen.Kind]++
			}
			for _, kind := range driftKinds {
				o.ObserveFloat64(drift, float64(count[kind]), labels("vendor", a.ID(), "kind", string(kind)))
			}
		}
		return nil
	}, drift)
	return i.err
}
