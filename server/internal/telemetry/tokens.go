package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/metric"
)

// ShowTokens shows how many tokens were remembered when they came, and how many had to be verified.
func (m *Metrics) ShowTokens(lookups func() (hits, misses int64)) error {
	i := &instruments{meter: m.meter}
	cache := i.total("drmhub.token.cache", "{token}", "Tokens that came, by whether they were remembered.")
	i.call(func(_ context.Context, o metric.Observer) error {
		hits, misses := lookups()
		o.ObserveInt64(cache, hits, labels("result", "hit"))
		o.ObserveInt64(cache, misses, labels("result", "miss"))
		return nil
	}, cache)
	return i.err
}
