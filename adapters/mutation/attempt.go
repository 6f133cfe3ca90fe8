package mutation

import (
	"context"
	"errors"
	"time"

	"github.com/drmhub/drmhub/adapters/apierror"
)

// attempt is one run of a Write's Send.
type attempt struct {
	record     func(ctx context.Context, over time.Time) error // that the write may have been sent
	detach     func() bool                                     // ends what ends the attempt together with its caller; false: it ends so
	cut        func()                                          // is how it ends so
	end        context.CancelFunc
	left       bool  // the write may have been sent
	unrecorded error // why that could not be recorded, so that nothing was sent
	httpStatus int   // of the vendor's answer; 0: there was none
}

type attemptKey struct{}

// newAttempt makes the context in which Send runs. It ends with the caller's until the write leaves, and not any more from then on, or every impatient caller would
// make an unknown outcome.
func newAttempt(ctx context.Context, record func(context.Context, time.Time) error) (*attempt, context.Context) {
	bounded, end := context.WithTimeout(context.WithoutCancel(ctx), longest)
	sending, cancel := context.WithCancelCause(bounded)
	cut := func() { cancel(ctx.Err()) }
	a := &attempt{record: record, detach: context.AfterFunc(ctx, cut), cut: cut}
	a.end = func() { a.detach(); cancel(nil); end() }
	return a, context.WithValue(sending, attemptKey{}, a)
}

// Leave is called by whoever sends writes to a vendor, right before the first byte can leave: it makes durable that the write may have been sent, in a call that is over
// within so long. Where it fails, nothing may be sent. A write that stands in no Do has no record, and so may not leave at all.
func Leave(ctx context.Context, within time.Duration) error {
	a, ok := ctx.Value(attemptKey{}).(*attempt)
	if !ok {
		return errors.New("mutation: a vendor write outside of mutation.Do")
	}
	if !a.left && !a.detach() {
		a.cut() // which may only be about to happen
		return apierror.FromContext(ctx)
	}
	if a.unrecorded = a.record(ctx, time.Now().Add(within)); a.unrecorded != nil {
		return a.unrecorded
	}
	a.left = true
	return nil
}

// Heard notes the HTTP status of the vendor's answer to the write that ctx is of. Outside of one it does nothing.
func Heard(ctx context.Context, status int) {
	if a, ok := ctx.Value(attemptKey{}).(*attempt); ok {
		a.httpStatus = status
	}
}
