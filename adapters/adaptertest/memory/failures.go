package memory

import (
	"context"
	"slices"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/adaptertest"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/secret"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// A refusal is a code with which the vendor refuses a call, and its meaning in the contract.
type refusal struct {
	vendorCode string
	code       codes.Code
	reason     pb.ErrorReason
	message    string
}

// state is the code of a refusal by the state of a thing, or of the vendor account.
const state = codes.FailedPrecondition

var (
	down = refusal{"DOWN", codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE,
		"the vendor is down; try again later"}
	busy = refusal{"BUSY", codes.ResourceExhausted, pb.ErrorReason_VENDOR_RATE_LIMITED,
		"the vendor accepts no more calls for now; try again later"}
	badKey = refusal{"BAD_KEY", state, pb.ErrorReason_VENDOR_CREDENTIALS_REJECTED,
		"the vendor refuses the configured key; the operator must set a valid one"}
	notYours = refusal{"NOT_YOURS", state, pb.ErrorReason_VENDOR_PERMISSION_DENIED,
		"the vendor account may not do this; the operator must ask the vendor for the right"}
	rejected = refusal{"E4711", state, pb.ErrorReason_VENDOR_REJECTED,
		"the vendor refuses the call"}
	unreadable = refusal{"", codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID,
		"the vendor's answer cannot be read"}
	notFound = refusal{"NOT_FOUND", codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND,
		"the vendor holds no such thing; list what it holds"}
	tooLate = refusal{"TOO_LATE", state, pb.ErrorReason_VENDOR_STATE,
		"the vendor has decided on the change; it cannot be taken back"}
	stillBound = refusal{"STILL_BOUND", state, pb.ErrorReason_VENDOR_STATE,
		"the vendor binds the device to its account for 90 days; set force to remove it"}
)

// readRefusals says how the vendor refuses reads under a fault.
var readRefusals = map[adaptertest.Fault]refusal{
	adaptertest.Down:                down,
	adaptertest.Throttled:           busy,
	adaptertest.ThrottledSilently:   busy,
	adaptertest.CredentialsRejected: badKey,
	adaptertest.PermissionDenied:    notYours,
	adaptertest.Rejected:            rejected,
	adaptertest.Garbage:             unreadable,
	adaptertest.Misrouted:           unreadable,
	adaptertest.TimedOut:            down,
	adaptertest.ForeignSuccess:      unreadable,
	adaptertest.EmptyObject:         unreadable,
	adaptertest.EmptyList:           unreadable,
	adaptertest.EmptyBody:           unreadable,
}

// explain returns a refusal as an error of the public face. The vendor's own text holds the key, as
// that of a vendor that echoes what it was sent.
func (v *Vendor) explain(r refusal) *apierror.Error {
	text := secret.Clean("no,\x1b[31m not with "+v.key.Reveal(), v.key)
	return apierror.New(r.code, r.reason, "%s", r.message).
		With(apierror.VendorCode, r.vendorCode).
		With(apierror.VendorMessage, apierror.VendorText(text))
}

// read is the beginning of every read.
func (v *Vendor) read(ctx context.Context) error {
	v.mu.Lock()
	fault := v.readFault
	v.mu.Unlock()
	if fault == adaptertest.Stalled {
		<-ctx.Done()
	}
	if ctx.Err() != nil {
		return apierror.FromContext(ctx)
	}
	r, ok := readRefusals[fault]
	if !ok {
		return nil
	}
	e := v.explain(r)
	if fault == adaptertest.Throttled {
		e.RetryAfter = adaptertest.RetryAfter
	}
	return e
}

// write makes a write, whose effect runs alone.
func (v *Vendor) write(ctx context.Context, effect func() error) error {
	if ctx.Err() != nil {
		return apierror.FromContext(ctx)
	}
	if dry := mutation.DryRunFrom(ctx); dry != nil {
		return dry.Plan("a write in memory")
	}
	if err := mutation.RecordSend(ctx, time.Second); err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	fault := adaptertest.Unharmed
	if len(v.writeFaults) > 0 {
		fault, v.writeFaults = v.writeFaults[0], v.writeFaults[1:]
	}
	if fault == adaptertest.Refused {
		return v.explain(rejected)
	}
	without := []adaptertest.WriteFault{
		adaptertest.CutBeforeEffect, adaptertest.MisroutedWrite, adaptertest.ForeignSuccessOfWrite,
	}
	if !slices.Contains(without, fault) {
		if err := effect(); err != nil {
			return err
		}
		v.writes++
	}
	switch fault {
	case adaptertest.Unharmed:
		return nil
	case adaptertest.RefusedAfterEffect:
		return v.explain(rejected)
	}
	return apierror.OutcomeUnknown("the vendor's answer did not arrive; call again with the same request_id")
}

// Writes returns how many writes have taken effect.
func (v *Vendor) Writes() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.writes
}

// FailReads makes every read fail in this way from now on.
func (v *Vendor) FailReads(fault adaptertest.Fault) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.readFault = fault
}

// FailWrites makes the next n writes fail in this way.
func (v *Vendor) FailWrites(fault adaptertest.WriteFault, n int) {
	v.FailWritesInTurn(slices.Repeat([]adaptertest.WriteFault{fault}, n)...)
}

// FailWritesInTurn makes the next writes fail in these ways, one after the other.
func (v *Vendor) FailWritesInTurn(faults ...adaptertest.WriteFault) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.writeFaults = slices.Clone(faults)
}
