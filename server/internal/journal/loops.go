package journal

import (
	"context"
	"sync"
	"time"
)

// loops do things over and over in the background.
type loops struct {
	stop    []context.CancelFunc
	running sync.WaitGroup
}

// begin does something after every pause, until end.
func (l *loops) begin(ctx context.Context, pause time.Duration, do func(context.Context)) {
	ctx, stop := context.WithCancel(ctx)
	l.stop = append(l.stop, stop)
	l.running.Go(func() {
		ticker := time.NewTicker(pause)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				do(ctx)
			case <-ctx.Done():
				return
			}
		}
	})
}

// also does something once, beside the loops that do things over and over. It is called by one of
// these.
func (l *loops) also(do func()) { l.running.Go(do) }

// end ends the context of what is being done, and waits for it, or until ctx ends.
func (l *loops) end(ctx context.Context) error {
	for _, stop := range l.stop {
		stop()
	}
	ended := make(chan struct{})
	go func() {
		l.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
