package upstream_test

import (
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/upstream"
)

func TestRetryAfterIsHonored(t *testing.T) {
	seconds := func() string { return "120" }
	date := func() string { return time.Now().Add(2 * time.Minute).UTC().Format(http.TimeFormat) }
	for _, test := range []struct {
		status int
		header func() string
		kind   errorKind
	}{
		{429, seconds, limited}, {429, date, limited}, {503, seconds, unavailable},
	} {
		throttled := func(w http.ResponseWriter, r *http.Request) {
			answer(test.status, "", "Retry-After", test.header())(w, r)
		}
		against(t, inTurn(throttled, working), upstream.Options{}, func(t *testing.T, v *vendor) {
			e := want(t, v.read(t.Context()), test.kind, "")
			status := e.Metadata[apierror.VendorHTTPStatus]
			if e.RetryAfter != 2*time.Minute || status != strconv.Itoa(test.status) {
				t.Fatalf("%+v", e)
			}
			time.Sleep(50 * time.Second) // virtual
			start := time.Now()
			e = notSent(t, v.read(t.Context()), test.kind)
			if e.RetryAfter != 70*time.Second || time.Since(start) != 0 {
				t.Fatalf("after %v: %+v", time.Since(start), e)
			}
			v.wantCalls(t, 1)
			if err := v.write(t.Context()); err != nil {
				t.Errorf("a write is tried all the same, but: %v", err)
			}
			time.Sleep(70 * time.Second)
			if err := v.read(t.Context()); err != nil {
				t.Error(err)
			}
			v.wantCalls(t, 3)
		})
	}
}

// A pause without an end is tried again after five minutes, and no pause at once.
func TestOtherPausesAreTriedAgain(t *testing.T) {
	for header, pause := range map[string]time.Duration{"999999999999999999999": 24 * time.Hour, "": 0} {
		o := upstream.Options{}
		against(t, inTurn(answer(429, "", "Retry-After", header), working), o, func(t *testing.T, v *vendor) {
			if e := want(t, v.read(t.Context()), limited, ""); e.RetryAfter != pause {
				t.Errorf("Retry-After %q: the pause is %v, want %v", header, e.RetryAfter, pause)
			}
			time.Sleep(min(pause, 5*time.Minute)) // virtual
			if err := v.read(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestPacing(t *testing.T) {
	var mu sync.Mutex
	var at []time.Duration
	start := time.Time{}
	handler := func(http.ResponseWriter, *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		at = append(at, time.Since(start))
	}
	o := upstream.Options{Limits: upstream.Limits{RequestsPerSecond: new(2.0)}}
	against(t, handler, o, func(t *testing.T, v *vendor) {
		start = time.Now()
		for range 4 {
			go v.Read(t.Context(), get, nil)
		}
		synctest.Wait()
		for _, call := range both {
			notSent(t, call(v, within(t, 1900*time.Millisecond)), limited)
			if time.Since(start) != 0 {
				t.Error("waited in vain")
			}
		}
		want(t, v.read(leaving(t, time.Second)), canceled, "")
		time.Sleep(10 * time.Second) // virtual
		v.wantCalls(t, 4)
		mu.Lock()
		defer mu.Unlock()
		for i, d := range at {
			if d != time.Duration(i)*500*time.Millisecond {
				t.Errorf("requests came at %v", at)
				break
			}
		}
	})
}
