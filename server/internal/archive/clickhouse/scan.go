package clickhouse

import (
	"context"
	"fmt"
	"slices"

	"github.com/drmhub/drmhub/server/internal/archive"
)

// windowRows is about how many rows Scan reads at once.
const windowRows = 50_000

// A window is a range of keys.
type window struct{ from, to archive.Key }

// Scan implements archive.Engine. It reads windows of time of about the same number of rows, and
// while it yields one it reads the next. All are read by what counted at the beginning.
func (e *Engine) Scan(
	ctx context.Context, asked archive.Question, below archive.Key, yield func([]archive.Row) error,
) error {
	q, err := e.ask(ctx, asked)
	if err != nil || len(q.names) == 0 {
		return err
	}
	windows, err := e.windows(ctx, q, min(q.to, below))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type part struct {
		rows []archive.Row
		err  error
	}
	parts := make(chan part)
	go func() {
		defer close(parts)
		for _, w := range windows {
			rows, err := e.rows(ctx, q, w.from, w.to, 0)
			select {
			case parts <- part{rows, err}:
			case <-ctx.Done():
				return
			}
		}
	}()
	for p := range parts {
		if p.err != nil {
			return p.err
		}
		for batch := range slices.Chunk(p.rows, 1000) {
			if err := yield(batch); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// windows divides the keys below end, the greatest first. Where an hour has many rows, it divides
// the hour as if its rows were spread evenly.
func (e *Engine) windows(ctx context.Context, q *question, end archive.Key) ([]window, error) {
	text := fmt.Sprintf("SELECT intDiv(k, %d) AS hours, count() FROM %s WHERE %s GROUP BY hours ORDER BY hours DESC",
		hour, q.table, q.where(q.from, end))
	var out []window
	var held uint64 // in the last window
	err := e.query(ctx, text, func(row func(...any) error) error {
		var number int64
		var n uint64
		if err := row(&number, &n); err != nil {
			return err
		}
		start := archive.Key(number) * hour
		if len(out) > 0 && held+n <= windowRows {
			out[len(out)-1].from = max(q.from, start)
			held += n
			return nil
		}
		pieces := min(archive.Key(n/windowRows+1), 3600)
		length := (hour/pieces>>32 + 1) << 32 // whole seconds
		for to := start + hour; to > start; to -= length {
			out = append(out, window{max(q.from, start, to-length), min(end, to)})
		}
		held = n
		if pieces > 1 {
			held = windowRows
		}
		return nil
	})
	return out, err
}
