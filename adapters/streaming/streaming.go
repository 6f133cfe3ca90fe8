// Package streaming sends the messages of a server stream while it fetches the ones that follow.
package streaming

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/internal/panics"
)

// fetched is a message, or the error that came instead.
type fetched[Message any] struct {
	message *Message
	err     error
}

// Send sends the messages that next returns, until next returns io.EOF or another error. While a
// message is sent, Send fetches the one that follows, and no further one. So a slow client slows
// the calls to the vendor down. The context of next ends with the stream.
//
// Send returns only after next has returned. A panic of next is raised in the caller's goroutine.
func Send[Message any](to grpc.ServerStreamingServer[Message], next func(context.Context) (*Message, error)) error {
	ctx, cancel := context.WithCancel(to.Context())
	messages := make(chan fetched[Message]) // unbuffered, so that one message is fetched ahead
	var fetching panics.Group
	fetching.Go(func() { fetch(ctx, messages, next) })
	defer fetching.Wait()
	defer cancel()

	for f := range messages {
		switch {
		case errors.Is(f.err, io.EOF):
			return nil
		case f.err != nil:
			return f.err
		}
		if err := to.Send(f.message); err != nil {
			if to.Context().Err() != nil {
				return apierror.FromContext(to.Context())
			}
			return err
		}
	}
	return apierror.FromContext(to.Context()) // fetching ended early, with its context
}

// fetch hands over what next returns, up to the first error.
func fetch[Message any](ctx context.Context, to chan<- fetched[Message], next func(context.Context) (*Message, error)) {
	defer close(to)
	for {
		message, err := next(ctx)
		select {
		case to <- fetched[Message]{message, err}:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}
