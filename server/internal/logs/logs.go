// Package logs makes the program's log: its format, its level, and the trace that each line belongs
// to.
package logs

import (
	"context"
	"io"
	"log/slog"
	"os"
	"time"

	"go.opentelemetry.io/otel/trace"
)

// A Format is how lines are written.
type Format string

// The formats. The zero Format is Text on a terminal, and JSON elsewhere.
const (
	Text Format = "text"
	JSON Format = "json"
)

// New returns a log that writes lines of a level and above to w.
func New(w io.Writer, level slog.Level, format Format) *slog.Logger {
	least := new(slog.LevelVar)
	least.Set(level)
	options := &slog.HandlerOptions{Level: least}
	if format == "" {
		format = JSON
		if f, ok := w.(*os.File); ok && isTerminal(f) {
			format = Text
		}
	}
	var to slog.Handler = slog.NewTextHandler(w, options)
	if format == JSON {
		options.ReplaceAttr = inSeconds
		to = slog.NewJSONHandler(w, options)
	}
	return slog.New(&handler{Handler: to, level: least})
}

// inSeconds writes a duration in seconds, as in the line of a call. JSON would have nanoseconds.
func inSeconds(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.Float64Value(float64(a.Value.Duration()) / float64(time.Second)) // 3.788, not 3.7880000000000003
	}
	return a
}

// Level returns the level of a log that New made, which may change at any time. Another log has
// none: nil.
func Level(log *slog.Logger) *slog.LevelVar {
	if h, ok := log.Handler().(*handler); ok {
		return h.level
	}
	return nil
}

// Also returns a log that writes to another handler too: the same lines.
func Also(log *slog.Logger, other slog.Handler) *slog.Logger {
	return slog.New(slog.NewMultiHandler(log.Handler(), leveled{other, log.Handler()}))
}

// leveled is a handler that takes the lines that another one takes.
type leveled struct {
	slog.Handler
	first slog.Handler
}

func (l leveled) Enabled(ctx context.Context, level slog.Level) bool {
	return l.first.Enabled(ctx, level)
}

func (l leveled) WithAttrs(attrs []slog.Attr) slog.Handler {
	return leveled{l.Handler.WithAttrs(attrs), l.first}
}

func (l leveled) WithGroup(name string) slog.Handler {
	return leveled{l.Handler.WithGroup(name), l.first}
}

// handler adds the trace and the span of the context to each line.
type handler struct {
	slog.Handler
	level *slog.LevelVar
}

// Handle writes a line.
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		r = r.Clone()
		r.AddAttrs(slog.String("trace_id", span.TraceID().String()))
		if !span.IsRemote() {
			r.AddAttrs(slog.String("span_id", span.SpanID().String()))
		}
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs returns a handler whose lines have further attributes.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &handler{h.Handler.WithAttrs(attrs), h.level}
}

// WithGroup returns a handler whose lines have their attributes in a group.
func (h *handler) WithGroup(name string) slog.Handler {
	return &handler{h.Handler.WithGroup(name), h.level}
}

// isTerminal reports whether a person reads what is written to f.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
