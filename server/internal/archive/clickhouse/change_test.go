package clickhouse

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/drmhub/drmhub/internal/clickhouse"
)

// A change can take as long as an insert of many rows.
func TestAChangeEndsWhileAnotherOneRuns(t *testing.T) {
	e := filled(t, clickhouse.ForTest(t, 1), "ab")
	for site, change := range map[any]func(context.Context) error{
		uint16(1): func(ctx context.Context) error {
			_, replaced := e.Replace(ctx, shown("a"))
			_, forgotten := e.Forget(ctx, place, noon+1)
			return errors.Join(replaced, forgotten, e.reopen(ctx, 1, []line{{}}))
		},
		place: func(ctx context.Context) error { return e.SetZone(ctx, place, time.UTC) },
	} {
		unlock, err := e.lock(t.Context(), site)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		ended := make(chan error, 1)
		go func() { ended <- change(ctx) }()
		select {
		case err := <-ended:
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v: %v", site, err)
			}
		case <-time.After(20 * time.Second):
			t.Errorf("%v: the change outlives its context", site)
		}
		cancel()
		unlock()
	}
	holds(t, e, "ab", span)
}
