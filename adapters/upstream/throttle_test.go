package upstream_test

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

func TestRetryAfterIsHonoured(t *testing.T) {
	for _, test := range []struct {
		status int
		header func() string
		code   codes.Code
		reason pb.ErrorReason
	}{
		{429, func() string { return "120" }, codes.ResourceExhausted, pb.ErrorReason_VENDOR_RATE_LIMITED},
		{429, func() string { return time.Now().Add(2 * time.Minute).UTC().Format(http.TimeFormat) }, codes.ResourceExhausted, pb.ErrorReason_VENDOR_RATE_LIMITED},
		{503, func() string { return "120" }, codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE},
	} {
		throttled := func(w http.ResponseWriter, r *http.Request) {
			answer(test.status, "", "Retry-After", test.header())(w, r)
		}
		against(t, inTurn(throttled, working), upstream.Options{}, func(t *testing.T, v *vendor, c *upstream.Client) {
			_, err := c.Read(t.Context(), get, &site{})
			if e := want(t, err, test.code, test.reason); e.RetryAfter != 2*time.Minute || e.Metadata[apierror.VendorHTTPStatus] != strconv.Itoa(test.status) {
				t.Fatalf("%+v", e)
			}
			time.Sleep(50 * time.Second) // virtual
			start := time.Now()
			_, err = c.Read(t.Context(), get, &site{})
			e := want(t, err, test.code, test.reason)
			if e.RetryAfter != 70*time.Second || !strings.HasPrefix(e.Message, "not sent: ") || time.Since(start) != 0 {
				t.Fatalf("after %v: %+v", time.Since(start), e)
			}
			wantCalls(t, v, 1)
			if _, err := c.WriteOnRecord(t.Context(), post, nil); err != nil {
				t.Errorf("a write is tried all the same, but: %v", err)
			}
			time.Sleep(70 * time.Second)
			if _, err := c.Read(t.Context(), get, &site{}); err != nil {
				t.Error(err)
			}
			wantCalls(t, v, 3)
		})
	}
}

func TestAPauseWithoutAnEndIsTriedAgain(t *testing.T) {
	against(t, inTurn(answer(429, "", "Retry-After", "999999999999999999999"), working), upstream.Options{}, func(t *testing.T, _ *vendor, c *upstream.Client) {
		_, err := c.Read(t.Context(), get, nil)
		if e := want(t, err, codes.ResourceExhausted, pb.ErrorReason_VENDOR_RATE_LIMITED); e.RetryAfter != 24*time.Hour {
			t.Errorf("RetryAfter %v", e.RetryAfter)
		}
		time.Sleep(5 * time.Minute) // virtual
		if _, err := c.Read(t.Context(), get, nil); err != nil {
			t.Error(err)
		}
	})
}

func TestNobodyIsHeldBackWithoutRetryAfter(t *testing.T) {
	against(t, inTurn(answer(429, ""), working), upstream.Options{}, func(t *testing.T, _ *vendor, c *upstream.Client) {
		_, err := c.Read(t.Context(), get, nil)
		if e := want(t, err, codes.ResourceExhausted, pb.ErrorReason_VENDOR_RATE_LIMITED); e.RetryAfter != 0 {
			t.Errorf("RetryAfter %v, though the vendor did not say", e.RetryAfter)
		}
		if _, err := c.Read(t.Context(), get, nil); err != nil {
			t.Error(err)
		}
	})
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
	against(t, handler, upstream.Options{MaxPerSecond: 2}, func(t *testing.T, v *vendor, c *upstream.Client) {
		start = time.Now()
		for range 4 {
			go c.Read(t.Context(), get, nil)
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 1900*time.Millisecond)
		defer cancel()
		for _, call := range []func(context.Context, upstream.Request, any) (*upstream.Response, error){c.Read, c.WriteOnRecord} {
			_, err := call(ctx, post, nil)
			if e := want(t, err, codes.ResourceExhausted, pb.ErrorReason_VENDOR_RATE_LIMITED); !strings.HasPrefix(e.Message, "not sent: ") {
				t.Errorf("message %q", e.Message)
			}
			if time.Since(start) != 0 {
				t.Error("waited in vain")
			}
		}
		leaving, leave := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, leave)
		_, err := c.Read(leaving, get, nil)
		want(t, err, codes.Canceled, pb.ErrorReason_CALL_CANCELLED)
		time.Sleep(10 * time.Second) // virtual
		wantCalls(t, v, 4)
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
