package telemetry

import (
	"context"
	"maps"
	"slices"
	"time"

	"go.opentelemetry.io/otel/metric"
)

// maxSites bounds how many sites the metrics show.
const maxSites = 200

// ShowArchive shows how old the archive of each site is. lags returns the age of each site's newest
// reading.
func (m *Metrics) ShowArchive(lags func() map[string]time.Duration) error {
	i := &instruments{meter: m.meter}
	lag := i.gauge("drmhub.archive.lag", "s", "The age of the newest reading of a site for the archive.")
	i.call(func(_ context.Context, o metric.Observer) error {
		all := lags()
		names := slices.Sorted(maps.Keys(all))
		for _, name := range names[:min(len(names), maxSites)] {
			o.ObserveFloat64(lag, all[name].Seconds(), labels("site", name))
		}
		return nil
	}, lag)
	return i.err
}
