// Package telemetry holds drmhub's metrics, its traces, and the line of each call in the log. They
// are OpenTelemetry's. A page shows the metrics in the text format of Prometheus. Nothing is sent
// anywhere, unless the environment variables OTEL_… say where.
//
// No attribute of a metric has endless values: never a subject, a resource, a request id or a path.
package telemetry

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	goruntime "go.opentelemetry.io/contrib/instrumentation/runtime"
	"go.opentelemetry.io/otel/attribute"
	prometheusexporter "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdk "go.opentelemetry.io/otel/sdk/metric"

	"github.com/drmhub/drmhub/server/internal/buildinfo"
)

// Path is where metrics are served.
const Path = "/metrics"

// Metrics are the metrics of one server.
type Metrics struct {
	export   *export
	provider *sdk.MeterProvider
	meter    metric.Meter
	page     http.Handler
	refused  metric.Int64Counter
}

// New returns metrics without observations.
func New() (*Metrics, error) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})) // CPU time, memory, files
	exporter, err := prometheusexporter.New(
		prometheusexporter.WithRegisterer(registry), prometheusexporter.WithoutScopeInfo())
	if err != nil {
		return nil, err
	}
	m := &Metrics{}
	if m.export, err = newExport(context.Background()); err != nil {
		return nil, err
	}
	options := []sdk.Option{sdk.WithResource(m.export.resource), sdk.WithView(noBounds)}
	if !m.export.off {
		options = append(options, sdk.WithReader(exporter))
	}
	if m.export.metrics != nil {
		options = append(options, sdk.WithReader(m.export.metrics))
	}
	m.provider = sdk.NewMeterProvider(options...)
	m.page = promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true, DisableCompression: true})
	m.meter = m.provider.Meter("drmhub")
	m.refused, err = m.meter.Int64Counter("drmhub.auth.refused",
		metric.WithDescription("Calls that were refused because of their caller."), metric.WithUnit("{call}"))
	return m, errors.Join(err, goruntime.Start(goruntime.WithMeterProvider(m.provider)), m.showBuild())
}

// Page returns the page at Path: the text format of Prometheus, or OpenMetrics where it is
// accepted.
func (m *Metrics) Page() http.Handler { return m.page }

// sendTime bounds how long Close sends what is left.
const sendTime = 2 * time.Second

// Close ends the metrics and traces, and sends what is left of them. A collector that does not
// respond holds it up for sendTime only.
func (m *Metrics) Close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	return m.export.close(ctx, m.provider)
}

// LogHandler returns the handler that sends the lines of the log elsewhere, or nil.
func (m *Metrics) LogHandler() slog.Handler { return m.export.logHandler() }

// CountRefused counts a call that was refused because of its caller, by the ErrorReason.
func (m *Metrics) CountRefused(reason string) {
	m.refused.Add(context.Background(), 1, metric.WithAttributes(attribute.String("reason", reason)))
}

// ShowCertificates shows when the certificates of listeners end, by the listener.
func (m *Metrics) ShowCertificates(expiry map[string]func() time.Time) error {
	_, err := m.meter.Float64ObservableGauge("drmhub.certificate.expiry",
		metric.WithDescription("Time until the certificate of the listener ends."), metric.WithUnit("s"),
		metric.WithFloat64Callback(func(_ context.Context, o metric.Float64Observer) error {
			for listener, end := range expiry {
				o.Observe(time.Until(end()).Seconds(), metric.WithAttributes(attribute.String("listener", listener)))
			}
			return nil
		}))
	return err
}

// showBuild shows which program this is.
func (m *Metrics) showBuild() error {
	build := buildinfo.Read()
	attributes := []attribute.KeyValue{
		attribute.String("version", build.Version), attribute.String("go_version", build.GoVersion),
	}
	if build.Revision != "" {
		attributes = append(attributes, attribute.String("revision", build.Revision))
	}
	_, err := m.meter.Int64ObservableGauge("drmhub.build.info",
		metric.WithDescription("The build of this program. The value is always 1."),
		metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
			o.Observe(1, metric.WithAttributes(attributes...))
			return nil
		}))
	return err
}
