package ncp_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/ncp"
	"github.com/drmhub/drmhub/adapters/ncp/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
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
	"a page for people":                    {faulty(200, "<html><body>Down for maintenance</body></html>"), unreadable, unknown, 0, "200", false},
	"an empty answer":                      {faulty(200, ""), unreadable, unknown, 0, "200", false},
	"a redirection":                        {faulty(302, "", "Location", "/login"), unreadable, unknown, 0, "302", false},
	"HTTP 401":                             {faulty(401, ""), unauthorized, unauthorized, 0, "401", false},
	"HTTP 403":                             {faulty(403, ""), forbidden, forbidden, 0, "403", false},
	"HTTP 429 with a number of seconds":    {faulty(429, "", "Retry-After", "7"), throttled, throttled, 7 * time.Second, "429", false},
	"HTTP 429 without":                     {faulty(429, ""), throttled, throttled, 0, "429", false},
	"HTTP 500":                             {faulty(500, "oops"), unavailable, unknown, 0, "500", false},
	"HTTP 500 after it took effect":        {twin.Fault{Kind: twin.FaultReplace, Status: 500}, unavailable, unknown, 0, "500", true},
	"HTTP 502":                             {faulty(502, "<html>bad gateway</html>"), unavailable, unknown, 0, "502", false},
	"HTTP 503 with a number of seconds":    {faulty(503, "", "Retry-After", "7"), unavailable, unknown, 7 * time.Second, "503", false},
	"a failure inside HTTP 200":            {faulty(200, `{"success":false,"error":{"code":"289999"}}`), rejected, rejected, 0, "200", false},
	"a failure inside HTTP 500":            {faulty(500, `{"success":false,"error":{"code":"289999"}}`), unavailable, unknown, 0, "500", false},
	"a success that does not say so":       {faulty(200, `{"content":[]}`), unreadable, unknown, 0, "200", false},
	"a success of another form afterwards": {twin.Fault{Kind: twin.FaultReplace, Body: `{"success":1,"content":7}`}, unreadable, unknown, 0, "200", true},
}

// faulty is a fault that answers so, and does nothing else.
func faulty(status int, body string, header ...string) twin.Fault {
	f := twin.Fault{Kind: twin.FaultAnswer, Status: status, Body: body, Header: map[string]string{}}
	for i := 0; i < len(header); i += 2 {
		f.Header[header[i]] = header[i+1]
	}
	return f
}

// demoTwin holds the site DEMO, which is on, with a few rows.
func demoTwin() *emulator.Emulator {
	e := emulator.New(emulator.Options{})
	e.PutSites(emulator.Site{SiteID: "DEMO", SiteName: "Demo_site", Status: emulator.StatusRunning, Enabled: true})
	for i := range 3 {
		e.PutLicenses("DEMO", emulator.License{ContentID: "c", DRMType: "Widevine", CreatedTime: time.Date(2024, 3, 1, 12, 0, i, 0, time.UTC)})
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
			for _, fail := range []func(*testing.T, *ncp.Adapter, *emulator.Emulator){c.failRead, c.failWrite} {
				vendor := demoTwin()
				server := httptest.NewServer(vendor)
				t.Cleanup(server.Close)
				settings := twinConfig()
				settings.BaseURL = server.URL
				fail(t, adapterTo(t, settings, nil), vendor)
			}
		})
	}
}

// failRead checks what becomes of a read.
func (c vendorFault) failRead(t *testing.T, a *ncp.Adapter, vendor *emulator.Emulator) {
	c.fault.Path = "/api/v1/license/statistics"
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
func (c vendorFault) failWrite(t *testing.T, a *ncp.Adapter, vendor *emulator.Emulator) {
	c.fault.Method = http.MethodPut
	vendor.Faults().Add(c.fault)
	log := mutation.NewMemory()
	_, err := disable(t, a, log)
	e := wantError(t, "DisableSite", err, c.write.code, c.write.reason)
	effects := 0
	if c.took {
		effects = 1
	}
	wantEffects(t, vendor, effects)
	if n := requests(vendor, putOff); n != 1 {
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
	wantSwitched(t, "DisableSite, run again", change, err, pb.StatusChange_SUSPEND)
	wantEffects(t, vendor, 1)
	if state := log.Get("off").State; state != mutation.Done {
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

// wantEffects demands that so many changes have been made at the vendor.
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

func TestAReadEndsWithItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := demoTwin()
		vendor.Faults().Add(twin.Fault{Kind: twin.FaultDelay, Delay: 20 * time.Second})
		a := adapterTo(t, twinConfig(), twin.Transport(vendor))
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
		vendor := demoTwin()
		vendor.Faults().Add(twin.Fault{Kind: twin.FaultDelay, Method: http.MethodPut, Delay: 20 * time.Second})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		a := adapterTo(t, twinConfig(), twin.Transport(vendor))
		change, err := a.DisableSite(mutation.NewContext(ctx, mutation.NewMemory()), &pb.DisableSiteRequest{Name: demo})
		wantSwitched(t, "DisableSite for an impatient caller", change, err, pb.StatusChange_SUSPEND)
		wantEffects(t, vendor, 1)
	})
}

func TestTheTimeoutIsTheConfiguredOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := demoTwin()
		vendor.Faults().Add(twin.Fault{Kind: twin.FaultDelay, Method: http.MethodPut, Delay: time.Hour})
		c := twinConfig()
		c.Timeout = 5 * time.Second
		begun := time.Now()
		_, err := disable(t, adapterTo(t, c, twin.Transport(vendor)), mutation.NewMemory())
		wantError(t, "DisableSite", err, unknown.code, unknown.reason)
		if took := time.Since(begun); took != c.Timeout {
			t.Errorf("the call ended after %v, and the time-out is %v", took, c.Timeout)
		}
	})
}

func TestAPageThatFailsOnceIsReadAgain(t *testing.T) {
	for _, fault := range []twin.Fault{{Kind: twin.FaultCut}, {Kind: twin.FaultCutBody}, faulty(503, "")} {
		synctest.Test(t, func(t *testing.T) {
			s := newBusySite(1500, 1, emulator.Assumptions{})
			s.arrive = func(*busySite) {}
			fault.Skip, fault.Times = 3, 2 // two of the pages that are read at once
			s.vendor.Faults().Add(fault)
			res, err := adapterTo(t, twinConfig(), s).ListLicenses(t.Context(), &pb.ListLicensesRequest{Parent: demo, PageSize: 1000})
			if err != nil || len(res.GetLicenses()) != 1000 {
				t.Errorf("after two times %s: %d rows, %v", fault.Kind, len(res.GetLicenses()), err)
			}
		})
	}
}

func TestOneCallAgainstAVendorThatIsDownDoesNotShutTheDoor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newBusySite(1500, 1, emulator.Assumptions{})
		s.arrive = func(*busySite) {}
		a := adapterTo(t, twinConfig(), s)
		req := &pb.ListLicensesRequest{Parent: demo, PageSize: 1000}
		id := s.vendor.Faults().Add(twin.Fault{Kind: twin.FaultAnswer, Status: 500, Skip: 1})
		_, err := a.ListLicenses(t.Context(), req)
		wantError(t, "ListLicenses", err, unavailable.code, unavailable.reason)
		s.vendor.Faults().Remove(id)
		if res, err := a.ListLicenses(t.Context(), req); err != nil || len(res.GetLicenses()) != 1000 {
			t.Errorf("a moment later: %d rows, %v", len(res.GetLicenses()), err)
		}
	})
}

func TestAVendorThatIsNotThereIsUnavailable(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close() // nobody listens there from now on
	c := twinConfig()
	c.BaseURL = "http://" + listener.Addr().String()
	a := adapterTo(t, c, nil)
	_, err = list(t, a, nil)
	wantError(t, "ListLicenses", err, unavailable.code, unavailable.reason)
	log := mutation.NewMemory()
	_, err = disable(t, a, log)
	wantError(t, "DisableSite", err, unavailable.code, unavailable.reason)
	if state := log.Get("off").State; state != mutation.NotSent {
		t.Errorf("the step is %v, and nothing was sent", state)
	}
}
