package telemetry

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// A KeySet is a JSON Web Key Set that is fetched from the issuer.
type KeySet interface {
	// Age returns how long ago the keys were fetched, or false if that never succeeded.
	Age() (time.Duration, bool)
	// Failures returns how many fetches have failed.
	Failures() int64
	// Interval returns how often the keys are fetched.
	Interval() time.Duration
}

// ShowKeySets shows the age of the key sets that current returns, and their failed fetches, by
// their place in the configuration.
func (m *Metrics) ShowKeySets(current func() []KeySet) error {
	i := &instruments{meter: m.meter}
	age := i.gauge("drmhub.jwks.age", "s", "Time since the key set was fetched.")
	interval := i.gauge("drmhub.jwks.interval", "s", "How often the key set is fetched.")
	failures := i.total("drmhub.jwks.fetch.failures", "{fetch}", "Fetches of the key set that failed.")
	i.call(func(_ context.Context, o metric.Observer) error {
		for n, set := range current() {
			of := metric.WithAttributes(attribute.Int("set", n))
			o.ObserveInt64(failures, set.Failures(), of)
			o.ObserveFloat64(interval, set.Interval().Seconds(), of)
			if fetched, ok := set.Age(); ok {
				o.ObserveFloat64(age, fetched.Seconds(), of)
			}
		}
		return nil
	}, age, interval, failures)
	return i.err
}
