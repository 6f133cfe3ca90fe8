package upstream_test

import (
	"context"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/upstream"
)

func TestWhatLanesAndBreakersTake(t *testing.T) {
	lane := func(set func(*upstream.Lane)) func(func(key, problem string)) {
		l := upstream.DefaultLane()
		set(&l)
		return l.Check
	}
	breaker := func(set func(*upstream.Breaker)) func(func(key, problem string)) {
		b := upstream.DefaultBreaker()
		set(&b)
		return b.Check
	}
	const rate = "requests_per_second"
	for name, c := range map[string]struct {
		check func(func(key, problem string))
		wrong string
	}{
		"the default lane":    {lane(func(*upstream.Lane) {}), ""},
		"no queue":            {lane(func(l *upstream.Lane) { l.Queue, l.MaxWait = 0, 0 }), ""},
		"no limit":            {lane(func(l *upstream.Lane) { l.RequestsPerSecond = 0 }), ""},
		"no reads":            {lane(func(l *upstream.Lane) { l.Reads = 0 }), "reads"},
		"too many reads":      {lane(func(l *upstream.Lane) { l.Reads = 1001 }), "reads"},
		"no writes":           {lane(func(l *upstream.Lane) { l.Writes = -1 }), "writes"},
		"a negative queue":    {lane(func(l *upstream.Lane) { l.Queue = -1 }), "queue"},
		"a negative wait":     {lane(func(l *upstream.Lane) { l.MaxWait = -1 }), "max_wait"},
		"a long wait":         {lane(func(l *upstream.Lane) { l.MaxWait = time.Hour }), "max_wait"},
		"a negative rate":     {lane(func(l *upstream.Lane) { l.RequestsPerSecond = -1 }), rate},
		"no rate":             {lane(func(l *upstream.Lane) { l.RequestsPerSecond = math.NaN() }), rate},
		"a long timeout":      {lane(func(l *upstream.Lane) { l.Timeout = time.Hour }), "timeout"},
		"no timeout":          {lane(func(l *upstream.Lane) { l.Timeout = 0 }), "timeout"},
		"the default breaker": {breaker(func(*upstream.Breaker) {}), ""},
		"all must fail":       {breaker(func(b *upstream.Breaker) { b.FailureRate, b.MinCalls = 1, 1 }), ""},
		"none must fail":      {breaker(func(b *upstream.Breaker) { b.FailureRate = 0 }), "failure_rate"},
		"percent":             {breaker(func(b *upstream.Breaker) { b.FailureRate = 50 }), "failure_rate"},
		"no share":            {breaker(func(b *upstream.Breaker) { b.FailureRate = math.NaN() }), "failure_rate"},
		"no calls":            {breaker(func(b *upstream.Breaker) { b.MinCalls = 0 }), "min_calls"},
		"no window":           {breaker(func(b *upstream.Breaker) { b.Window = time.Millisecond }), "window"},
		"no delay":            {breaker(func(b *upstream.Breaker) { b.Delay = 0 }), "delay"},
	} {
		var keys []string
		c.check(func(key, problem string) {
			if problem == "" {
				t.Errorf("%s: %s has no message", name, key)
			}
			keys = append(keys, key)
		})
		if got := strings.Join(keys, " "); got != c.wrong {
			t.Errorf("%s: wrong are %q, want %q", name, got, c.wrong)
		}
	}
}

// narrow returns options of an account with these places, and a limit of the rate if it is above 0.
func narrow(l upstream.Lane) upstream.Options {
	l.Timeout = 30 * time.Second
	account := upstream.NewAccount("acme")
	account.Configure(l, upstream.Breaker{})
	return upstream.Options{Connection: upstream.Connection{Account: account}}
}

// wantLane demands how many requests a lane has under way, waiting, and refused for want of a
// place.
func (v *vendor) wantLane(t *testing.T, name string, used, waiting int, refused uint64) {
	t.Helper()
	synctest.Wait()
	lanes := v.Status().Lanes
	i := slices.IndexFunc(lanes, func(l upstream.LaneStatus) bool { return l.Name == name })
	if l := lanes[i]; l.Used != used || l.Waiting != waiting || l.Refused[upstream.RefusedByLane] != refused {
		t.Errorf("%+v, want %d used, %d waiting, %d refused", l, used, waiting, refused)
	}
}

func TestAFullLaneRefusesAtOnce(t *testing.T) {
	l := upstream.Lane{Reads: 2, Writes: 1, Queue: 3, MaxWait: 2 * time.Second}
	for i, lane := range []string{"reads", "writes"} {
		against(t, stall, narrow(l), func(t *testing.T, v *vendor) {
			call, places := both[i], [...]int{2, 1}[i]
			ctx, leave := context.WithCancel(t.Context())
			for range places {
				go call(v, ctx)
			}
			v.wantLane(t, lane, places, 0, 0)
			begun := time.Now()
			late := make(chan error, 3)
			for range 3 {
				go func() { late <- call(v, t.Context()) }()
			}
			v.wantLane(t, lane, places, 3, 0)
			e := notSent(t, call(v, t.Context()), busy)
			if e.RetryAfter <= 0 || time.Since(begun) != 0 {
				t.Errorf("after %v: %+v", time.Since(begun), e)
			}
			for range 3 {
				notSent(t, <-late, busy)
			}
			if time.Since(begun) != 2*time.Second {
				t.Errorf("refused after %v, want max_wait", time.Since(begun))
			}
			v.wantLane(t, lane, places, 0, 4)
			v.wantCalls(t, int64(places))
			leave()
			v.wantLane(t, lane, 0, 0, 4)
		})
	}
}

// Callers of a vendor that stalls are bounded by the default lane, and one that responds has
// places.
func TestCallersOfAVendorThatStallsAreBounded(t *testing.T) {
	for _, stuck := range []int{100, 1000} {
		against(t, stall, upstream.Options{}, func(t *testing.T, v *vendor) {
			for range stuck {
				go v.read(leaving(t, time.Minute))
			}
			v.wantLane(t, "reads", 32, 64, uint64(stuck-32-64))
			v.wantCalls(t, 32)
			time.Sleep(2 * time.Second)
			v.wantLane(t, "reads", 32, 0, uint64(stuck-32))
		})
	}
}

func TestCallersWhoGiveUpLoseNoPlace(t *testing.T) {
	l := upstream.Lane{Reads: 4, Writes: 1, Queue: 10, MaxWait: 2 * time.Second}
	var stalled atomic.Bool
	stalled.Store(true)
	handler := func(w http.ResponseWriter, r *http.Request) {
		if stalled.Load() {
			stall(w, r)
			return
		}
		working(w, r)
	}
	against(t, handler, narrow(l), func(t *testing.T, v *vendor) {
		for i := range 40 { // Some leave while they wait, others when their request is under way.
			go v.read(leaving(t, time.Duration(i%7)*300*time.Millisecond))
		}
		time.Sleep(5 * time.Second)
		v.wantLane(t, "reads", 0, 0, v.Status().Lanes[0].Refused[upstream.RefusedByLane])
		stalled.Store(false)
		for range 4 {
			if err := v.read(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
}

// The lanes are apart, and a mutation's reads are not in that of reads.
func TestReadsDoNotHoldUpMutationsOrBackgroundWork(t *testing.T) {
	l := upstream.Lane{Reads: 1, Writes: 1, Queue: 0}
	handler := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == slow.Path {
			stall(w, r)
			return
		}
		working(w, r)
	}
	against(t, http.HandlerFunc(handler), narrow(l), func(t *testing.T, v *vendor) {
		go v.Read(leaving(t, time.Second), slow, nil)
		v.wantLane(t, "reads", 1, 0, 0)
		inMutation := mutation.NewContext(t.Context(), mutation.NewMemory())
		settling := mutation.NewContext(t.Context(), settlingLog{mutation.NewMemory()})
		for _, ctx := range []context.Context{inMutation, upstream.Background(t.Context()), settling} {
			if err := v.read(ctx); err != nil {
				t.Error(err)
			}
		}
		if err := v.write(t.Context()); err != nil {
			t.Error(err)
		}
		notSent(t, v.read(t.Context()), busy)
		go v.Read(upstream.Background(leaving(t, time.Second)), slow, nil)
		v.wantLane(t, "background", 1, 0, 0)
		notSent(t, v.read(upstream.Background(t.Context())), busy)
		if err := v.write(t.Context()); err != nil {
			t.Error(err)
		}
		v.wantLane(t, "background", 1, 0, 1)
	})
}

// settlingLog is the log of a run without a caller.
type settlingLog struct{ *mutation.Memory }

func (settlingLog) Settling() bool { return true }

// A mutation that has made a request must not end half done because others are quicker.
func TestAMutationThatHasBegunIsNotRefused(t *testing.T) {
	l := upstream.Lane{Reads: 1, Writes: 1, Queue: 1, MaxWait: time.Second}
	tenSeconds := func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			time.Sleep(10 * time.Second)
		}
		working(w, r)
	}
	against(t, tenSeconds, narrow(l), func(t *testing.T, v *vendor) {
		begun := mutation.NewContext(t.Context(), mutation.NewMemory())
		if err := v.read(begun); err != nil {
			t.Fatal(err)
		}
		go v.write(t.Context())
		v.wantLane(t, "writes", 1, 0, 0)
		other := make(chan error)
		go func() { other <- v.write(t.Context()) }()
		v.wantLane(t, "writes", 1, 1, 0)
		start := time.Now()
		if err := v.read(begun); err != nil || time.Since(start) != 10*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		notSent(t, <-other, busy)
	})
}

func TestAPlaceIsGivenBackDuringTheRetrysPause(t *testing.T) {
	l := upstream.Lane{Reads: 1, Writes: 1, Queue: 0}
	failing := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == slow.Path {
			w.WriteHeader(503)
			return
		}
		working(w, r)
	}
	against(t, failing, narrow(l), func(t *testing.T, v *vendor) {
		failed := make(chan error)
		go func() { _, err := v.Read(t.Context(), slow, nil); failed <- err }()
		v.wantLane(t, "reads", 0, 0, 0)
		if err := v.read(t.Context()); err != nil {
			t.Errorf("in the pause: %v", err)
		}
		want(t, <-failed, unavailable, "HTTP 503")
		v.wantCalls(t, 4)
	})
}

// A login takes no place, or calls with all the places would wait for it without end.
func TestALoginNeedsNoPlace(t *testing.T) {
	var login func(context.Context) error
	o := narrow(upstream.Lane{Reads: 1, Writes: 1, Queue: 0})
	o.Sign = func(ctx context.Context, _ *http.Request) error { return login(ctx) }
	against(t, working, o, func(t *testing.T, v *vendor) {
		login = func(ctx context.Context) error {
			_, err := v.Read(context.WithoutCancel(ctx), upstream.Request{Path: "/login", Unsigned: true}, nil)
			return err
		}
		if err := v.read(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestConfigureKeepsPlacesAndState(t *testing.T) {
	l := upstream.Lane{Reads: 2, Writes: 1, Queue: 10, MaxWait: time.Minute, Timeout: 30 * time.Second}
	var failing atomic.Bool
	against(t, ailing(&failing, stall), narrow(l), func(t *testing.T, v *vendor) {
		v.open(t)
		opened := v.Status().Breakers[0]
		time.Sleep(time.Second)
		v.Configure(l, upstream.Breaker{FailureRate: 0.9, MinCalls: 5, Window: time.Minute, Delay: 7 * time.Second})
		if b := v.Status().Breakers[0]; b != opened || b.State != "open" {
			t.Errorf("%+v, want %+v", b, opened)
		}
		notSent(t, v.read(t.Context()), unavailable)
		failing.Store(false)
		time.Sleep(7 * time.Second)
		if err := v.read(t.Context()); err != nil {
			t.Fatal(err)
		}

		ctx, leave := context.WithCancel(t.Context())
		for range 5 {
			go v.Read(ctx, slow, nil)
		}
		v.wantLane(t, "reads", 2, 3, 0)
		for _, reads := range []int{1, 4, 3, 100} {
			l.Reads = reads
			v.Configure(l, upstream.DefaultBreaker())
			used := map[int]int{1: 2, 4: 4, 3: 4, 100: 5}[reads]
			v.wantLane(t, "reads", used, 5-used, 0)
		}
		leave()
		v.wantLane(t, "reads", 0, 0, 0)

		l.Timeout = 5 * time.Second
		v.Configure(l, upstream.Breaker{})
		_, err := v.Read(t.Context(), slow, nil)
		want(t, err, unavailable, "5s")
	})
}

func TestTheBreakerCountsCallsInAWindow(t *testing.T) {
	b := upstream.Breaker{FailureRate: 0.5, MinCalls: 4, Window: 10 * time.Second, Delay: 3 * time.Second}
	lane := upstream.Lane{Reads: 100, Writes: 8}
	against(t, answer(503, ""), narrow(lane), func(t *testing.T, v *vendor) {
		v.Configure(lane, b)
		for range 3 {
			_ = v.read(t.Context())
		}
		time.Sleep(12 * time.Second) // These count no more.
		for i := range 5 {
			if state := v.Status().Breakers[0].State; (state == "open") != (i >= 4) {
				t.Errorf("before call %d: %s", i+1, state)
			}
			_ = v.read(t.Context())
		}
	})
}

// A client that replaces another finds the account as it was.
func TestTheStateOutlivesAClient(t *testing.T) {
	var failing atomic.Bool
	against(t, ailing(&failing, nil), upstream.Options{}, func(t *testing.T, v *vendor) {
		v.open(t)
		next, err := upstream.New(upstream.Options{
			BaseURL:    "http://vendor.test",
			Connection: upstream.Connection{Account: v.Account, Transport: http.DefaultTransport},
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = next.Read(t.Context(), get, nil)
		notSent(t, err, unavailable)
		ours := upstream.Connection{Account: v.Account}
		other := ours.Another().Account
		if other == v.Account || other != ours.Another().Account || other.Status().Breakers[0].State != "closed" {
			t.Errorf("the state at another service is %+v", other.Status())
		}
	})
}
