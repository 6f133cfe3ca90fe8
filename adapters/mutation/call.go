package mutation

import (
	"context"
	"errors"
	"time"

	"github.com/drmhub/drmhub/adapters/apierror"
)

// call is one run of a Write's Send.
type call struct {
	// record makes durable that the write may have been sent, in a call that ends by endsBy.
	record func(ctx context.Context, endsBy time.Time) error
	// stopCancel stops propagating the caller's cancellation. It reports false if the caller was
	// already canceled.
	stopCancel func() bool
	cancel     func() // cancels the call as the caller's cancellation does
	end        context.CancelFunc
	left       bool  // the write may have been sent
	unrecorded error // why the send, or an earlier outcome, could not be recorded, so that nothing was sent
	httpStatus int   // of the vendor's response; 0 if there was none
}

type callKey struct{}

// newCall returns the context in which Send runs. The caller's cancellation ends it only until
// the write leaves. Otherwise every impatient caller would cause an unknown outcome.
func newCall(ctx context.Context, record func(context.Context, time.Time) error) (*call, context.Context) {
	bounded, end := context.WithTimeout(context.WithoutCancel(ctx), MaxWriteTime)
	sending, cancel := context.WithCancelCause(bounded)
	cut := func() { cancel(ctx.Err()) }
	c := &call{record: record, stopCancel: context.AfterFunc(ctx, cut), cancel: cut}
	c.end = func() { c.stopCancel(); cancel(nil); end() }
	return c, context.WithValue(sending, callKey{}, c)
}

// RecordSend durably records that the write may have been sent. Call it immediately before the
// first byte; within bounds the call that follows. On error, send nothing. It fails outside of Do.
func RecordSend(ctx context.Context, within time.Duration) error {
	c, ok := ctx.Value(callKey{}).(*call)
	if !ok {
		return errors.New("mutation: a vendor write outside of mutation.Do")
	}
	if !c.left && !c.stopCancel() {
		c.cancel() // AfterFunc may not have run yet
		return apierror.FromContext(ctx)
	}
	if c.unrecorded = c.record(ctx, time.Now().Add(within)); c.unrecorded != nil {
		return c.unrecorded
	}
	c.left = true
	return nil
}

// RecordStatus records the HTTP status of the vendor's response to the write in ctx. Without a
// write in ctx it does nothing.
func RecordStatus(ctx context.Context, status int) {
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		c.httpStatus = status
	}
}
