package mutation_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

type (
	change   = pb.StatusChange
	sendFunc = func(context.Context, mutation.Attempt) (*change, error)
)

// vendor is a switch that counts how often it was switched, and can lose its responses.
type vendor struct {
	switched int
	fail     error // returned once, by the next write
	deaf     bool  // the failing write had no effect
	blind    bool  // reading back fails
}

func (v *vendor) send(ctx context.Context, _ mutation.Attempt) (*change, error) {
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
	return &change{Requester: "vendor"}, nil
}

func (v *vendor) check(context.Context) (*change, bool, error) {
	if v.blind {
		return nil, false, errors.New("the vendor is down")
	}
	return &change{Requester: "vendor"}, v.switched > 0, nil
}

func (v *vendor) run(log mutation.Log) (*change, error) {
	return v.do(mutation.NewContext(context.Background(), log))
}

func (v *vendor) do(ctx context.Context) (*change, error) {
	return mutation.Do(ctx, mutation.Write[*change]{Step: "switch", Send: v.send, ReadBack: v.check})
}

// do makes a write without a ReadBack.
func do(ctx context.Context, log mutation.Log, send sendFunc) (*change, error) {
	return mutation.Do(mutation.NewContext(ctx, log), mutation.Write[*change]{Step: "switch", Send: send})
}

// fakeLog is a log in memory that has faults.
type fakeLog struct {
	*mutation.Memory
	full     bool
	room     int // how many records a full log still keeps
	settling bool
	deadline time.Time // the EffectDeadline of every record
}

func (f *fakeLog) Settling() bool { return f.settling }

func (f *fakeLog) Put(_ context.Context, step string, r mutation.Record) error {
	return f.Note(step, r)
}

func (f *fakeLog) Note(step string, r mutation.Record) error {
	if f.room--; f.full && f.room < 0 {
		return errors.New("disk full")
	}
	return f.Memory.Note(step, r)
}

func (f *fakeLog) Get(step string) mutation.Record {
	r := f.Memory.Get(step)
	r.EffectDeadline = f.deadline
	return r
}

func TestRunsOfAWrite(t *testing.T) {
	lost, unknown := apierror.OutcomeUnknown("cut"), apierror.IsOutcomeUnknown
	success := func(err error) bool { return err == nil }
	failure := func(err error) bool { return err != nil && !unknown(err) }
	refused := func(err error) bool {
		e := apierror.Convert(err)
		return e.Reason == pb.ErrorReason_VENDOR_STATE && e.Message == "refused"
	}
	type run struct {
		want     func(error) bool
		switched int // in all
		state    mutation.State
		set      func(*vendor, *fakeLog)
	}
	done := run{success, 1, mutation.Done, nil}
	after := func(set func(*vendor, *fakeLog), r run) run { r.set = set; return r }
	for name, test := range map[string]struct {
		vendor     vendor
		noReadBack bool
		unproven   bool // CannotDisprove
		runs       []run
	}{
		"a success is made once": {runs: []run{done, done, done}},
		"a lost response is read back": {vendor: vendor{fail: lost}, runs: []run{
			{unknown, 1, mutation.Sent, nil},
			{unknown, 1, mutation.Sent, func(v *vendor, _ *fakeLog) { v.blind = true }},
			after(func(v *vendor, _ *fakeLog) { v.blind = false }, done),
		}},
		"without an effect, it is sent again only for a caller": {vendor: vendor{fail: lost, deaf: true}, runs: []run{
			{unknown, 0, mutation.Sent, nil},
			{mutation.IsNoEffect, 0, mutation.NotSent, func(_ *vendor, log *fakeLog) { log.settling = true }},
			after(func(_ *vendor, log *fakeLog) { log.settling = false }, done),
		}},
		"a refusal is final": {vendor: vendor{fail: refusedFor(pb.ErrorReason_VENDOR_STATE), deaf: true}, runs: []run{
			{refused, 0, mutation.Refused, nil}, {refused, 0, mutation.Refused, nil},
		}},
		"without ReadBack, the outcome stays unknown": {vendor: vendor{fail: lost}, noReadBack: true, runs: []run{
			{unknown, 1, mutation.Unverifiable, nil}, {unknown, 1, mutation.Unverifiable, nil},
			{unknown, 1, mutation.Unverifiable, nil},
		}},
		"without a proof of no effect, the outcome stays unknown": {
			vendor: vendor{fail: lost, deaf: true}, unproven: true, runs: []run{
				{unknown, 0, mutation.Sent, nil}, {unknown, 0, mutation.Unverifiable, nil},
				{unknown, 0, mutation.Unverifiable, nil},
				{success, 1, mutation.Done, func(v *vendor, _ *fakeLog) { v.switched++ }}, // the vendor shows it late
			},
		},
		"a write that must be resent is not read back": {
			vendor: vendor{fail: mutation.MustResend(lost), deaf: true, blind: true},
			runs:   []run{{unknown, 0, mutation.NotSent, nil}, done},
		},
		"nothing is sent without a record": {runs: []run{
			{failure, 0, mutation.NotSent, func(_ *vendor, log *fakeLog) { log.full = true }},
			{unknown, 1, mutation.Sent, func(_ *vendor, log *fakeLog) { log.room = 1 }},
			after(func(_ *vendor, log *fakeLog) { log.full = false }, done),
		}},
	} {
		v, log := &test.vendor, &fakeLog{Memory: mutation.NewMemory()}
		for i, run := range test.runs {
			if run.set != nil {
				run.set(v, log)
			}
			write := mutation.Write[*change]{Step: "switch", Send: v.send, ReadBack: v.check}
			write.CannotDisprove = test.unproven
			if test.noReadBack {
				write.ReadBack = nil
			}
			got, err := mutation.Do(mutation.NewContext(t.Context(), log), write)
			if !run.want(err) || err == nil && got.GetRequester() != "vendor" {
				t.Errorf("%s, run %d: %v, %v", name, i, got, err)
			}
			if state := log.Get("switch").State; v.switched != run.switched || state != run.state {
				t.Errorf("%s, run %d: switched %d times, want %d; the step is %v, want %v",
					name, i, v.switched, run.switched, state, run.state)
			}
		}
	}
}

func TestACallerWhoLeavesDoesNotCutAWriteButPreventsANewOne(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	log := mutation.NewMemory()
	_, err := do(ctx, log, func(ctx context.Context, _ mutation.Attempt) (*change, error) {
		if err := mutation.RecordSend(ctx, time.Second); err != nil {
			return nil, err
		}
		cancel()
		return &change{}, ctx.Err()
	})
	if err != nil {
		t.Errorf("the write ended with its caller: %v", err)
	}
	select {
	case <-log.Sent():
	default:
		t.Error("Sent is not closed")
	}
	called := false
	_, err = do(ctx, mutation.NewMemory(), func(context.Context, mutation.Attempt) (*change, error) {
		called = true
		return nil, nil
	})
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
			_, err := do(ctx, log, func(ctx context.Context, _ mutation.Attempt) (*change, error) {
				<-ctx.Done() // it waits for its turn
				return nil, mutation.RecordSend(ctx, time.Second)
			})
			if apierror.Convert(err).Code != want || log.Get("switch").State != mutation.NotSent {
				t.Errorf("%v, want %v; the step is %v", err, want, log.Get("switch").State)
			}
		})
	}
	for range 100 { // a caller who leaves at the last moment is a race
		log := mutation.NewMemory()
		ctx, cancel := context.WithCancel(t.Context())
		_, err := do(ctx, log, func(ctx context.Context, _ mutation.Attempt) (*change, error) {
			cancel()
			return nil, mutation.RecordSend(ctx, time.Second)
		})
		if apierror.Convert(err).Code != codes.Canceled || log.Get("switch").State != mutation.NotSent {
			t.Fatalf("%v, and the step is %v", err, log.Get("switch").State)
		}
	}
}

func TestAWriteWithoutARecordFails(t *testing.T) {
	log := mutation.NewMemory()
	_, err := do(t.Context(), log, func(context.Context, mutation.Attempt) (*change, error) { return &change{}, nil })
	if err == nil {
		t.Error("a write that did not call RecordSend succeeds")
	}
	if err := mutation.RecordSend(mutation.NewContext(t.Context(), log), time.Second); err == nil {
		t.Error("a write may leave outside of Do")
	}
}

// A write that is refused for its token, and is made again with another one, has left twice.
func TestTheLastTimeThatAWriteLeftCounts(t *testing.T) {
	v, log := &vendor{}, &fakeLog{Memory: mutation.NewMemory(), full: true, room: 1}
	twice := func(ctx context.Context, a mutation.Attempt) (*change, error) {
		if err := mutation.RecordSend(ctx, time.Second); err != nil {
			return nil, err
		}
		return v.send(ctx, a)
	}
	run := func() error {
		_, err := mutation.Do(mutation.NewContext(t.Context(), log),
			mutation.Write[*change]{Step: "switch", ReadBack: v.check, Send: twice})
		return err
	}
	if err := run(); err == nil || v.switched != 0 {
		t.Errorf("with no record of the second time: %v, switched %d times", err, v.switched)
	}
	log.full = false
	if err := run(); err != nil || v.switched != 1 {
		t.Errorf("%v, switched %d times", err, v.switched)
	}
}

func TestAWriteThatMayStillTakeEffectIsNotSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{fail: apierror.OutcomeUnknown("cut"), deaf: true}
		log := &fakeLog{Memory: mutation.NewMemory(), deadline: time.Now().Add(time.Minute)}
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

// What is read within the quiet time proves nothing, however late the read ends.
func TestAReadThatBeganTooEarlyProvesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, began := &vendor{}, time.Now()
		log := &fakeLog{Memory: mutation.NewMemory(), deadline: began.Add(10 * time.Second)}
		_ = log.Put(t.Context(), "switch", mutation.Record{State: mutation.Sent})
		time.Sleep(5 * time.Second)
		_, err := mutation.Do(mutation.NewContext(t.Context(), log), mutation.Write[*change]{
			Step: "switch", Send: v.send, ReadBack: func(ctx context.Context) (*change, bool, error) {
				response, took, err := v.check(ctx)
				time.Sleep(6 * time.Second) // the write takes effect meanwhile
				return response, took, err
			},
		})
		if !apierror.IsOutcomeUnknown(err) || v.switched != 0 {
			t.Errorf("%v, switched %d times more", err, v.switched)
		}
	})
}

func TestEveryItemHasItsOwnStepsAndOutcome(t *testing.T) {
	log := &fakeLog{Memory: mutation.NewMemory()}
	one, other := &vendor{}, &vendor{fail: apierror.OutcomeUnknown("cut"), deaf: true}
	whole := mutation.NewContext(t.Context(), log)
	if _, err := one.do(mutation.ItemContext(whole, "1")); err != nil {
		t.Fatal(err)
	}
	if _, err := other.do(mutation.ItemContext(whole, "2")); !apierror.IsOutcomeUnknown(err) {
		t.Fatal(err)
	}
	// That one item took effect is no reason to finish the other one.
	log.settling = true
	whole = mutation.NewContext(t.Context(), log)
	if _, err := one.do(mutation.ItemContext(whole, "1")); err != nil || one.switched != 1 {
		t.Errorf("%v, switched %d times", err, one.switched)
	}
	if _, err := other.do(mutation.ItemContext(whole, "2")); !mutation.IsNoEffect(err) || other.switched != 0 {
		t.Errorf("%v, switched %d times", err, other.switched)
	}
}

func TestTheRecordHoldsTheVendorsStatus(t *testing.T) {
	log := mutation.NewMemory()
	_, err := do(t.Context(), log, func(ctx context.Context, _ mutation.Attempt) (*change, error) {
		err := mutation.RecordSend(ctx, time.Second)
		mutation.RecordStatus(ctx, 201)
		return &change{}, err
	})
	if got := log.Get("switch").HTTPStatus; err != nil || got != 201 {
		t.Errorf("%d, %v", got, err)
	}
	mutation.RecordStatus(t.Context(), 201) // of no write: nothing happens
}
