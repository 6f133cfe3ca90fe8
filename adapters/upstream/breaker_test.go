package upstream_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

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

// open makes ten calls that fail, and so opens the breaker.
func (v *vendor) open(t *testing.T) {
	for range 10 {
		_, _ = v.Read(t.Context(), upstream.Request{Path: "/x", Unsigned: true}, nil)
	}
	v.wantCalls(t, 10)
}

func TestADownVendorIsLeftAlone(t *testing.T) {
	var failing atomic.Bool
	logins := 0
	o := upstream.Options{Sign: func(context.Context, *http.Request) error { logins++; return nil }}
	against(t, ailing(&failing, nil), o, func(t *testing.T, v *vendor) {
		for i := range 20 {
			e := want(t, v.read(t.Context()), unavailable, "")
			// the fourth found the breaker open at its second attempt
			if told := strings.Contains(e.Message, "HTTP 503"); told != (i < 4) {
				t.Errorf("read %d: %q", i+1, e.Message)
			}
		}
		v.wantCalls(t, 10)
		start := time.Now()
		for _, call := range both {
			notSent(t, call(v, t.Context()), unavailable)
		}
		if time.Since(start) != 0 {
			t.Error("an open breaker kept the caller waiting")
		}
		v.wantCalls(t, 10)
		if logins != 10 {
			t.Errorf("%d requests were signed, though 10 were sent", logins)
		}

		time.Sleep(breakerDelay)
		_ = v.read(t.Context())
		v.wantCalls(t, 11) // a single trial, which fails
		time.Sleep(breakerDelay)
		failing.Store(false)
		for range 3 {
			if err := v.read(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
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
		_, err := v.Read(within(t, time.Second), slow, nil)
		want(t, err, expired, "")
		time.Sleep(breakerDelay)
		if err := v.read(t.Context()); err != nil {
			t.Errorf("after a trial that its caller ended: %v", err)
		}
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
