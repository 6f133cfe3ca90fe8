package upstream_test

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

func TestReadsAreRepeatedAfterWhatMayPass(t *testing.T) {
	for name, bad := range map[string]http.HandlerFunc{
		"500":           answer(500, "x"),
		"502":           answer(502, "<html>"),
		"503":           answer(503, ""),
		"cut":           cut,
		"cut at once":   func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"time-out":      stall,
		"stalled body":  stallHalfway,
		"retry-after 0": answer(503, "", "Retry-After", "0"),
	} {
		t.Run(name, func(t *testing.T) {
			against(t, inTurn(bad, bad, working), upstream.Options{}, func(t *testing.T, v *vendor, c *upstream.Client) {
				into := site{"kept from before"}
				if _, err := c.Read(t.Context(), get, &into); err != nil || into.Name != "one" {
					t.Fatalf("%+v, %v", into, err)
				}
				wantCalls(t, v, 3)
			})
		})
		t.Run(name+" for good", func(t *testing.T) {
			against(t, bad, upstream.Options{}, func(t *testing.T, v *vendor, c *upstream.Client) {
				_, err := c.Read(t.Context(), get, &site{})
				e := want(t, err, codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE)
				if strings.Contains(e.Message, "not sent") || !strings.Contains(e.Message, "GET /sites") {
					t.Errorf("message %q", e.Message)
				}
				wantCalls(t, v, 3)
			})
		})
	}
}

func stallHalfway(w http.ResponseWriter, r *http.Request) {
	answer(200, `{"name":"half`)(w, r)
	_ = http.NewResponseController(w).Flush()
	stall(w, r)
}

func TestNoReadIsRepeatedAfterWhatStays(t *testing.T) {
	for _, status := range []int{302, 400, 401, 403, 404, 409, 410, 422, 429, 501} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			against(t, answer(status, "{}"), upstream.Options{}, func(t *testing.T, v *vendor, c *upstream.Client) {
				if _, err := c.Read(t.Context(), get, &site{}); err == nil {
					t.Error("no error")
				}
				wantCalls(t, v, 1)
			})
		})
	}
}

func TestPausesGrowAndStayShort(t *testing.T) {
	var at []time.Time
	handler := func(w http.ResponseWriter, _ *http.Request) {
		at = append(at, time.Now())
		w.WriteHeader(500)
	}
	against(t, handler, upstream.Options{}, func(t *testing.T, _ *vendor, c *upstream.Client) {
		seen := map[time.Duration]bool{}
		for range 3 {
			at = nil
			_, _ = c.Read(t.Context(), get, nil)
			first, second := at[1].Sub(at[0]), at[2].Sub(at[1])
			if first < 100*time.Millisecond || first >= 200*time.Millisecond || second < 200*time.Millisecond || second >= 400*time.Millisecond {
				t.Errorf("pauses %v, %v", first, second)
			}
			seen[first] = true
		}
		if len(seen) == 1 {
			t.Errorf("every caller pauses alike: %v", seen)
		}
	})
}

func TestTheOwnTimeoutIsNotTheCallersDeadline(t *testing.T) {
	against(t, stall, upstream.Options{Timeout: 7 * time.Second}, func(t *testing.T, v *vendor, c *upstream.Client) {
		start := time.Now()
		_, err := c.Read(t.Context(), get, &site{})
		e := want(t, err, codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE)
		if took := time.Since(start); took < 21*time.Second || took > 22*time.Second || !strings.Contains(e.Message, "7s") {
			t.Errorf("three attempts took %v: %q", took, e.Message)
		}
		wantCalls(t, v, 3)
	})
	against(t, stall, upstream.Options{}, func(t *testing.T, v *vendor, c *upstream.Client) {
		start := time.Now()
		_, err := c.Read(within(t, 10*time.Second), get, &site{})
		want(t, err, codes.DeadlineExceeded, pb.ErrorReason_DEADLINE_PASSED)
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("took %v", took)
		}
		wantCalls(t, v, 1)
	})
	against(t, stall, upstream.Options{}, func(t *testing.T, v *vendor, c *upstream.Client) {
		start := time.Now()
		_, _ = c.Read(t.Context(), get, nil)
		if took := time.Since(start); took < 90*time.Second || took > 91*time.Second {
			t.Errorf("three attempts of 30 s took %v", took)
		}
	})
}

func TestNoPauseOutlastsTheDeadline(t *testing.T) {
	against(t, answer(500, ""), upstream.Options{}, func(t *testing.T, v *vendor, c *upstream.Client) {
		start := time.Now()
		_, err := c.Read(within(t, 90*time.Millisecond), get, nil)
		want(t, err, codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE)
		if took := time.Since(start); took != 0 {
			t.Errorf("waited %v for a pause that the deadline does not leave room for", took)
		}
		wantCalls(t, v, 1)
	})
}

func TestACallerWhoLeavesInAPauseIsLetGo(t *testing.T) {
	against(t, answer(500, ""), upstream.Options{}, func(t *testing.T, v *vendor, c *upstream.Client) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, cancel)
		_, err := c.Read(ctx, get, nil)
		want(t, err, codes.Canceled, pb.ErrorReason_CALL_CANCELLED)
		wantCalls(t, v, 1)
	})
}
