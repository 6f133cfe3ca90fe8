package mutation_test

import (
	"context"
	"errors"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// vendor is a switch that counts how often it was switched, and can lose its answers.
type vendor struct {
	switched int
	fail     error // answered once, by the next write
	deaf     bool  // the failing write had no effect
	blind    bool  // reading back fails
}

func (v *vendor) send(context.Context) (*pb.StatusChange, error) {
	err := v.fail
	if err == nil || !v.deaf {
		v.switched++
	}
	v.fail = nil
	if err != nil {
		return nil, err
	}
	return &pb.StatusChange{Requester: "vendor"}, nil
}

func (v *vendor) check(context.Context) (*pb.StatusChange, bool, error) {
	if v.blind {
		return nil, false, errors.New("the vendor is down")
	}
	return &pb.StatusChange{Requester: "vendor"}, v.switched > 0, nil
}

func (v *vendor) run(log mutation.Log) (*pb.StatusChange, error) {
	return mutation.Do(mutation.NewContext(context.Background(), log), "switch", v.send, v.check)
}

type settling struct{ *mutation.Memory }

func (settling) Settling() bool { return true }

func TestAWriteIsMadeOnce(t *testing.T) {
	v, log := &vendor{}, mutation.NewMemory()
	for range 3 {
		got, err := v.run(log)
		if err != nil || got.GetRequester() != "vendor" {
			t.Fatalf("%v, %v", got, err)
		}
	}
	if v.switched != 1 {
		t.Errorf("switched %d times", v.switched)
	}
}

func TestALostAnswerIsReadBack(t *testing.T) {
	v, log := &vendor{fail: apierror.OutcomeUnknown("cut")}, mutation.NewMemory()
	if _, err := v.run(log); !apierror.IsOutcomeUnknown(err) {
		t.Fatalf("first run: %v", err)
	}
	v.blind = true
	if _, err := v.run(log); !apierror.IsOutcomeUnknown(err) || v.switched != 1 {
		t.Fatalf("while reading back fails: %v, switched %d times", err, v.switched)
	}
	v.blind = false
	got, err := v.run(log)
	if err != nil || got.GetRequester() != "vendor" || v.switched != 1 {
		t.Errorf("got %v, %v, switched %d times", got, err, v.switched)
	}
}

func TestAWriteThatHadNoEffectIsMadeAgainOnlyForACaller(t *testing.T) {
	v, log := &vendor{fail: apierror.OutcomeUnknown("cut"), deaf: true}, mutation.NewMemory()
	_, _ = v.run(log)
	if _, err := v.run(settling{log}); !errors.Is(err, mutation.ErrNoEffect) || v.switched != 0 {
		t.Fatalf("settling: %v, switched %d times", err, v.switched)
	}
	if _, err := v.run(log); err != nil || v.switched != 1 {
		t.Errorf("asked again: %v, switched %d times", err, v.switched)
	}
}

func TestARefusalIsFinal(t *testing.T) {
	v, log := &vendor{fail: apierror.New(codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE, "no"), deaf: true}, mutation.NewMemory()
	for range 2 {
		_, err := v.run(log)
		if e := apierror.Convert(err); e.Reason != pb.ErrorReason_VENDOR_STATE || e.Message != "no" {
			t.Fatalf("%v", err)
		}
	}
	if v.switched != 0 {
		t.Errorf("switched %d times", v.switched)
	}
}

func TestWithoutReadBackTheOutcomeStaysUnknown(t *testing.T) {
	v, log := &vendor{fail: apierror.OutcomeUnknown("cut")}, mutation.NewMemory()
	for range 3 {
		_, err := mutation.Do(mutation.NewContext(t.Context(), log), "switch", v.send, nil)
		if !apierror.IsOutcomeUnknown(err) {
			t.Fatalf("%v", err)
		}
	}
	if v.switched != 1 {
		t.Errorf("switched %d times", v.switched)
	}
}

func TestTheCallerLeavingDoesNotCutAWriteButPreventsANewOne(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	log := mutation.NewMemory()
	_, err := mutation.Do(mutation.NewContext(ctx, log), "switch", func(ctx context.Context) (*pb.StatusChange, error) {
		cancel()
		return &pb.StatusChange{}, ctx.Err()
	}, nil)
	if err != nil {
		t.Errorf("the write ended with its caller: %v", err)
	}
	select {
	case <-log.Sent():
	default:
		t.Error("Sent is not closed")
	}
	called := false
	_, err = mutation.Do(mutation.NewContext(ctx, log), "second", func(context.Context) (*pb.StatusChange, error) { called = true; return nil, nil }, nil)
	if called || apierror.Convert(err).Code != codes.Canceled {
		t.Errorf("a write for a caller who has left: called %v, %v", called, err)
	}
}

// full is a log that can no longer be written after some puts.
type full struct {
	*mutation.Memory
	room int
}

func (f *full) Put(ctx context.Context, step string, r mutation.Record) error {
	if f.room--; f.room < 0 {
		return errors.New("disk full")
	}
	return f.Memory.Put(ctx, step, r)
}

func TestNoRecordNoCall(t *testing.T) {
	v, log := &vendor{}, &full{Memory: mutation.NewMemory()}
	if _, err := v.run(log); err == nil || v.switched != 0 {
		t.Errorf("%v, switched %d times", err, v.switched)
	}
	log.room = 1
	if _, err := v.run(log); !apierror.IsOutcomeUnknown(err) || v.switched != 1 {
		t.Errorf("an effect that could not be recorded: %v, switched %d times", err, v.switched)
	}
	log.room = 9
	if _, err := v.run(log); err != nil || v.switched != 1 {
		t.Errorf("%v, switched %d times", err, v.switched)
	}
}

func TestNoteKeepsWhatWasThereFirst(t *testing.T) {
	log, n := mutation.NewMemory(), int32(0)
	for range 2 {
		got, err := mutation.Note(mutation.NewContext(t.Context(), log), "before", func(context.Context) (*pb.Usage, error) {
			n++
			return &pb.Usage{MonthlyActiveUsers: n}, nil
		})
		if err != nil || got.GetMonthlyActiveUsers() != 1 {
			t.Errorf("%v, %v", got, err)
		}
	}
}
