package upstream_test

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/upstream"
)

const breakerDelay = 5 * time.Second // virtual

var slow = upstream.Request{Path: "/slow"}

// ailing returns a handler that fails while failing is true. Otherwise it handles /slow by its own
// handler.
func ailing(failing *atomic.Bool, onSlow http.HandlerFunc) http.HandlerFunc {
	failing.Store(true)
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case failing.Load():
			w.WriteHeader(503)
		case r.URL.Path == slow.Path:
			onSlow(w, r)
		default:
			working(w, r)
		}
	}
}

// callsToOpen are the requests of twenty reads that fail. Then the breaker opens. Four reads are
// tried again, until there are too many failures to do so.
const callsToOpen = minCalls + 2*3 + 1

const minCalls = 20 // of the default breaker

// open makes twenty calls that fail, and so opens the breaker.
func (v *vendor) open(t *testing.T) {
	for range minCalls {
		_, _ = v.Read(t.Context(), upstream.Request{Path: "/x", Unsigned: true}, nil)
	}
	v.wantCalls(t, callsToOpen)
}

func TestADownVendorIsLeftAlone(t *testing.T) {
	var failing atomic.Bool
	logins := 0
	o := upstream.Options{Sign: func(context.Context, *http.Request) error { logins++; return nil }}
	against(t, ailing(&failing, nil), o, func(t *testing.T, v *vendor) {
		for i := range 2 * minCalls {
			e := want(t, v.read(t.Context()), unavailable, "")
			if told := strings.Contains(e.Message, "HTTP 503"); told != (i < minCalls) {
				t.Errorf("read %d: %q", i+1, e.Message)
			}
		}
		v.wantCalls(t, callsToOpen)
		start := time.Now()
		notSent(t, v.read(t.Context()), unavailable)
		if time.Since(start) != 0 {
			t.Error("an open breaker kept the caller waiting")
		}
		if v.wantCalls(t, callsToOpen); logins != callsToOpen {
			t.Errorf("%d requests were signed, though %d were sent", logins, callsToOpen)
		}

		time.Sleep(breakerDelay)
		_ = v.read(t.Context())
		v.wantCalls(t, callsToOpen+1) // a single trial, which fails
		time.Sleep(breakerDelay)
		failing.Store(false)
		for range 3 {
			if err := v.read(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestAMutationPassesWhatReadsHaveOpened(t *testing.T) {
	var failing atomic.Bool
	against(t, ailing(&failing, nil), upstream.Options{}, func(t *testing.T, v *vendor) {
		v.open(t)
		notSent(t, v.read(t.Context()), unavailable)
		for i := range 2 * minCalls { // Mutations do not flood the vendor either.
			e := want(t, v.write(t.Context()), [...]errorKind{unknown, unavailable}[i/minCalls], "")
			if i >= minCalls && !strings.HasPrefix(e.Message, "not sent: ") {
				t.Errorf("write %d: %q", i+1, e.Message)
			}
		}
		v.wantCalls(t, callsToOpen+minCalls)
	})
	against(t, ailing(&failing, nil), upstream.Options{}, func(t *testing.T, v *vendor) {
		v.open(t)
		failing.Store(false)
		inMutation := mutation.NewContext(t.Context(), mutation.NewMemory())
		if err := v.read(inMutation); err != nil { // A mutation reads before it writes.
			t.Fatal(err)
		}
		if err := v.read(t.Context()); err != nil {
			t.Errorf("after a mutation has reached the vendor: %v", err)
		}
	})
	against(t, ailing(&failing, nil), upstream.Options{}, func(t *testing.T, v *vendor) {
		for range minCalls {
			want(t, v.write(t.Context()), unknown, "")
		}
		notSent(t, v.read(t.Context()), unavailable) // Mutations count for reads.
	})
}

func TestOneIDThatFailsDoesNotOpenTheBreaker(t *testing.T) {
	odd := func(id string) upstream.Request {
		return upstream.Request{Path: "/sites", Query: url.Values{"id": {id}}}
	}
	handler := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("id") || r.Method == http.MethodPost {
			w.WriteHeader(500)
			return
		}
		working(w, r)
	}
	against(t, http.HandlerFunc(handler), upstream.Options{}, func(t *testing.T, v *vendor) {
		for range 30 {
			_, err := v.Read(t.Context(), odd("odd"), nil)
			want(t, err, unavailable, "HTTP 500")
			want(t, v.write(t.Context()), unknown, "HTTP 500")
		}
		if err := v.read(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Second) // The breaker counts the calls of this time.
		for id := range 2 * minCalls {
			if v.Account.Status().Breakers[0].State == "open" {
				break
			}
			_, err := v.Read(t.Context(), odd(strconv.Itoa(id)), nil)
			want(t, err, unavailable, "HTTP 500")
		}
		notSent(t, v.read(t.Context()), unavailable)
	})
}

func TestAHalfOpenBreaker(t *testing.T) {
	var failing atomic.Bool
	var login func(context.Context) error
	o := upstream.Options{Sign: func(ctx context.Context, _ *http.Request) error { return login(ctx) }}
	against(t, ailing(&failing, nil), o, func(t *testing.T, v *vendor) {
		login = func(ctx context.Context) error {
			_, err := v.Read(ctx, upstream.Request{Method: "POST", Path: "/login", Unsigned: true}, nil)
			return err
		}
		v.open(t)
		failing.Store(false)
		time.Sleep(breakerDelay)
		if err := v.read(t.Context()); err != nil {
			t.Errorf("after a login: %v", err)
		}
	})
	against(t, ailing(&failing, stall), upstream.Options{}, func(t *testing.T, v *vendor) {
		v.open(t)
		failing.Store(false)
		time.Sleep(breakerDelay)
		for _, caller := range []func(*testing.T, time.Duration) context.Context{within, leaving, within} {
			trial := make(chan error)
			go func() { _, err := v.Read(caller(t, time.Second), slow, nil); trial <- err }()
			synctest.Wait()
			notSent(t, v.read(t.Context()), unavailable) // One call tries at a time.
			<-trial
		}
		if err := v.read(t.Context()); err != nil {
			t.Errorf("after trials that their callers ended: %v", err)
		}
	})
	against(t, ailing(&failing, stall), upstream.Options{}, func(t *testing.T, v *vendor) {
		v.open(t)
		failing.Store(false)
		time.Sleep(breakerDelay)
		_, err := v.Read(within(t, time.Second), slow, nil)
		want(t, err, expired, "")
		_, err = v.Read(t.Context(), slow, nil)
		want(t, err, unavailable, "30s")
		notSent(t, v.read(t.Context()), unavailable) // The vendor stalls, so there is another delay.
	})
	second := func(http.ResponseWriter, *http.Request) { time.Sleep(time.Second) }
	against(t, ailing(&failing, second), upstream.Options{}, func(t *testing.T, v *vendor) {
		v.open(t)
		failing.Store(false)
		time.Sleep(breakerDelay)
		var passed, refused atomic.Int64
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				if _, err := v.Read(t.Context(), slow, nil); err == nil {
					passed.Add(1)
				} else if strings.HasPrefix(err.Error(), "not sent: ") {
					refused.Add(1)
				}
			})
		}
		wg.Wait()
		if passed.Load() != 1 || refused.Load() != 4 {
			t.Errorf("%d passed and %d were refused, want 1 and 4", passed.Load(), refused.Load())
		}
	})
}

// Calls that began before the breaker opened say nothing about the vendor's recovery.
func TestOnlyItsTrialOpensAHalfOpenBreakerAgain(t *testing.T) {
	var failing atomic.Bool
	trial := upstream.Request{Path: slow.Path, Query: url.Values{"trial": {"1"}}}
	handler := func(w http.ResponseWriter, r *http.Request) {
		if !r.URL.Query().Has("trial") {
			stall(w, r)
			return
		}
		time.Sleep(4 * time.Second)
	}
	against(t, ailing(&failing, handler), upstream.Options{}, func(t *testing.T, v *vendor) {
		failing.Store(false)
		old := make(chan error)
		for _, ctx := range []context.Context{t.Context(), leaving(t, 29*time.Second)} {
			go func() { _, err := v.Read(ctx, slow, nil); old <- err }()
		}
		time.Sleep(20 * time.Second)
		failing.Store(true)
		for range minCalls {
			_ = v.read(t.Context())
		}
		failing.Store(false)
		time.Sleep(breakerDelay)
		go func() {
			for range 2 {
				<-old
			}
		}()
		if _, err := v.Read(t.Context(), trial, nil); err != nil {
			t.Error(err)
		}
		if err := v.read(t.Context()); err != nil {
			t.Errorf("after a trial that passed: %v", err)
		}
	})
}

func TestRefusalsAndCallersWhoLeaveDoNotOpenTheBreaker(t *testing.T) {
	html := answer(200, "<html>", "Content-Type", "text/html")
	for _, handler := range []http.HandlerFunc{
		answer(400, ""), answer(401, ""), answer(404, ""), answer(429, ""), answer(501, ""), html, stall,
	} {
		against(t, handler, upstream.Options{}, func(t *testing.T, v *vendor) {
			for range 40 {
				_ = v.read(within(t, time.Second))
			}
			v.wantCalls(t, 40)
		})
	}
}

func TestRetriesHaveABudget(t *testing.T) {
	n := 0
	handler := func(w http.ResponseWriter, _ *http.Request) {
		if n++; n%5 < 2 { // two of five fail: too few for the breaker
			w.WriteHeader(500)
		}
	}
	against(t, handler, upstream.Options{}, func(t *testing.T, v *vendor) {
		for range 100 {
			_, _ = v.Read(t.Context(), get, nil)
		}
		before := v.calls.Load()
		for range 100 {
			_, _ = v.Read(t.Context(), get, nil)
		}
		if more := v.calls.Load() - before; more > 115 {
			t.Errorf("100 reads of an ailing vendor became %d requests", more)
		}
		if before < 103 {
			t.Errorf("100 reads became %d requests: nothing was ever repeated", before)
		}
	})
}
