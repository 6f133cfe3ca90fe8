package amino_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/amino"
	"github.com/drmhub/drmhub/adapters/amino/emulator"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// becomes is what becomes of a call.
type becomes struct {
	code   codes.Code
	reason pb.ErrorReason
}

var (
	unavailable  = becomes{codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE}
	unreadable   = becomes{codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID}
	limited      = becomes{codes.ResourceExhausted, pb.ErrorReason_VENDOR_RATE_LIMITED}
	unauthorized = becomes{codes.FailedPrecondition, pb.ErrorReason_VENDOR_CREDENTIALS_REJECTED}
	forbidden    = becomes{codes.FailedPrecondition, pb.ErrorReason_VENDOR_PERMISSION_DENIED}
	rejected     = becomes{codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED}
	unknown      = becomes{codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN}
)

// vendorFault is a way in which the vendor fails, and what becomes of a call.
type vendorFault struct {
	fault       twin.Fault
	read, write becomes
	retryAfter  time.Duration // that the error tells; an unknown outcome tells none
	status      string        // vendor_http_status
	took        bool          // a write took effect all the same
}

var vendorFaults = map[string]vendorFault{
	"a connection cut before the answer":   {twin.Fault{Kind: twin.FaultCut}, unavailable, unknown, 0, "", false},
	"an answer lost":                       {twin.Fault{Kind: twin.FaultLoseAnswer}, unavailable, unknown, 0, "", true},
	"an answer cut in the middle":          {twin.Fault{Kind: twin.FaultCutBody}, unavailable, unknown, 0, "2", true},
	"an answer later than the time-out":    {twin.Fault{Kind: twin.FaultDelay, Delay: time.Hour}, unavailable, unknown, 0, "", false},
	"half an answer, as if it were whole":  {twin.Fault{Kind: twin.FaultMalformed}, unreadable, unknown, 0, "2", true},
	"an answer without end":                {twin.Fault{Kind: twin.FaultEndless}, unreadable, unknown, 0, "200", false},
	"a page for people":                    {answering(200, "<html><body>Down for maintenance</body></html>"), unreadable, unknown, 0, "200", false},
	"an empty answer":                      {answering(200, ""), unreadable, unknown, 0, "200", false},
	"a redirection":                        {answering(302, "", "Location", "/login"), unreadable, unknown, 0, "302", false},
	"HTTP 401":                             {answering(401, ""), unauthorized, unauthorized, 0, "401", false},
	"HTTP 403":                             {answering(403, ""), forbidden, forbidden, 0, "403", false},
	"HTTP 412":                             {answering(412, `{"errors":[{"code":"E4711"}]}`), rejected, rejected, 0, "412", false},
	"HTTP 429 with a number of seconds":    {answering(429, "", "Retry-After", "7"), limited, limited, 7 * time.Second, "429", false},
	"HTTP 429 without":                     {answering(429, ""), limited, limited, 0, "429", false},
	"HTTP 500":                             {answering(500, "oops"), unavailable, unknown, 0, "500", false},
	"HTTP 500 after it took effect":        {twin.Fault{Kind: twin.FaultReplace, Status: 500}, unavailable, unknown, 0, "500", true},
	"HTTP 502":                             {answering(502, "<html>bad gateway</html>"), unavailable, unknown, 0, "502", false},
	"HTTP 503 with a number of seconds":    {answering(503, "", "Retry-After", "7"), unavailable, unknown, 7 * time.Second, "503", false},
	"a success of another form":            {answering(200, `{"licenses":[]}`), unreadable, unknown, 0, "200", false},
	"a success of another form afterwards": {twin.Fault{Kind: twin.FaultReplace, Body: `{"data":7}`}, unreadable, unknown, 0, "200", true},
}

// answering is a fault that answers so, and does nothing else.
func answering(status int, body string, header ...string) twin.Fault {
	f := twin.Fault{Kind: twin.FaultAnswer, Status: status, Body: body, Header: map[string]string{}}
	for i := 0; i < len(header); i += 2 {
		f.Header[header[i]] = header[i+1]
	}
	return f
}

// goldTwin sells one product, to three users.
func goldTwin() *emulator.Emulator {
	e := emulator.New(emulator.Options{})
	e.PutProducts(emulator.Product{ID: "gold"})
	for _, user := range []string{"viewer-1", "viewer-2", "viewer-3"} {
		e.PutLicenses(emulator.License{UserID: user, ProductID: "gold"})
	}
	return e
}

func TestAReadThatTheVendorFails(t *testing.T) {
	for name, c := range vendorFaults {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				vendor := goldTwin()
				c.failRead(t, adapterTo(t, twinConfig(), twin.Transport(vendor)), vendor)
			})
		})
	}
}

func TestAWriteThatTheVendorFails(t *testing.T) {
	for name, c := range vendorFaults {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				vendor := goldTwin()
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
			for _, fail := range []func(*testing.T, *amino.Adapter, *emulator.Emulator){c.failRead, c.failWrite} {
				vendor := goldTwin()
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
func (c vendorFault) failRead(t *testing.T, a *amino.Adapter, vendor *emulator.Emulator) {
	c.fault.Path = root + "/licenses"
	vendor.Faults().Add(c.fault)
	_, err := list(t, a, &pb.ListProductLicensesRequest{})
	wantTold(t, wantError(t, "ListProductLicenses", err, c.read.code, c.read.reason), c.retryAfter, c.status)
	tries := 1
	if c.read == unavailable && c.retryAfter == 0 { // it may pass, and the vendor asks for no pause
		tries = 3
	}
	if n := requests(vendor, getLicenses); n != tries {
		t.Errorf("%d requests were made, want %d", n, tries)
	}
}

// failWrite checks what becomes of a write, and of running it again once the vendor is well.
func (c vendorFault) failWrite(t *testing.T, a *amino.Adapter, vendor *emulator.Emulator) {
	c.fault.Method = http.MethodPost
	vendor.Faults().Add(c.fault)
	log, wanted := mutation.NewMemory(), &pb.ProductLicense{User: "viewer", Product: gold}
	_, err := issueAs(t, a, log, wanted)
	e := wantError(t, "CreateProductLicense", err, c.write.code, c.write.reason)
	stand := 3
	if c.took {
		stand++
	}
	wantStand(t, vendor, stand)
	if n := requests(vendor, postLicense); n != 1 {
		t.Errorf("the license was asked for %d times, want once", n)
	}

	vendor.Faults().Clear()
	time.Sleep(c.retryAfter) // in a bubble
	got, err := issueAs(t, a, log, wanted)
	if c.write != unknown { // a definite outcome stays
		wantTold(t, e, c.retryAfter, c.status)
		wantError(t, "CreateProductLicense, run again", err, c.write.code, c.write.reason)
		wantStand(t, vendor, 3)
		return
	}
	wantTold(t, e, 0, c.status)
	if err != nil || !got.GetPlayable() {
		t.Errorf("CreateProductLicense, run again: %v, %v", got, err)
	}
	wantStand(t, vendor, 4)
}

// wantTold demands what an error tells; of a status, how it begins.
func wantTold(t *testing.T, e *apierror.Error, retryAfter time.Duration, status string) {
	t.Helper()
	if got := e.Metadata[apierror.VendorHTTPStatus]; !strings.HasPrefix(got, status) || (got == "") != (status == "") {
		t.Errorf("the error tells the vendor's HTTP status %q, want %q", got, status)
	}
	if e.RetryAfter != retryAfter {
		t.Errorf("the error says to try again after %v, want %v", e.RetryAfter, retryAfter)
	}
}

// wantStand demands that so many licenses stand at the vendor, and as many entitlements at Irdeto.
func wantStand(t *testing.T, vendor *emulator.Emulator, n int) {
	t.Helper()
	if licenses, entitlements := hold(vendor); len(licenses) != n || len(entitlements) != n {
		t.Errorf("AminoTV holds %q, Irdeto %q, want %d", licenses, entitlements, n)
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
