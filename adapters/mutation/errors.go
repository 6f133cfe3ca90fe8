package mutation

import (
	"context"
	"errors"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// An Error is an error that also says what it means for the mutation.
type Error struct {
	Err     error // for the caller
	Meaning Meaning
}

// A Meaning says what an Error means for the mutation.
type Meaning int

const (
	noEffect     Meaning = iota + 1 // the mutation had no effect and now never will
	mustResend                      // the next run must send the write again
	unsettleable                    // no further run can find out more
	unrecorded                      // the vendor refused the write, and the log does not say so
	dryRun                          // a dry run kept the write instead of sending it
)

// Error returns the message of the error for the caller.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the error for the caller.
func (e *Error) Unwrap() error { return e.Err }

// NoEffect returns the error of a settling run of a mutation that had no effect and now never will.
func NoEffect() error { return &Error{errors.New("mutation: had no effect"), noEffect} }

// IsNoEffect reports whether err says that the mutation had no effect and now never will.
func IsNoEffect(err error) bool { return means(err, noEffect) }

// MustResend marks err, an OUTCOME_UNKNOWN. The write had no effect, but the next run must send it
// again, because earlier writes depend on it.
func MustResend(err error) error { return &Error{err, mustResend} }

// Unsettleable marks err as one that no further run can resolve.
func Unsettleable(err error) error { return &Error{err, unsettleable} }

// IsUnsettleable reports whether no further run can resolve err.
func IsUnsettleable(err error) bool { return means(err, unsettleable) }

// IsDryRun reports whether err is the error of a write that a dry run kept instead of sending it.
func IsDryRun(err error) bool { return means(err, dryRun) }

// IsPlain reports whether err has no meaning for the mutation besides what the caller is told.
func IsPlain(err error) bool {
	_, marked := errors.AsType[*Error](err)
	return !marked
}

// WithMeaning returns public with the meaning that err has for the mutation, if it has one.
func WithMeaning(public, err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		return &Error{public, e.Meaning}
	}
	return public
}

// means reports whether any error in the tree of err has a meaning.
func means(err error, m Meaning) bool { return errors.Is(err, &Error{Meaning: m}) }

// Is reports whether target is an Error of the same meaning.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Meaning == e.Meaning
}

// ExplainRefusal returns NOT_FOUND in place of err, the error of a write, if a missing resource
// explains it. Use it if the vendor has no code of its own for a missing resource.
//
// It calls lookup, which reads the resource of that name, if the vendor refused the write for an
// unknown reason. It also does so in a dry run, which the vendor cannot refuse. If lookup returns
// NOT_FOUND, so does ExplainRefusal. Otherwise it returns err.
func ExplainRefusal(ctx context.Context, err error, name string, lookup func(context.Context) error) error {
	var missing error
	switch {
	case err == nil:
		return nil
	case IsDryRun(err):
		missing = DryRunFrom(ctx).once(name, func() error { return lookup(ctx) })
	case unexplained[apierror.Convert(err).Reason]:
		missing = lookup(ctx)
	}
	if missing != nil && apierror.Convert(missing).Code == codes.NotFound {
		return missing
	}
	return err
}

// DoubtForeign returns OUTCOME_UNKNOWN in place of err if err is a refusal that is not in the
// vendor's own form. A proxy may have sent it after the effect. Otherwise it returns err. It is for
// writes that cannot be read back. vendor is the vendor's name, for the message.
func DoubtForeign(err error, vendor string) error {
	if err == nil || !IsPlain(err) {
		return err
	}
	e := apierror.Convert(err)
	if !e.Foreign {
		return err
	}
	unknown := apierror.OutcomeUnknown("Outcome unknown: %s. The response is not in %s's form, so a proxy may have "+
		"sent it"+RetryAdvice, strings.TrimSuffix(e.Message, "."), vendor)
	unknown.Metadata = e.Metadata
	return unknown
}

// mayHideEffect reports whether a write may have taken effect although the response refuses it.
// Either the vendor's code is unknown, or a proxy may have sent the response.
func mayHideEffect(err error) bool {
	if err == nil || !IsPlain(err) {
		return false
	}
	e := apierror.Convert(err)
	return e.Reason == pb.ErrorReason_VENDOR_REJECTED || e.Unproven && e.Reason != pb.ErrorReason_VENDOR_RATE_LIMITED
}

// unexplained are the reasons of refusals that may be due to a missing resource.
var unexplained = map[pb.ErrorReason]bool{
	pb.ErrorReason_VENDOR_REJECTED:      true,
	pb.ErrorReason_VENDOR_INPUT_REFUSED: true,
}
