package mutation_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

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

func (v *vendor) send(ctx context.Context, _ mutation.Attempt) (*pb.StatusChange, error) {
	if err := mutation.RecordSend(ctx, time.Second); err != nil {
		return nil, err
	}
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
	return v.do(mutation.NewContext(context.Background(), log))
}

func (v *vendor) do(ctx context.Context) (*pb.StatusChange, error) {
	return mutation.Do(ctx, mutation.Write[*pb.StatusChange]{Step: "switch", Send: v.send, ReadBack: v.check, Preview: func() *pb.StatusChange {
		return &pb.StatusChange{Requester: "expected"}
	}})
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
	if _, err := v.run(settling{log}); !mutation.IsNoEffect(err) || v.switched != 0 {
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
		_, err := mutation.Do(mutation.NewContext(t.Context(), log), mutation.Write[*pb.StatusChange]{Step: "switch", Send: v.send})
		if !apierror.IsOutcomeUnknown(err) {
			t.Fatalf("%v", err)
		}
	}
	if v.switched != 1 {
		t.Errorf("switched %d times", v.switched)
	}
	if state := log.Get("switch").State; state != mutation.Unverifiable {
		t.Errorf("the step is recorded as %v, want Lost", state)
	}
}

func TestTheCallerLeavingDoesNotCutAWriteButPreventsANewOne(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	log := mutation.NewMemory()
	_, err := mutation.Do(mutation.NewContext(ctx, log), mutation.Write[*pb.StatusChange]{Step: "switch", Send: func(ctx context.Context, _ mutation.Attempt) (*pb.StatusChange, error) {
		if err := mutation.RecordSend(ctx, time.Second); err != nil {
			return nil, err
		}
		cancel()
		return &pb.StatusChange{}, ctx.Err()
	}})
	if err != nil {
		t.Errorf("the write ended with its caller: %v", err)
	}
	select {
	case <-log.Sent():
	default:
		t.Error("Sent is not closed")
	}
	called := false
	_, err = mutation.Do(mutation.NewContext(ctx, log), mutation.Write[*pb.StatusChange]{Step: "second", Send: func(context.Context, mutation.Attempt) (*pb.StatusChange, error) {
		called = true
		return nil, nil
	}})
	if called || apierror.Convert(err).Code != codes.Canceled {
		t.Errorf("a write for a caller who has left: called %v, %v", called, err)
	}
}

func TestACallerWhoLeavesBeforeTheWriteDoesEndsIt(t *testing.T) {
	for want, leave := range map[codes.Code]func(context.Context) (context.Context, context.CancelFunc){
		codes.Canceled: func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(time.Second, cancel)
			return ctx, cancel
		},
		codes.DeadlineExceeded: func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Second)
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := leave(t.Context())
			defer cancel()
			log := mutation.NewMemory()
			_, err := mutation.Do(mutation.NewContext(ctx, log), mutation.Write[*pb.StatusChange]{Step: "switch", Send: func(ctx context.Context, _ mutation.Attempt) (*pb.StatusChange, error) {
				<-ctx.Done() // it waits for its turn
				return nil, mutation.RecordSend(ctx, time.Second)
			}})
			if apierror.Convert(err).Code != want || log.Get("switch").State != mutation.NotSent {
				t.Errorf("%v, want %v; the step is %v", err, want, log.Get("switch").State)
			}
		})
	}
}

func TestAWriteWithoutARecordDoesNotPass(t *testing.T) {
	v, log := &vendor{}, mutation.NewMemory()
	_, err := mutation.Do(mutation.NewContext(t.Context(), log), mutation.Write[*pb.StatusChange]{Step: "switch", Send: func(context.Context, mutation.Attempt) (*pb.StatusChange, error) {
		v.switched++
		return &pb.StatusChange{}, nil
	}})
	if err == nil {
		t.Error("a write that did not call Leave succeeds")
	}
	if err := mutation.RecordSend(mutation.NewContext(t.Context(), log), time.Second); err == nil {
		t.Error("a write may leave outside of Do")
	}
}

// A write that is refused for its token, and is made again with another one, has left twice.
func TestTheLastTimeThatAWriteLeftCounts(t *testing.T) {
	v, log := &vendor{}, &full{Memory: mutation.NewMemory(), room: 1}
	twice := mutation.Write[*pb.StatusChange]{Step: "switch", ReadBack: v.check, Send: func(ctx context.Context, a mutation.Attempt) (*pb.StatusChange, error) {
		if err := mutation.RecordSend(ctx, time.Second); err != nil {
			return nil, err
		}
		return v.send(ctx, a)
	}}
	if _, err := mutation.Do(mutation.NewContext(t.Context(), log), twice); err == nil || v.switched != 0 {
		t.Errorf("with no record of the second time: %v, switched %d times", err, v.switched)
	}
	log.room = 9
	if _, err := mutation.Do(mutation.NewContext(t.Context(), log), twice); err != nil || v.switched != 1 {
		t.Errorf("%v, switched %d times", err, v.switched)
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
		got, err := mutation.Snapshot(mutation.NewContext(t.Context(), log), "before", func(context.Context) (*pb.Usage, error) {
			n++
			return &pb.Usage{MonthlyActiveUsers: n}, nil
		})
		if err != nil || got.GetMonthlyActiveUsers() != 1 {
			t.Errorf("%v, %v", got, err)
		}
	}
}

// slow is a log whose vendor may still be at a write that was sent a moment ago.
type slow struct {
	*mutation.Memory
	quietFrom time.Time
}

func (s *slow) Get(step string) mutation.Record {
	r := s.Memory.Get(step)
	r.EffectDeadline = s.quietFrom
	return r
}

func TestAWriteThatMayStillTakeEffectIsNotSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, log := &vendor{fail: apierror.OutcomeUnknown("cut"), deaf: true}, &slow{mutation.NewMemory(), time.Now().Add(time.Minute)}
		_, _ = v.run(log)
		_, err := v.run(log)
		if !apierror.IsOutcomeUnknown(err) || apierror.Convert(err).RetryAfter != time.Minute || v.switched != 0 {
			t.Errorf("a moment later: %v, switched %d times", err, v.switched)
		}
		time.Sleep(time.Minute)
		if _, err := v.run(log); err != nil || v.switched != 1 {
			t.Errorf("a minute later: %v, switched %d times", err, v.switched)
		}
	})
}

// What is read within the quiet time proves nothing, however late the answer comes.
func TestALookThatBeganTooEarlyProvesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, began := &vendor{}, time.Now()
		log := &slow{mutation.NewMemory(), began.Add(10 * time.Second)}
		_ = log.Put(t.Context(), "switch", mutation.Record{State: mutation.Sent})
		time.Sleep(5 * time.Second)
		_, err := mutation.Do(mutation.NewContext(t.Context(), log), mutation.Write[*pb.StatusChange]{
			Step: "switch", Send: v.send, ReadBack: func(ctx context.Context) (*pb.StatusChange, bool, error) {
				answer, took, err := v.check(ctx)
				time.Sleep(6 * time.Second) // the vendor comes to it meanwhile
				return answer, took, err
			},
		})
		if !apierror.IsOutcomeUnknown(err) || v.switched != 0 {
			t.Errorf("%v, switched %d times more", err, v.switched)
		}
	})
}

func TestACallerWhoLeavesAtTheLastMomentIsNoRefusal(t *testing.T) {
	for range 100 { // it is a race
		log := mutation.NewMemory()
		ctx, cancel := context.WithCancel(t.Context())
		_, err := mutation.Do(mutation.NewContext(ctx, log), mutation.Write[*pb.StatusChange]{Step: "switch", Send: func(ctx context.Context, _ mutation.Attempt) (*pb.StatusChange, error) {
			cancel()
			return nil, mutation.RecordSend(ctx, time.Second)
		}})
		if apierror.Convert(err).Code != codes.Canceled || log.Get("switch").State != mutation.NotSent {
			t.Fatalf("%v, and the step is %v", err, log.Get("switch").State)
		}
	}
}

// What is owed is made by the next run, without a look, since it is known not to have been made.
func TestWhatIsOwedIsMadeByTheNextRun(t *testing.T) {
	throttled := mutation.MustResend(apierror.OutcomeUnknown("throttled, and the rest is done"))
	v, log := &vendor{fail: throttled, deaf: true, blind: true}, mutation.NewMemory()
	if _, err := v.run(log); !apierror.IsOutcomeUnknown(err) || log.Get("switch").State != mutation.NotSent {
		t.Errorf("%v, and the step is %v", err, log.Get("switch").State)
	}
	if _, err := v.run(log); err != nil || v.switched != 1 {
		t.Errorf("%v, switched %d times", err, v.switched)
	}
}

func TestATrialSendsNothing(t *testing.T) {
	ctx, trial := mutation.WithDryRun(t.Context())
	sent := false
	write := mutation.Write[*pb.StatusChange]{
		Step: "switch",
		Send: func(ctx context.Context, _ mutation.Attempt) (*pb.StatusChange, error) {
			if trial := mutation.DryRunFrom(ctx); trial != nil {
				return nil, trial.Plan("curl vendor")
			}
			sent = true
			return &pb.StatusChange{}, nil
		},
		Preview: func() *pb.StatusChange { return &pb.StatusChange{Requester: "expected"} },
	}
	before, err := mutation.Snapshot(ctx, "before", func(context.Context) (*pb.Usage, error) { return &pb.Usage{MonthlyActiveUsers: 7}, nil })
	if err != nil || before.GetMonthlyActiveUsers() != 7 {
		t.Errorf("%v, %v", before, err)
	}
	got, err := mutation.Do(ctx, write)
	if err != nil || got.GetRequester() != "expected" || sent {
		t.Errorf("%v, %v, sent %v", got, err, sent)
	}
	if !slices.Equal(trial.Requests(), []string{"curl vendor"}) {
		t.Errorf("kept %q", trial.Requests())
	}
	if mutation.DryRunFrom(t.Context()) != nil || mutation.DryRunFrom(mutation.NewContext(t.Context(), mutation.NewMemory())) != nil {
		t.Error("a context that is of no trial says that it is")
	}
}

func TestEveryPartHasItsOwnStepsAndOutcome(t *testing.T) {
	log := mutation.NewMemory()
	one, other := &vendor{}, &vendor{fail: apierror.OutcomeUnknown("cut"), deaf: true}
	whole := mutation.NewContext(t.Context(), log)
	if _, err := one.do(mutation.ItemContext(whole, "1")); err != nil {
		t.Fatal(err)
	}
	if _, err := other.do(mutation.ItemContext(whole, "2")); !apierror.IsOutcomeUnknown(err) {
		t.Fatal(err)
	}
	// That one part took effect is no reason to finish the other one.
	whole = mutation.NewContext(t.Context(), settling{log})
	if _, err := one.do(mutation.ItemContext(whole, "1")); err != nil || one.switched != 1 {
		t.Errorf("%v, switched %d times", err, one.switched)
	}
	if _, err := other.do(mutation.ItemContext(whole, "2")); !mutation.IsNoEffect(err) || other.switched != 0 {
		t.Errorf("%v, switched %d times", err, other.switched)
	}
}

func TestTheRecordHoldsTheVendorsStatus(t *testing.T) {
	log := mutation.NewMemory()
	_, err := mutation.Do(mutation.NewContext(t.Context(), log), mutation.Write[*pb.StatusChange]{Step: "switch", Send: func(ctx context.Context, _ mutation.Attempt) (*pb.StatusChange, error) {
		err := mutation.RecordSend(ctx, time.Second)
		mutation.RecordStatus(ctx, 201)
		return &pb.StatusChange{}, err
	}})
	if got := log.Get("switch").HTTPStatus; err != nil || got != 201 {
		t.Errorf("%d, %v", got, err)
	}
	mutation.RecordStatus(t.Context(), 201) // of no write: nothing happens
}
