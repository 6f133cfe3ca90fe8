package telecomx_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/telecomx"
	"github.com/drmhub/drmhub/adapters/telecomx/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// outcome is what becomes of a call.
type outcome struct {
	code   codes.Code
	reason pb.ErrorReason
}

var (
	unavailable  = outcome{codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE}
	unreadable   = outcome{codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID}
	throttled    = outcome{codes.ResourceExhausted, pb.ErrorReason_VENDOR_RATE_LIMITED}
	unauthorized = outcome{codes.FailedPrecondition, pb.ErrorReason_VENDOR_CREDENTIALS_REJECTED}
	forbidden    = outcome{codes.FailedPrecondition, pb.ErrorReason_VENDOR_PERMISSION_DENIED}
	rejected     = outcome{codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED}
	unknown      = outcome{codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN}
)

// vendorFault is a way in which the vendor fails, and what becomes of a call.
type vendorFault struct {
	fault       twin.Fault
	read, write outcome
	retryAfter  time.Duration // that the error tells; an unknown outcome tells none
	status      string        // vendor_http_status
	vendorCode  string        // vendor_code
	took        bool          // a write took effect all the same
	inProcess   bool          // there is no socket
}

var vendorFaults = map[string]vendorFault{
	"a connection cut before the answer":  {twin.Fault{Kind: twin.FaultCut}, unavailable, unknown, 0, "", "", false, false},
	"an answer lost":                      {twin.Fault{Kind: twin.FaultLoseAnswer}, unavailable, unknown, 0, "", "", true, false},
	"an answer cut in the middle":         {twin.Fault{Kind: twin.FaultCutBody}, unavailable, unknown, 0, "200", "", true, false},
	"an answer later than the time-out":   {twin.Fault{Kind: twin.FaultDelay, Delay: time.Hour}, unavailable, unknown, 0, "", "", false, false},
	"half an answer, as if it were whole": {twin.Fault{Kind: twin.FaultMalformed}, unreadable, unknown, 0, "200", "", true, false},
	"an answer without end":               {twin.Fault{Kind: twin.FaultEndless}, unreadable, unknown, 0, "200", "", false, false},
	"a page for people":                   {answer(200, "<html><body>Down for maintenance</body></html>"), unreadable, unknown, 0, "200", "", false, false},
	"an empty answer":                     {answer(200, ""), unreadable, unknown, 0, "200", "", false, false},
	"a redirection":                       {answer(302, "", "Location", "/login"), unreadable, unknown, 0, "302", "", false, false},
	"HTTP 401":                            {answer(401, `{"error":"access_denied"}`), unauthorized, unauthorized, 0, "401", "access_denied", false, false},
	"HTTP 403":                            {answer(403, `access_denied`), forbidden, forbidden, 0, "403", "access_denied", false, false},
	"HTTP 402, which nobody knows":        {answer(402, `{"message":"pay_first"}`), rejected, rejected, 0, "402", "pay_first", false, false},
	"HTTP 429 with a number of seconds":   {answer(429, "", "Retry-After", "7"), throttled, throttled, 7 * time.Second, "429", "", false, false},
	"HTTP 429 without":                    {answer(429, ""), throttled, throttled, 0, "429", "", false, false},
	"HTTP 500":                            {answer(500, `{"error":"internal_error"}`), unavailable, unknown, 0, "500", "internal_error", false, false},
	"HTTP 500 after it took effect":       {twin.Fault{Kind: twin.FaultReplace, Status: 500}, unavailable, unknown, 0, "500", "", true, false},
	"HTTP 502":                            {answer(502, "<html>bad gateway</html>"), unavailable, unknown, 0, "502", "", false, false},
	"HTTP 503 with a number of seconds":   {answer(503, "", "Retry-After", "7"), unavailable, unknown, 7 * time.Second, "503", "", false, false},
	"a success of another form":           {twin.Fault{Kind: twin.FaultReplace, Body: `[7]`}, unreadable, unknown, 0, "200", "", true, false},
}

func TestWhatTheVendorFails(t *testing.T) {
	for name, c := range vendorFaults {
		t.Run(name, func(t *testing.T) {
			c.inProcess = true
			synctest.Test(t, func(t *testing.T) {
				for _, fail := range []func(*testing.T, *telecomx.Adapter, *emulator.Emulator){c.failRead, c.failCreation, c.failRemoval} {
					vendor := duckTwin(emulator.Options{})
					fail(t, adapterTo(t, config(), twin.Transport(vendor)), vendor)
				}
			})
		})
	}
}

func TestTheSameOverTCP(t *testing.T) {
	t.Parallel()
	for name, c := range vendorFaults {
		if c.fault.Delay > 0 || c.retryAfter > 0 {
			continue // these take time, which passes in a bubble only
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, fail := range []func(*testing.T, *telecomx.Adapter, *emulator.Emulator){c.failRead, c.failCreation, c.failRemoval} {
				vendor := duckTwin(emulator.Options{})
				server := httptest.NewServer(vendor)
				t.Cleanup(server.Close)
				at := config()
				at.BaseURL = server.URL
				fail(t, adapterTo(t, at, nil), vendor)
			}
		})
	}
}

// failRead checks what becomes of a read.
func (c vendorFault) failRead(t *testing.T, a *telecomx.Adapter, vendor *emulator.Emulator) {
	again := 0
	// where net/http repeats a read by itself, if a connection breaks that the login has used
	if !c.inProcess {
		again = 1
	}
	c.fault.Path = "/iptv/drm"
	vendor.Faults().Add(c.fault)
	_, err := list(t, a, &pb.ListDrmAccountsRequest{})
	e := wantError(t, "ListDrmAccounts", err, c.read.code, c.read.reason)
	c.wantTold(t, e, c.retryAfter)
	tries := 1
	switch {
	case c.read == unavailable && c.retryAfter == 0:
		// it may pass, and the vendor asks for no pause
		tries = 3
	case c.read == unauthorized, c.read == forbidden: // it may be the token
		tries = 2
	}
	if n := len(requests(vendor, getAccounts)); n < tries || n > tries+again {
		t.Errorf("%d requests were made, want %d", n, tries)
	}
}

func (c vendorFault) failCreation(t *testing.T, a *telecomx.Adapter, vendor *emulator.Emulator) {
	c.fault.Method, c.fault.PathPrefix = http.MethodPost, emulator.APIPrefix
	c.failWrite(t, vendor, "create", func(log *mutation.Memory) error {
		_, err := create(t, a, log, &pb.DrmAccount{Password: "opens sesame"})
		return err
	})
}

func (c vendorFault) failRemoval(t *testing.T, a *telecomx.Adapter, vendor *emulator.Emulator) {
	c.fault.Method = http.MethodDelete
	c.failWrite(t, vendor, "delete", func(log *mutation.Memory) error {
		_, err := remove(t, a, log, false)
		return err
	})
}

// failWrite checks what becomes of a write, and of running it again once the vendor is well.
func (c vendorFault) failWrite(t *testing.T, vendor *emulator.Emulator, step string, call func(*mutation.Memory) error) {
	vendor.Faults().Add(c.fault)
	log := mutation.NewMemory()
	e := wantError(t, step, call(log), c.write.code, c.write.reason)
	wantEffects(t, vendor, map[bool]int{true: 1}[c.took])

	vendor.Faults().Clear()
	time.Sleep(c.retryAfter) // in a bubble
	err := call(log)
	if c.write != unknown { // a definite outcome stays
		c.wantTold(t, e, c.retryAfter)
		wantError(t, step+", run again", err, c.write.code, c.write.reason)
		wantEffects(t, vendor, 0)
		return
	}
	c.wantTold(t, e, 0)
	if err != nil {
		t.Errorf("%s, run again: %v", step, err)
	}
	wantEffects(t, vendor, 1)
	if state := log.Get(step).State; state != mutation.Done {
		t.Errorf("%s, run again, leaves the step at %v", step, state)
	}
}

func (c vendorFault) wantTold(t *testing.T, e *apierror.Error, retryAfter time.Duration) {
	t.Helper()
	if got := e.Metadata[apierror.VendorHTTPStatus]; got != c.status {
		t.Errorf("the error tells the vendor's HTTP status %q, want %q", got, c.status)
	}
	if got := e.Metadata[apierror.VendorCode]; got != c.vendorCode {
		t.Errorf("the error tells the vendor's code %q, want %q", got, c.vendorCode)
	}
	if e.RetryAfter != retryAfter {
		t.Errorf("the error says to try again after %v, want %v", e.RetryAfter, retryAfter)
	}
}
