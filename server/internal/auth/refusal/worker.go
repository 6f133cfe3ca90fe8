package refusal

import (
	"context"
	"log/slog"
	"time"

	"github.com/drmhub/drmhub/server/internal/audit"
)

const (
	// summaryPause is the pause between two lines that say how much was left out.
	summaryPause = 10 * time.Second
	// maxWrite bounds the write of one event.
	maxWrite = 10 * time.Second
)

// leftOut counts the refusals that were counted only.
type leftOut struct{ lines, events int }

// record writes the events of the queue until it is closed.
func (r *Recorder) record(ctx context.Context) {
	defer close(r.ended)
	ticker := time.NewTicker(summaryPause)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			r.summarize(ctx)
		case e, open := <-r.queue:
			if !open {
				r.summarize(ctx)
				return
			}
			r.write(ctx, e)
		}
	}
}

func (r *Recorder) write(ctx context.Context, e audit.Event) {
	ctx, cancel := context.WithTimeout(ctx, maxWrite)
	defer cancel()
	if err := r.options.Record(ctx, e); err == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.leftOut.events++
}

// summarize logs how many refusals were left out since the last summary.
func (r *Recorder) summarize(ctx context.Context) {
	r.mu.Lock()
	left := r.leftOut
	r.leftOut = leftOut{}
	r.mu.Unlock()
	if left != (leftOut{}) {
		r.options.Log.LogAttrs(ctx, slog.LevelWarn, "more calls were refused than are recorded one by one",
			slog.Int("not_logged", left.lines), slog.Int("not_in_audit_trail", left.events))
	}
}

// Close blocks until the queued events are recorded. When ctx ends, it drops the rest. Later
// refusals get no event.
func (r *Recorder) Close(ctx context.Context) {
	if r == nil {
		return
	}
	r.mu.Lock()
	if !r.closed {
		r.closed = true
		close(r.queue)
	}
	r.mu.Unlock()
	select {
	case <-r.ended:
	case <-ctx.Done():
		r.cut()
		<-r.ended
	}
	r.cut()
}
