package upstream_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

func TestADownVendorIsLeftAlone(t *testing.T) {
	healthy := false
	handler := func(w http.ResponseWriter, r *http.Request) {
		if healthy {
			working(w, r)
			return
		}
		w.WriteHeader(503)
	}
	logins := 0
	o := upstream.Options{Sign: func(context.Context, *http.Request) error { logins++; return nil }}
	against(t, handler, o, func(t *testing.T, v *vendor, c *upstream.Client) {
		for i := range 20 {
			_, err := c.Read(t.Context(), get, &site{})
			e := want(t, err, codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE)
			// the fourth found the breaker open at its second attempt
			if told := strings.Contains(e.Message, "HTTP 503"); told != (i < 4) {
				t.Errorf("read %d: %q", i+1, e.Message)
			}
		}
		wantCalls(t, v, 10)
		start := time.Now()
		for _, call := range []func(context.Context, upstream.Request, any) (*upstream.Response, error){c.Read, c.WriteOnRecord} {
			_, err := call(t.Context(), post, nil)
			if e := want(t, err, codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE); !strings.HasPrefix(e.Message, "not sent: ") {
				t.Errorf("message %q", e.Message)
			}
		}
		if time.Since(start) != 0 {
			t.Error("an open breaker kept the caller waiting")
		}
		wantCalls(t, v, 10)
		if logins != 10 {
			t.Errorf("%d requests were signed, though 10 were sent", logins)
		}

		time.Sleep(5 * time.Second) // virtual: the breaker's delay
		_, _ = c.Read(t.Context(), get, &site{})
		wantCalls(t, v, 11) // a single trial, which fails
		time.Sleep(5 * time.Second)
		healthy = true
		for range 3 {
			if _, err := c.Read(t.Context(), get, &site{}); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestAHalfOpenBreakerLetsSignLogIn(t *testing.T) {
	var c *upstream.Client
	o := upstream.Options{Sign: func(ctx context.Context, _ *http.Request) error {
		_, err := c.Read(ctx, upstream.Request{Method: "POST", Path: "/login", Unsigned: true}, nil)
		return err
	}}
	failures := make([]http.HandlerFunc, 10)
	for i := range failures {
		failures[i] = answer(500, "")
	}
	against(t, inTurn(append(failures, working)...), o, func(t *testing.T, _ *vendor, client *upstream.Client) {
		c = client
		for range 10 {
			_, _ = c.Read(t.Context(), upstream.Request{Path: "/x", Unsigned: true}, nil)
		}
		time.Sleep(5 * time.Second) // virtual: the breaker's delay
		if _, err := c.Read(t.Context(), get, &site{}); err != nil {
			t.Fatal(err)
		}
	})
}

func TestRefusalsAndCallersWhoLeaveDoNotOpenTheBreaker(t *testing.T) {
	for _, handler := range []http.HandlerFunc{answer(400, ""), answer(401, ""), answer(404, ""), answer(429, ""), answer(501, ""), answer(200, "<html>", "Content-Type", "text/html"), stall} {
		against(t, handler, upstream.Options{}, func(t *testing.T, v *vendor, c *upstream.Client) {
			for range 40 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				_, _ = c.Read(ctx, get, &site{})
				cancel()
			}
			wantCalls(t, v, 40)
		})
	}
}

func TestATrialThatItsCallerEndsDoesNotJamTheBreaker(t *testing.T) {
	failing := true
	handler := func(w http.ResponseWriter, r *http.Request) {
		switch {
		case failing:
			w.WriteHeader(500)
		case r.URL.Path == "/slow":
			stall(w, r)
		}
	}
	against(t, handler, upstream.Options{}, func(t *testing.T, _ *vendor, c *upstream.Client) {
		for range 10 {
			_, _ = c.Read(t.Context(), get, nil)
		}
		failing = false
		time.Sleep(5 * time.Second) // virtual: the breaker's delay
		_, err := c.Read(within(t, time.Second), upstream.Request{Path: "/slow"}, nil)
		want(t, err, codes.DeadlineExceeded, pb.ErrorReason_DEADLINE_PASSED)
		time.Sleep(5 * time.Second)
		if _, err := c.Read(t.Context(), get, nil); err != nil {
			t.Error(err)
		}
	})
}

func TestAHalfOpenBreakerLetsOneThrough(t *testing.T) {
	handler := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			time.Sleep(time.Second) // virtual
			return
		}
		w.WriteHeader(500)
	}
	against(t, handler, upstream.Options{}, func(t *testing.T, v *vendor, c *upstream.Client) {
		for range 10 {
			_, _ = c.Read(t.Context(), get, nil)
		}
		time.Sleep(5 * time.Second) // virtual: the breaker's delay
		var passed, refused atomic.Int64
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				if _, err := c.Read(t.Context(), upstream.Request{Path: "/slow"}, nil); err == nil {
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

func TestRetriesHaveABudget(t *testing.T) {
	n := 0
	handler := func(w http.ResponseWriter, _ *http.Request) {
		if n++; n%5 < 2 { // two of five fail: too few for the breaker
			w.WriteHeader(500)
		}
	}
	against(t, handler, upstream.Options{}, func(t *testing.T, v *vendor, c *upstream.Client) {
		for range 100 {
			_, _ = c.Read(t.Context(), get, nil)
		}
		before := v.calls.Load()
		for range 100 {
			_, _ = c.Read(t.Context(), get, nil)
		}
		if more := v.calls.Load() - before; more > 115 {
			t.Errorf("100 reads of an ailing vendor became %d requests", more)
		}
		if before < 103 {
			t.Errorf("100 reads became %d requests: nothing was ever repeated", before)
		}
	})
}
