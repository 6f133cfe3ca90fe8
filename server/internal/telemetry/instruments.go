package telemetry

import (
	"errors"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// instruments creates instruments, and joins their errors.
type instruments struct {
	meter metric.Meter
	err   error
}

func (i *instruments) gauge(name, unit, description string) metric.Float64ObservableGauge {
	g, err := i.meter.Float64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(description))
	i.err = errors.Join(i.err, err)
	return g
}

func (i *instruments) total(name, unit, description string) metric.Int64ObservableCounter {
	c, err := i.meter.Int64ObservableCounter(name, metric.WithUnit(unit), metric.WithDescription(description))
	i.err = errors.Join(i.err, err)
	return c
}

func (i *instruments) counter(name, unit, description string) metric.Int64Counter {
	c, err := i.meter.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(description))
	i.err = errors.Join(i.err, err)
	return c
}

func (i *instruments) histogram(name, unit, description string, bounds ...float64) metric.Float64Histogram {
	h, err := i.meter.Float64Histogram(name, metric.WithUnit(unit), metric.WithDescription(description),
		metric.WithExplicitBucketBoundaries(bounds...))
	i.err = errors.Join(i.err, err)
	return h
}

// call has a function called at each collection of these instruments.
func (i *instruments) call(f metric.Callback, of ...metric.Observable) {
	_, err := i.meter.RegisterCallback(f, of...)
	i.err = errors.Join(i.err, err)
}

// labels returns attributes by their keys and values in turn.
func labels(pairs ...string) metric.MeasurementOption {
	all := make([]attribute.KeyValue, 0, len(pairs)/2)
	for pair := range slices.Chunk(pairs, 2) {
		all = append(all, attribute.String(pair[0], pair[1]))
	}
	return metric.WithAttributeSet(attribute.NewSet(all...))
}

// flag returns 1 if a condition holds, and 0 if not.
func flag(holds bool) float64 {
	if holds {
		return 1
	}
	return 0
}
