package program

import (
	"context"
	"time"
)

// Pause waits. It returns an error if the program is told to stop.
func Pause(ctx context.Context, length time.Duration) error {
	select {
	case <-time.After(length):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
