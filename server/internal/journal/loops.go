package journal

import (
	"context"
	"sync"
	"time"
)

// loops are the background work of a replica.
type loops struct {
	stop    []context.CancelFunc
	running sync.WaitGroup
}

// begin calls do after every pause, until end.
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

// once calls do once, beside the loops. Only a loop may call it.
func (l *loops) once(do func()) { l.running.Go(do) }

// cancel cancels the work.
func (l *loops) cancel() {
	for _, stop := range l.stop {
		stop()
	}
}

// end cancels the work, and blocks until all of it has ended or ctx ends.
func (l *loops) end(ctx context.Context) error {
	l.cancel()
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
