package app

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// A stopSignal is why a context of NotifyStop ended.
type stopSignal struct{ os.Signal }

// Error names the signal.
func (s stopSignal) Error() string { return fmt.Sprintf("told to stop by the signal %q", s.Signal) }

// again is the key of a channel in a context. It is closed when the process is told to stop a
// second time.
type again struct{}

// NotifyStop returns a context that ends with the first SIGINT or SIGTERM. Serve stops at once when
// a second one comes. stop makes the signals end the process again.
func NotifyStop(parent context.Context) (_ context.Context, stop func()) {
	second, stopped := make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancelCause(context.WithValue(parent, again{}, second))
	received := make(chan os.Signal, 2)
	signal.Notify(received, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case s := <-received:
			cancel(stopSignal{s})
		case <-stopped:
			return
		}
		select {
		case <-received:
			close(second)
		case <-stopped:
		}
	}()
	return ctx, func() {
		signal.Stop(received)
		close(stopped)
		cancel(nil)
	}
}

// secondSignal returns a channel that is closed when the process is told to stop a second time.
func secondSignal(ctx context.Context) <-chan struct{} {
	second, _ := ctx.Value(again{}).(chan struct{})
	return second
}

// newHangups keeps SIGHUP from ending the process.
func newHangups() chan os.Signal {
	received := make(chan os.Signal, 1)
	signal.Notify(received, syscall.SIGHUP)
	return received
}

// heedHangups reads the configuration again at each SIGHUP, until polling ends.
func (a *App) heedHangups() {
	for {
		select {
		case <-a.hangups:
			_ = a.Reload(a.polling) // It logs what changed, or what is wrong.
		case <-a.polling.Done():
			return
		}
	}
}
