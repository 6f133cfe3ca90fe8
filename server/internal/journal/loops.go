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

// end ends the context of what is being done, and waits for it.
func (l *loops) end() {
	for _, stop := range l.stop {
		stop()
	}
	l.running.Wait()
}
