package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
)

const all archive.Key = math.MaxInt64

// A question is asked of the engine and of raw SQL.
type question struct {
	name   string
	engine func(ctx context.Context, i int) (rows int, err error)
	raw    func(ctx context.Context, i int) (rows int, err error)
	times  int // how often the engine is asked; raw SQL at most 5 times
}

// queries asks each question several times. The first round opens files and caches, and does not
// count.
func (m *measurement) queries(ctx context.Context) error {
	for _, q := range append(m.pages(), m.counts()...) {
		engine, err := m.median(ctx, q.times, q.engine)
		if err != nil {
			return fmt.Errorf("%s: %w", q.name, err)
		}
		raw, err := m.median(ctx, min(q.times, 5), q.raw)
		if err != nil {
			return fmt.Errorf("%s: %w", q.name, err)
		}
		note := fmt.Sprintf("%d rows", engine.rows)
		if raw.rows != engine.rows {
			note += fmt.Sprintf(", %d of raw SQL", raw.rows)
		}
		note += fmt.Sprintf("; %.3g ms and %.3g ms of the processor", milliseconds(engine.cpu), milliseconds(raw.cpu))
		err = m.report(Figure{
			Name: q.name, Engine: milliseconds(engine.wall), Raw: milliseconds(raw.wall), Unit: "ms", Note: note,
		})
		if err != nil {
			return err
		}
	}
	return m.scan(ctx)
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// slow is after what time a round asks no more.
const slow = 20 * time.Second

// median asks a question in two rounds, of which the first does not count. It returns the median of
// the time, the mean of the processor's time, and the rows of the last time. The processor's time
// is about the same on a machine that is busy.
func (m *measurement) median(
	ctx context.Context, times int, ask func(context.Context, int) (int, error),
) (one took, err error) {
	var all took
	var walls []time.Duration
	for range 2 {
		all, walls = took{}, nil
		for i := 0; i < times && all.wall < slow; i++ {
			before := all.wall
			err := m.time(&all, 0, func() (err error) {
				one.rows, err = ask(ctx, i)
				return err
			})
			if err != nil {
				return took{}, err
			}
			walls = append(walls, all.wall-before)
		}
	}
	slices.Sort(walls)
	one.wall, one.cpu = walls[len(walls)/2], all.cpu/time.Duration(len(walls))
	return one, nil
}

// search is a question to Search, whose rows are counted.
func (m *measurement) search(ctx context.Context, q archive.Question, below archive.Key, limit int) (int, error) {
	rows, err := m.engine.Search(ctx, q, below, limit)
	return len(rows), err
}

// user is one of the users of the world. Some have many rows, and most a few.
func (m *measurement) person(i int) string { return archive.Person(m.world.User(i * i * 7)) }

func (m *measurement) pages() []question {
	week := archive.Span{From: m.world.End - 7*86400, To: m.world.End}
	failed := archive.Question{
		Sites: m.world.Sites, Within: week, Content: m.world.Content(0), Status: pb.License_FAILURE,
	}
	size, third := 100, all
	content := m.raw.number("content ", m.world.Content(0))
	return []question{
		{
			name: "newest 100 of a user, all sites", times: 60,
			engine: func(ctx context.Context, i int) (int, error) {
				q := archive.Question{Sites: m.world.Sites, Person: m.person(i)}
				return m.search(ctx, q, all, 100)
			},
			raw: func(ctx context.Context, i int) (int, error) {
				return m.raw.read(ctx, "SELECT * FROM raw WHERE usr = ? ORDER BY k DESC LIMIT 100",
					m.raw.number("user ", m.person(i)))
			},
		},
		{
			name: "newest 100 of all sites", times: 20,
			engine: func(ctx context.Context, _ int) (int, error) {
				return m.search(ctx, archive.Question{Sites: m.world.Sites}, all, 100)
			},
			raw: func(ctx context.Context, _ int) (int, error) {
				return m.raw.read(ctx, "SELECT * FROM raw ORDER BY k DESC LIMIT 100")
			},
		},
		{
			name: "third page of a content's failures in 7 days", times: 20,
			engine: func(ctx context.Context, _ int) (n int, err error) {
				if third == all {
					size, third, err = m.third(ctx, failed)
				}
				if err != nil {
					return 0, err
				}
				return m.search(ctx, failed, third, size)
			},
			raw: func(ctx context.Context, _ int) (int, error) {
				return m.raw.read(ctx, "SELECT * FROM raw WHERE content = ? AND status = 2 AND k >= ? "+
					"ORDER BY k DESC LIMIT ? OFFSET ?", content, int64(archive.Above(week.From)), size, 2*size)
			},
		},
		{
			name: "number of a content's failures in 7 days", times: 20,
			engine: func(ctx context.Context, _ int) (int, error) {
				n, err := m.engine.Count(ctx, failed)
				return int(n), err
			},
			raw: func(ctx context.Context, _ int) (int, error) {
				return m.raw.read(ctx, "SELECT k FROM raw WHERE content = ? AND status = 2 AND k >= ?",
					content, int64(archive.Above(week.From)))
			},
		},
	}
}

// third returns the key after which the third page begins, and the size of pages that makes three
// of what there is.
func (m *measurement) third(ctx context.Context, q archive.Question) (size int, below archive.Key, err error) {
	n, err := m.engine.Count(ctx, q)
	if err != nil {
		return 0, 0, err
	}
	size = max(1, min(100, int(n)/3))
	rows, err := m.engine.Search(ctx, q, all, 2*size)
	if err != nil || len(rows) < 2*size {
		return size, 0, err // A world this small has no third page.
	}
	return size, rows[2*size-1].Key, nil
}

// scan reads a million rows with their texts.
func (m *measurement) scan(ctx context.Context) error {
	const limit = 1_000_000
	n := 0
	began := time.Now()
	enough := fmt.Errorf("enough")
	err := m.engine.Scan(ctx, archive.Question{Sites: m.world.Sites}, all, func(rows []archive.Row) error {
		if n += len(rows); n >= limit {
			return enough
		}
		return nil
	})
	if err != nil && n < limit {
		return err
	}
	engine := time.Since(began)
	began = time.Now()
	rawRows, err := m.raw.read(ctx, "SELECT * FROM raw ORDER BY k DESC LIMIT 1000000")
	if err != nil {
		return err
	}
	return m.report(Figure{
		Name: "scan", Unit: "rows/s", Engine: float64(n) / engine.Seconds(),
		Raw: float64(rawRows) / time.Since(began).Seconds(), Note: fmt.Sprintf("%d rows, raw SQL without texts", n),
	})
}
