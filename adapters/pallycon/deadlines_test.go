package pallycon_test

import (
	"context"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/pallycon"
	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// slow returns an adapter to a twin whose replies to one method take a time.
func slow(t *testing.T, method string, delay time.Duration, c pallycon.Config) (*pallycon.Adapter, *emulator.Emulator) {
	t.Helper()
	vendor := demoTwin()
	vendor.Faults().Add(twin.Fault{Kind: twin.FaultDelay, Method: method, Delay: delay})
	return adapterTo(t, c, twin.Transport(vendor)), vendor
}

func TestAReadEndsWithItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := slow(t, http.MethodGet, 20*time.Second, twinConfig())
		if _, err := list(t, a, nil); err != nil {
			t.Errorf("an answer within the time-out: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun := time.Now()
		_, err := a.ListLicenses(ctx, &pb.ListLicensesRequest{Parent: demo})
		wantError(t, "an answer after the deadline", err, codes.DeadlineExceeded, pb.ErrorReason_DEADLINE_PASSED)
		if took := time.Since(begun); took != time.Second {
			t.Errorf("the call ended after %v, and its deadline was a second", took)
		}
	})
}

func TestAWriteUnderWayDoesNotEndWithItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, vendor := slow(t, http.MethodPost, 20*time.Second, twinConfig())
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		ctx = mutation.NewContext(ctx, mutation.NewMemory())
		change, err := a.DisableSite(ctx, &pb.DisableSiteRequest{Name: demo})
		if err != nil || change.GetState() != pb.StatusChange_PENDING {
			t.Errorf("%v, %v; an impatient caller must not make an unknown outcome", change, err)
		}
		wiretest.WantEffects(t, vendor, 1)
	})
}

func TestTheTimeoutIsTheConfiguredOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := twinConfig()
		c.Timeout = new(5 * time.Second)
		a, _ := slow(t, http.MethodPost, time.Hour, c)
		begun := time.Now()
		_, err := disable(t, a, mutation.NewMemory())
		wantError(t, "DisableSite", err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
		if took := time.Since(begun); took != *c.Timeout {
			t.Errorf("the call ended after %v, and the time-out is %v", took, *c.Timeout)
		}
	})
}

func TestADeadlineThatPassesBeforeTheWriteSendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, vendor := slow(t, http.MethodGet, 20*time.Second, twinConfig())
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		log := mutation.NewMemory()
		_, err := a.DisableSite(mutation.NewContext(ctx, log), &pb.DisableSiteRequest{Name: demo})
		wantError(t, "DisableSite", err, codes.DeadlineExceeded, pb.ErrorReason_DEADLINE_PASSED)
		if n := len(wiretest.Requests(vendor, postStatus)); n != 0 || log.Get("suspend").State != mutation.NotSent {
			t.Errorf("%d changes were asked for, and the step is %v", n, log.Get("suspend").State)
		}
	})
}

func TestAVendorThatRecoversIsReadWithoutAnError(t *testing.T) {
	for _, fault := range []twin.Fault{{Kind: twin.FaultCut}, {Kind: twin.FaultCutBody}, wiretest.Answer(503, "")} {
		synctest.Test(t, func(t *testing.T) {
			vendor := demoTwin()
			fault.Times = 2
			vendor.Faults().Add(fault)
			res, err := list(t, adapterTo(t, twinConfig(), twin.Transport(vendor)), nil)
			if err != nil || len(res.GetLicenses()) != 3 {
				t.Errorf("after two times %s: %d rows, %v", fault.Kind, len(res.GetLicenses()), err)
			}
		})
	}
}

// closedPort returns an address on which nothing listens.
func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func TestAVendorThatIsNotThereIsUnavailable(t *testing.T) {
	t.Parallel()
	c := twinConfig()
	c.BaseURL = "http://" + closedPort(t)
	a := adapterTo(t, c, nil)
	_, err := list(t, a, nil)
	wantError(t, "ListLicenses", err, codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE)
	log := mutation.NewMemory()
	_, err = disable(t, a, log)
	wantError(t, "DisableSite", err, codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE)
	if state := log.Get("suspend").State; state != mutation.NotSent {
		t.Errorf("the step is %v, and nothing was sent", state)
	}
}

// writesTo sends POSTs elsewhere.
type writesTo struct {
	address string
	reads   http.RoundTripper
	writes  *http.Transport
}

func (w writesTo) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodPost {
		return w.reads.RoundTrip(r)
	}
	u := *r.URL
	u.Host = w.address
	r.URL = &u
	return w.writes.RoundTrip(r)
}

func TestAWriteThatFindsNobodyHasADefiniteOutcome(t *testing.T) {
	vendor, writes := demoTwin(), &http.Transport{}
	a := adapterTo(t, twinConfig(), writesTo{closedPort(t), twin.Transport(vendor), writes})
	log := mutation.NewMemory()
	for _, what := range []string{"DisableSite", "DisableSite, run again"} {
		_, err := disable(t, a, log)
		wantError(t, what, err, codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE)
		if state := log.Get("suspend").State; state != mutation.Refused {
			t.Errorf("%s: the step is %v, and nothing can have been sent", what, state)
		}
	}
	wiretest.WantEffects(t, vendor, 0)
}
