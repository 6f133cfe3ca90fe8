package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/contrib/exporters/autoexport"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"golang.org/x/time/rate"

	"github.com/drmhub/drmhub/server/internal/buildinfo"
)

// export sends traces, metrics and logs where the standard environment variables OTEL_… say.
// Without them, it sends nothing and starts nothing.
type export struct {
	off      bool                     // nothing is measured: OTEL_SDK_DISABLED
	resource *resource.Resource       // describes this program
	traces   *sdktrace.TracerProvider // nil: there are no traces
	metrics  sdk.Reader               // nil: metrics are on the page only
	logs     *sdklog.LoggerProvider   // nil: logs stay here
}

func newExport(ctx context.Context) (*export, error) {
	e := &export{off: strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true")}
	described, err := resource.New(ctx, resource.WithAttributes(
		attribute.String("service.name", "drmhub"), attribute.String("service.version", buildinfo.Read().Version),
	), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("the environment variable OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	e.resource = described
	if e.off {
		return e, nil
	}
	if err := e.connect(ctx); err != nil {
		return nil, errors.Join(err, e.close(ctx, nil))
	}
	return e, nil
}

// connect creates what sends the signals that the environment asks for.
func (e *export) connect(ctx context.Context) error {
	const unusable = "the environment variables OTEL_… for %s: %w"
	if wanted("TRACES") {
		spans, err := autoexport.NewSpanExporter(ctx)
		if err != nil {
			return fmt.Errorf(unusable, "traces", err)
		}
		if !autoexport.IsNoneSpanExporter(spans) {
			e.traces = sdktrace.NewTracerProvider(sdktrace.WithBatcher(spans), sdktrace.WithResource(e.resource))
		}
	}
	if wanted("METRICS") {
		reader, err := autoexport.NewMetricReader(ctx)
		if err != nil {
			return fmt.Errorf(unusable, "metrics", err)
		}
		if !autoexport.IsNoneMetricReader(reader) {
			e.metrics = reader
		}
	}
	if wanted("LOGS") {
		lines, err := autoexport.NewLogExporter(ctx)
		if err != nil {
			return fmt.Errorf(unusable, "logs", err)
		}
		if !autoexport.IsNoneLogExporter(lines) {
			e.logs = sdklog.NewLoggerProvider(
				sdklog.WithProcessor(sdklog.NewBatchProcessor(lines)), sdklog.WithResource(e.resource))
		}
	}
	return nil
}

// wanted reports whether the environment asks to send a signal: TRACES, METRICS or LOGS. An
// endpoint alone does. The page of metrics is always there, so that "prometheus" asks for nothing
// more.
func wanted(signal string) bool {
	switch exporter := os.Getenv("OTEL_" + signal + "_EXPORTER"); exporter {
	case "":
		return os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" ||
			os.Getenv("OTEL_EXPORTER_OTLP_"+signal+"_ENDPOINT") != ""
	case "none", "prometheus":
		return false
	}
	return true
}

// logHandler returns the handler that sends lines of the log, or nil.
func (e *export) logHandler() slog.Handler {
	if e.logs == nil {
		return nil
	}
	return otelslog.NewHandler("drmhub", otelslog.WithLoggerProvider(e.logs))
}

// logFailures has the log say, once a minute, that something could not be sent.
func (e *export) logFailures(log *slog.Logger) {
	if e.traces == nil && e.metrics == nil && e.logs == nil {
		return
	}
	seldom := &rate.Sometimes{Interval: time.Minute}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		seldom.Do(func() { log.Warn("telemetry was not sent: check the variables OTEL_…", "error", err) })
	}))
}

// A provider is the source of a signal.
type provider interface {
	Shutdown(ctx context.Context) error
}

// close ends the sources of all signals at the same time, and sends what is left. more may be nil.
func (e *export) close(ctx context.Context, more provider) error {
	var all []provider
	if e.traces != nil {
		all = append(all, e.traces)
	}
	if e.logs != nil {
		all = append(all, e.logs)
	}
	if more != nil {
		all = append(all, more)
	}
	errs := make([]error, len(all))
	var ended sync.WaitGroup
	for i, p := range all {
		ended.Go(func() { errs[i] = p.Shutdown(ctx) })
	}
	ended.Wait()
	return errors.Join(errs...)
}
