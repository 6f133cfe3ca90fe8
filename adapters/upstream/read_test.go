package upstream_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drmhub/drmhub/adapters/upstream"
)

func TestReadsAreRepeatedAfterWhatMayPass(t *testing.T) {
	for name, bad := range map[string]http.HandlerFunc{
		"500":           answer(500, "x"),
		"502":           answer(502, "<html>"),
		"503":           answer(503, ""),
		"cut":           cut(200, `{"name":"si`),
		"cut at once":   abort,
		"time-out":      stall,
		"stalled body":  stallHalfway,
		"retry-after 0": answer(503, "", "Retry-After", "0"),
	} {
		t.Run(name, func(t *testing.T) {
			against(t, inTurn(bad, bad, working), upstream.Options{}, func(t *testing.T, v *vendor) {
				into := site{"kept from before"}
				if _, err := v.Read(t.Context(), get, &into); err != nil || into.Name != "one" {
					t.Fatalf("%+v, %v", into, err)
				}
				v.wantCalls(t, 3)
			})
			against(t, bad, upstream.Options{}, func(t *testing.T, v *vendor) {
				e := want(t, v.read(t.Context()), unavailable, "GET /sites")
				if strings.Contains(e.Message, "not sent") {
					t.Errorf("message %q", e.Message)
				}
				v.wantCalls(t, 3)
			})
		})
	}
}

func stallHalfway(w http.ResponseWriter, r *http.Request) {
	answer(200, `{"name":"half`)(w, r)
	_ = http.NewResponseController(w).Flush()
	stall(w, r)
}

func TestPausesGrowAndStayShort(t *testing.T) {
	var at []time.Time
	handler := func(w http.ResponseWriter, _ *http.Request) {
		at = append(at, time.Now())
		w.WriteHeader(500)
	}
	against(t, handler, upstream.Options{}, func(t *testing.T, v *vendor) {
		seen := map[time.Duration]bool{}
		for range 3 {
			at = nil
			_ = v.read(t.Context())
			first, second := at[1].Sub(at[0]), at[2].Sub(at[1])
			if first.Truncate(100*time.Millisecond) != 100*time.Millisecond ||
				second.Truncate(200*time.Millisecond) != 200*time.Millisecond {
				t.Errorf("pauses %v, %v", first, second)
			}
			seen[first] = true
		}
		if len(seen) == 1 {
			t.Errorf("every caller pauses alike: %v", seen)
		}
	})
}

func TestHowLongAReadTakes(t *testing.T) {
	second, forever := time.Second, time.Hour
	seven, none := upstream.Limits{Timeout: new(7 * second)}, upstream.Limits{}
	for name, test := range map[string]struct {
		handler  http.HandlerFunc
		limits   upstream.Limits
		deadline time.Duration
		kind     errorKind
		says     string
		took     time.Duration // without the pauses, which are below a second
		calls    int64
	}{
		"three timeouts":             {stall, seven, forever, unavailable, "7s", 21 * second, 3},
		"three default timeouts":     {stall, none, forever, unavailable, "30s", 90 * second, 3},
		"the caller's deadline":      {stall, none, 10 * second, expired, "", 10 * second, 1},
		"no pause past the deadline": {answer(500, ""), none, 90 * time.Millisecond, unavailable, "", 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			against(t, test.handler, upstream.Options{Limits: test.limits}, func(t *testing.T, v *vendor) {
				start := time.Now()
				want(t, v.read(within(t, test.deadline)), test.kind, test.says)
				took := time.Since(start)
				if took.Truncate(second) != test.took || test.calls == 1 && took != test.took {
					t.Errorf("took %v, want %v", took, test.took)
				}
				v.wantCalls(t, test.calls)
			})
		})
	}
}

func TestACallerWhoLeavesEndsARead(t *testing.T) {
	against(t, answer(500, ""), upstream.Options{}, func(t *testing.T, v *vendor) {
		want(t, v.read(leaving(t, 50*time.Millisecond)), canceled, "") // in the first pause
		v.wantCalls(t, 1)
	})
	gone := make(chan struct{})
	handler := func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		close(gone)
	}
	against(t, handler, upstream.Options{}, func(t *testing.T, v *vendor) {
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error)
		go func() { failed <- v.read(ctx) }()
		synctest.Wait()
		cancel()
		want(t, <-failed, canceled, "")
		<-gone
		v.wantCalls(t, 1)
	})
}
