package load_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drmhub/drmhub/bench/internal/load"
)

func TestCallersCallUntilTheTimeIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := load.Run(t.Context(), 2, time.Second, load.Each(func(_ context.Context, number int) error {
			time.Sleep(time.Duration(1+3*number) * 100 * time.Millisecond)
			return nil
		}))
		if err != nil || r.Calls() != 13 || r.Length != 1200*time.Millisecond {
			t.Errorf("%v calls in %v, %v", r.Calls(), r.Length, err)
		}
		if p50, p99 := load.Percentile(r.Took, 50), load.Percentile(r.Took, 99); p50 != 100*time.Millisecond ||
			p99 != 400*time.Millisecond {
			t.Errorf("p50 is %v, p99 is %v", p50, p99)
		}
	})
}

func TestCallersEndWithErrDoneAndWithAFailure(t *testing.T) {
	failure := errors.New("the server refused")
	for name, c := range map[string]struct{ second, want error }{
		"done": {load.ErrDone, nil}, "failure": {failure, failure},
	} {
		calls := 0
		r, err := load.Run(t.Context(), 1, load.Forever, load.Each(func(context.Context, int) error {
			if calls++; calls == 2 {
				return c.second
			}
			return nil
		}))
		if !errors.Is(err, c.want) || r.Calls() != 1 {
			t.Errorf("%s: %v calls, %v", name, r.Calls(), err)
		}
	}
}
