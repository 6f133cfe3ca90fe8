package pallycon_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/pallycon"
	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
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
	took        bool          // a write took effect all the same
}

var vendorFaults = map[string]vendorFault{
	"a connection cut before the answer":   {twin.Fault{Kind: twin.FaultCut}, unavailable, unknown, 0, "", false},
	"an answer lost":                       {twin.Fault{Kind: twin.FaultLoseAnswer}, unavailable, unknown, 0, "", true},
	"an answer cut in the middle":          {twin.Fault{Kind: twin.FaultCutBody}, unavailable, unknown, 0, "200", true},
	"an answer later than the time-out":    {twin.Fault{Kind: twin.FaultDelay, Delay: time.Hour}, unavailable, unknown, 0, "", false},
	"half an answer, as if it were whole":  {twin.Fault{Kind: twin.FaultMalformed}, unreadable, unknown, 0, "200", true},
	"an answer without end":                {twin.Fault{Kind: twin.FaultEndless}, unreadable, unknown, 0, "200", false},
	"a page for people":                    {answer(200, "<html><body>Down for maintenance</body></html>"), unreadable, unknown, 0, "200", false},
	"an empty answer":                      {answer(200, ""), unreadable, unknown, 0, "200", false},
	"a redirection":                        {answer(302, "", "Location", "/login"), unreadable, unknown, 0, "302", false},
	"HTTP 401":                             {answer(401, ""), unauthorized, unauthorized, 0, "401", false},
	"HTTP 403":                             {answer(403, ""), forbidden, forbidden, 0, "403", false},
	"HTTP 429 with a number of seconds":    {answer(429, "", "Retry-After", "7"), throttled, throttled, 7 * time.Second, "429", false},
	"HTTP 429 without":                     {answer(429, ""), throttled, throttled, 0, "429", false},
	"HTTP 429 with nonsense":               {answer(429, "", "Retry-After", "soon"), throttled, throttled, 0, "429", false},
	"HTTP 500":                             {answer(500, "oops"), unavailable, unknown, 0, "500", false},
	"HTTP 500 after it took effect":        {twin.Fault{Kind: twin.FaultReplace, Status: 500}, unavailable, unknown, 0, "500", true},
	"HTTP 502":                             {answer(502, "<html>bad gateway</html>"), unavailable, unknown, 0, "502", false},
	"HTTP 503":                             {answer(503, ""), unavailable, unknown, 0, "503", false},
	"HTTP 503 with a number of seconds":    {answer(503, "", "Retry-After", "7"), unavailable, unknown, 7 * time.Second, "503", false},
	"HTTP 504":                             {answer(504, ""), unavailable, unknown, 0, "504", false},
	"a failure inside HTTP 200":            {answer(200, `{"error_code":"7777","error_message":"no"}`), rejected, rejected, 0, "200", false},
	"a failure inside HTTP 500":            {answer(500, `{"error_code":"7777","error_message":"no"}`), unavailable, unknown, 0, "500", false},
	"a success without an error_code":      {answer(200, `{"data":[]}`), unreadable, unknown, 0, "200", false},
	"a success of another form afterwards": {twin.Fault{Kind: twin.FaultReplace, Body: `{"error_code":"0000","data":7}`}, unreadable, unknown, 0, "200", true},
}

// answer is a fault that answers so, and does nothing else.
func answer(status int, body string, header ...string) twin.Fault {
	f := twin.Fault{Kind: twin.FaultAnswer, Status: status, Body: body, Header: map[string]string{}}
	for i := 0; i < len(header); i += 2 {
		f.Header[header[i]] = header[i+1]
	}
	return f
}

// demoTwin holds the site DEMO, which is in service, with a few rows.
func demoTwin() *emulator.Emulator {
	e := emulator.New(emulator.Options{})
	e.PutSites(emulator.Site{SiteID: "DEMO", ServiceName: "Demo", Products: []emulator.Product{{ServiceCode: emulator.ServiceDRM, StatusCode: emulator.StateInService}}})
	for i := range 3 {
		e.PutLicenses("DEMO", emulator.License{CID: "c", DRMType: "Widevine", RegTime: time.Date(2024, 3, 1, 12, 0, i, 0, time.UTC)})
	}
	return e
}

func TestAReadThatTheVendorFails(t *testing.T) {
	for name, c := range vendorFaults {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				vendor := demoTwin()
				c.failRead(t, adapterTo(t, twinConfig(), twin.Transport(vendor)), vendor)
			})
		})
	}
}

func TestAWriteThatTheVendorFails(t *testing.T) {
	for name, c := range vendorFaults {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				vendor := demoTwin()
				c.failWrite(t, adapterTo(t, twinConfig(), twin.Transport(vendor)), vendor)
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
			for _, fail := range []func(*testing.T, *pallycon.Adapter, *emulator.Emulator){c.failRead, c.failWrite} {
				vendor := demoTwin()
				server := httptest.NewServer(vendor)
				t.Cleanup(server.Close)
				at := twinConfig()
				at.BaseURL = server.URL
				fail(t, adapterTo(t, at, nil), vendor)
			}
		})
	}
}

// failRead checks what becomes of a read.
func (c vendorFault) failRead(t *testing.T, a *pallycon.Adapter, vendor *emulator.Emulator) {
	c.fault.Path = "/api/v2/drm/license"
	vendor.Faults().Add(c.fault)
	_, err := list(t, a, nil)
	e := wantError(t, "ListLicenses", err, c.read.code, c.read.reason)
	wantTold(t, e, c.retryAfter, c.status)
	tries := 1
	if c.read == unavailable && c.retryAfter == 0 { // it may pass, and the vendor asks for no pause
		tries = 3
	}
	if n := requests(vendor, getLicenses); n != tries {
		t.Errorf("%d requests were made, want %d", n, tries)
	}
}

// failWrite checks what becomes of a write, and of running it again once the vendor is well.
func (c vendorFault) failWrite(t *testing.T, a *pallycon.Adapter, vendor *emulator.Emulator) {
	c.fault.Method = http.MethodPost
	vendor.Faults().Add(c.fault)
	log := mutation.NewMemory()
	_, err := disable(t, a, log)
	e := wantError(t, "DisableSite", err, c.write.code, c.write.reason)
	effects := 0
	if c.took {
		effects = 1
	}
	wantEffects(t, vendor, effects)
	if n := requests(vendor, postStatus); n != 1 {
		t.Errorf("the change was asked for %d times, want once", n)
	}

	vendor.Faults().Clear()
	time.Sleep(c.retryAfter) // in a bubble
	change, err := disable(t, a, log)
	if c.write != unknown { // a definite outcome stays
		wantTold(t, e, c.retryAfter, c.status)
		wantError(t, "DisableSite, run again", err, c.write.code, c.write.reason)
		wantEffects(t, vendor, 0)
		return
	}
	wantTold(t, e, 0, c.status)
	if err != nil || change.GetState() != pb.StatusChange_PENDING || change.GetName() == "" {
		t.Errorf("DisableSite, run again: %v, %v", change, err)
	}
	wantEffects(t, vendor, 1)
	if state := log.Get("suspend").State; state != mutation.Done {
		t.Errorf("DisableSite, run again, leaves the step at %v", state)
	}
}

func wantTold(t *testing.T, e *apierror.Error, retryAfter time.Duration, status string) {
	t.Helper()
	if got := e.Metadata[apierror.VendorHTTPStatus]; got != status {
		t.Errorf("the error tells the vendor's HTTP status %q, want %q", got, status)
	}
	if e.RetryAfter != retryAfter {
		t.Errorf("the error says to try again after %v, want %v", e.RetryAfter, retryAfter)
	}
}

// wantEffects demands that so many changes have been taken by the vendor.
func wantEffects(t *testing.T, vendor *emulator.Emulator, n int) {
	t.Helper()
	if effects := vendor.Ledger().Effects(); len(effects) != n {
		t.Errorf("%d changes took effect at the vendor, want %d: %v", len(effects), n, effects)
	}
}

// requests is how many requests of this call, such as getLicenses, the twin has received.
func requests(vendor *emulator.Emulator, call string) int {
	n := 0
	for _, r := range vendor.Ledger().Requests() {
		if path, _, _ := strings.Cut(r.Target, "?"); r.Method+" "+path == call {
			n++
		}
	}
	return n
}
