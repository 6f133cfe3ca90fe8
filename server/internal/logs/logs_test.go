package logs_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/drmhub/drmhub/server/internal/logs"
)

func TestALineHasTheFormatTheLevelAndTheTrace(t *testing.T) {
	span := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}})
	traced := trace.ContextWithSpanContext(t.Context(), span)
	remote := trace.ContextWithRemoteSpanContext(t.Context(), span)
	const traceID, spanID = "01000000000000000000000000000000", "0200000000000000"
	for _, test := range []struct {
		ctx    context.Context
		format logs.Format
		want   string
	}{
		{t.Context(), logs.Text, "level=WARN msg=here with=1 took=3.788s n=2\n"},
		{t.Context(), logs.JSON, `"level":"WARN","msg":"here","with":1,"took":3.788,"n":2}` + "\n"},
		{t.Context(), "", `"level":"WARN","msg":"here","with":1,"took":3.788,"n":2}` + "\n"}, // a buffer is no terminal
		{traced, logs.Text, " n=2 trace_id=" + traceID + " span_id=" + spanID + "\n"},
		{remote, logs.Text, " n=2 trace_id=" + traceID + "\n"}, // the span is the caller's
	} {
		var out, other bytes.Buffer
		log := logs.New(&out, slog.LevelInfo, test.format)
		level := logs.Level(log)
		both := logs.Also(log, slog.NewTextHandler(&other, &slog.HandlerOptions{Level: slog.LevelDebug}))
		with := both.With("with", 1)
		with.DebugContext(test.ctx, "not yet")
		with.WarnContext(test.ctx, "here", "took", 3788*time.Millisecond, "n", 2)
		if got := out.String(); !strings.HasSuffix(got, test.want) || strings.Count(got, "\n") != 1 ||
			!strings.Contains(other.String(), "msg=here with=1 took=3.788s n=2") ||
			strings.Contains(other.String(), "not yet") {
			t.Errorf("%q: %s\n%s", test.format, got, &other)
		}
		level.Set(slog.LevelDebug)
		with.DebugContext(test.ctx, "now")
		if !strings.Contains(out.String(), "now") || !strings.Contains(other.String(), "now") {
			t.Errorf("%s\n%s", &out, &other)
		}
	}
	if logs.Level(slog.New(slog.DiscardHandler)) != nil {
		t.Error("a level of another log")
	}
}
