package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/metric"

	"github.com/drmhub/drmhub/adapters/upstream"
	"github.com/drmhub/drmhub/adapters/upstream/shape"
)

var (
	breakerStates = []string{"closed", "half-open", "open"}
	driftKinds    = []shape.Kind{shape.NewField, shape.MissingField, shape.UnknownCode, shape.UnknownWord}
)

// ShowVendors shows the state of the vendor accounts. accounts returns those that are configured
// now.
func (m *Metrics) ShowVendors(accounts func() []*upstream.Account) error {
	i := &instruments{meter: m.meter}
	breaker := i.gauge("drmhub.vendor.breaker.state", "", "1: the circuit breaker is in this state.")
	pause := i.gauge("drmhub.vendor.pause", "s", "How long the vendor still wants to get no reads.")
	rejected := i.gauge("drmhub.vendor.credentials.rejected", "", "1: the vendor refuses the credentials of drmhub.")
	drift := i.gauge("drmhub.vendor.drift", "{difference}",
		"Known differences between a vendor's responses and its documents.")
	observe := func(o metric.Observer, a *upstream.Account) {
		s, vendor := a.Status(), a.ID()
		for _, b := range s.Breakers {
			for _, state := range breakerStates {
				is := labels("vendor", vendor, "breaker", b.Name, "state", state)
				o.ObserveFloat64(breaker, flag(b.State == state), is)
			}
		}
		o.ObserveFloat64(pause, s.PauseLeft.Seconds(), labels("vendor", vendor))
		o.ObserveFloat64(rejected, flag(!s.CredentialsRejected.IsZero()), labels("vendor", vendor))
		for kind, n := range driftsOf(a) {
			o.ObserveFloat64(drift, float64(n), labels("vendor", vendor, "kind", string(kind)))
		}
	}
	i.call(func(_ context.Context, o metric.Observer) error {
		for _, a := range accounts() {
			observe(o, a)
		}
		return nil
	}, breaker, pause, rejected, drift)
	i.showLanes(accounts)
	return i.err
}

// showLanes shows the lanes of the vendor accounts.
func (i *instruments) showLanes(accounts func() []*upstream.Account) {
	places := i.gauge("drmhub.vendor.lane.places", "{request}", "Requests to the vendor that may be under way at once.")
	used := i.gauge("drmhub.vendor.lane.used", "{request}", "Requests to the vendor that are under way.")
	waiting := i.gauge("drmhub.vendor.lane.waiting", "{request}", "Requests to the vendor that wait for a place.")
	refused := i.total("drmhub.vendor.lane.refused", "{request}", "Requests that drmhub did not send, by the reason.")
	observe := func(o metric.Observer, vendor string, l upstream.LaneStatus) {
		lane := labels("vendor", vendor, "lane", l.Name)
		o.ObserveFloat64(places, float64(l.Places), lane)
		o.ObserveFloat64(used, float64(l.Used), lane)
		o.ObserveFloat64(waiting, float64(l.Waiting), lane)
		for why, n := range l.Refused {
			o.ObserveInt64(refused, int64(n), labels("vendor", vendor, "lane", l.Name, "reason", string(why)))
		}
	}
	i.call(func(_ context.Context, o metric.Observer) error {
		for _, a := range accounts() {
			for _, l := range a.Status().Lanes {
				observe(o, a.ID(), l)
			}
		}
		return nil
	}, places, used, waiting, refused)
}

// driftsOf returns how many differences of each kind an account has shown.
func driftsOf(a *upstream.Account) map[shape.Kind]int {
	count := map[shape.Kind]int{}
	for _, kind := range driftKinds {
		count[kind] = 0
	}
	for _, seen := range a.Drift() {
		count[seen.Kind]++
	}
	return count
}
