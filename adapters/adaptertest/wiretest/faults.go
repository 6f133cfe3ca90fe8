package wiretest

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drmhub/drmhub/adapters/adaptertest"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/twin"
)

// Twin is what the emulator of every vendor offers.
type Twin interface {
	http.Handler
	Faults() *twin.Faults
	Ledger() *twin.Ledger
}

// Fault is one way in which a vendor fails, and what a call makes of it.
type Fault struct {
	Order       twin.Fault
	Read, Write Outcome
	// RetryAfter is the pause that the error asks for. An unknown outcome asks for none.
	RetryAfter time.Duration
	// Status is the HTTP status that the error names. Success means that of the twin's own answer.
	Status     int
	VendorCode string // vendor_code in the metadata
	// Took reports whether a write takes effect despite the failure.
	Took bool
}

// Success is the HTTP status of the twin's response to the call.
const Success = -1

// Target is an adapter of type A and its twin, as Faults needs them.
type Target[A any] struct {
	// New returns a twin with something in it.
	New func() Twin
	// Connect returns an adapter to the twin at this URL. A nil transport means that of drmhub.
	Connect func(t *testing.T, transport http.RoundTripper, baseURL string) A
	Read    Read[A]
	Writes  []Write[A]
	// Own is an error in the vendor's own form, with a code that drmhub does not know.
	Own OwnError
	// Override holds the faults that differ from the common ones, and those of this vendor alone.
	Override map[string]Fault
	// LogsIn reports whether the adapter logs in first. A refused call then has a second try with a
	// fresh token, and net/http may repeat a read on the connection of the login.
	LogsIn bool
}

// OwnError is an error in a vendor's own form.
type OwnError struct {
	Status     int // of the refusal
	Body, Code string
}

// faults returns the faults that have the vendor's own form.
func (o OwnError) faults() map[string]Fault {
	return map[string]Fault{
		"the vendor's own 429": Replying(429, o.Body, "Retry-After", "7").Code(o.Code).As(Throttled, Throttled),
		"the vendor's own 408": Replying(408, o.Body).Code(o.Code).As(Unavailable, Unknown),
		"the vendor's refusal": Replying(o.Status, o.Body).Code(o.Code).As(Rejected, Rejected),
	}
}

// Read is a read that makes one kind of request.
type Read[A any] struct {
	Name    string
	Request string // such as "GET /sites"
	Call    func(*testing.T, A) error
}

// Write is a mutation with one vendor write.
type Write[A any] struct {
	Name    string
	Request string // such as "POST /sites"
	Success int    // the HTTP status of a success; 0 is 200
	// Step is the name of the write's step. Empty means that it is not checked.
	Step string
	Call func(*testing.T, A, mutation.Log) error
	// Effects counts the effects since New. Nil means those in the ledger.
	Effects func(*testing.T, Twin) int
}

const page = "<html><body>Down for maintenance</body></html>"

var commonFaults = map[string]Fault{
	"a connection cut before the answer": {
		Order: twin.Fault{Kind: twin.FaultCut}, Read: Unavailable, Write: Unknown,
	},
	"an answer lost": {
		Order: twin.Fault{Kind: twin.FaultLoseAnswer}, Read: Unavailable, Write: Unknown, Took: true,
	},
	"an answer cut in the middle": {
		Order: twin.Fault{Kind: twin.FaultCutBody}, Read: Unavailable, Write: Unknown, Status: Success, Took: true,
	},
	"an answer later than the time-out": {
		Order: twin.Fault{Kind: twin.FaultDelay, Delay: time.Hour}, Read: Unavailable, Write: Unknown,
	},
	"half an answer, as if it were whole": {
		Order: twin.Fault{Kind: twin.FaultMalformed}, Read: Unreadable, Write: Unknown, Status: Success, Took: true,
	},
	"an answer without end": {
		Order: twin.Fault{Kind: twin.FaultEndless}, Read: Unreadable, Write: Unknown, Status: 200,
	},
	"a page for people":                 Replying(200, page).As(Unreadable, Unknown),
	"an empty answer":                   Replying(200, "").As(Unreadable, Unknown),
	"a redirection":                     Replying(302, "", "Location", "/login").As(Unreadable, Unknown),
	"HTTP 401":                          Replying(401, "").As(Unauthorized, Unauthorized),
	"HTTP 403":                          Replying(403, "").As(Forbidden, Forbidden),
	"HTTP 429 with a number of seconds": Replying(429, "", "Retry-After", "7").As(Throttled, Unknown),
	"HTTP 429 without":                  Replying(429, "").As(Throttled, Unknown),
	"HTTP 429 with nonsense":            Replying(429, "", "Retry-After", "soon").As(Throttled, Unknown),
	"HTTP 429 after it took effect":     TakingEffect(429, page).As(Throttled, Unknown),
	// What a proxy sends proves nothing about a thing or a write.
	"a proxy's 404":                     Replying(404, "default backend - 404").As(Unreadable, Unknown),
	"a proxy's 404 without a body":      Replying(404, "").As(Unreadable, Unknown),
	"a proxy's 404 in JSON":             Replying(404, `{"message":"no Route matched"}`).As(Unreadable, Unknown),
	"a proxy's 404 after an effect":     TakingEffect(404, page).As(Unreadable, Unknown),
	"a proxy's 410":                     Replying(410, page).As(Unreadable, Unknown),
	"a proxy's 408":                     Replying(408, page).As(Unavailable, Unknown),
	"a proxy's 408 after an effect":     TakingEffect(408, page).As(Unavailable, Unknown),
	"a proxy's 407 after an effect":     TakingEffect(407, page).As(Unreadable, Unknown),
	"a proxy's 425":                     Replying(425, "").As(Unavailable, Unknown),
	"a proxy's page of a success":       Replying(200, page, "Content-Type", "text/html").As(Unreadable, Unknown),
	"HTTP 500":                          Replying(500, "oops").As(Unavailable, Unknown),
	"HTTP 500 after it took effect":     TakingEffect(500, "").As(Unavailable, Unknown),
	"HTTP 502":                          Replying(502, "<html>bad gateway</html>").As(Unavailable, Unknown),
	"HTTP 503":                          Replying(503, "").As(Unavailable, Unknown),
	"HTTP 503 with a number of seconds": Replying(503, "", "Retry-After", "7").As(Unavailable, Unknown),
	"HTTP 504":                          Replying(504, "").As(Unavailable, Unknown),
}

// Answer returns the order of an answer that takes the place of the vendor's.
func Answer(status int, body string, header ...string) twin.Fault {
	f := twin.Fault{Kind: twin.FaultAnswer, Status: status, Body: body, Header: map[string]string{}}
	for i := 0; i < len(header); i += 2 {
		f.Header[header[i]] = header[i+1]
	}
	return f
}

// Replying returns the fault of a vendor that answers so, and does nothing.
func Replying(status int, body string, header ...string) Fault {
	f := Fault{Order: Answer(status, body, header...), Status: status}
	if seconds, err := strconv.Atoi(f.Order.Header["Retry-After"]); err == nil {
		f.RetryAfter = time.Duration(seconds) * time.Second
	}
	return f
}

// TakingEffect returns the fault of a vendor that does what it is asked for, and then answers so.
func TakingEffect(status int, body string) Fault {
	order := twin.Fault{Kind: twin.FaultReplace, Status: status, Body: body}
	return Fault{Order: order, Status: status, Took: true}
}

// As returns f with these outcomes of a read and of a write.
func (f Fault) As(read, write Outcome) Fault {
	f.Read, f.Write = read, write
	return f
}

// Code returns f with the vendor's code that the error names.
func (f Fault) Code(code string) Fault {
	f.VendorCode = code
	return f
}

// Faults runs the target's calls against every fault, in the process and over TCP.
func Faults[A any](t *testing.T, target Target[A]) {
	faults := maps.Clone(commonFaults)
	maps.Copy(faults, target.Own.faults())
	maps.Copy(faults, target.Override)
	t.Run("an unknown code after it took effect", target.readsBackRefusals)
	for name, f := range faults {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				target.run(t, f, target.inProcess, 0)
			})
		})
		if f.Order.Delay > 0 || f.RetryAfter > 0 {
			continue // time passes at once in a bubble only
		}
		repeats := 0
		if target.LogsIn {
			repeats = 1
		}
		t.Run(name+", over TCP", func(t *testing.T) {
			t.Parallel()
			target.run(t, f, func(t *testing.T, vendor Twin) A {
				server := httptest.NewServer(vendor)
				t.Cleanup(server.Close)
				return target.Connect(t, nil, server.URL)
			}, repeats)
		})
	}
}

// inProcess returns an adapter to a twin without a network.
func (c Target[A]) inProcess(t *testing.T, vendor Twin) A {
	return c.Connect(t, twin.Transport(vendor), "http://vendor.invalid")
}

// readsBackRefusals demands that a write that took effect succeeds, though its response is an error
// with an unknown code.
func (c Target[A]) readsBackRefusals(t *testing.T) {
	for _, w := range c.Writes {
		vendor := c.New()
		vendor.Faults().Add(TakingEffect(c.Own.Status, c.Own.Body).on(w.Request))
		if err := w.Call(t, c.inProcess(t, vendor), mutation.NewMemory()); err != nil {
			t.Errorf("%s took effect, and returns %v", w.Name, err)
		}
		w.wantEffects(t, vendor, 1)
	}
}

// run makes each of the target's calls with a fresh twin and adapter. net/http may add so many
// repeats of a read.
func (c Target[A]) run(t *testing.T, f Fault, connect func(*testing.T, Twin) A, repeats int) {
	vendor := c.New()
	c.failRead(t, f, vendor, connect(t, vendor), repeats)
	for _, w := range c.Writes {
		vendor := c.New()
		sends := 1
		if c.tokenMayHaveEnded(f.Write) {
			sends = 2
		}
		w.fail(t, f, vendor, connect(t, vendor), sends)
	}
}

// tokenMayHaveEnded reports whether the adapter repeats a call of this outcome with a fresh token.
func (c Target[A]) tokenMayHaveEnded(o Outcome) bool {
	return c.LogsIn && (o == Unauthorized || o == Forbidden)
}

// failRead checks what a read makes of the fault.
func (c Target[A]) failRead(t *testing.T, f Fault, vendor Twin, a A, repeats int) {
	vendor.Faults().Add(f.on(c.Read.Request))
	err := c.Read.Call(t, a)
	e := adaptertest.WantError(t, c.Read.Name, err, f.Read.Code, f.Read.Reason)
	f.wantTold(t, e, f.RetryAfter, http.StatusOK)
	tries := 1
	switch {
	case f.Read == Unavailable && f.RetryAfter == 0: // a later try may succeed
		tries = 3
	case c.tokenMayHaveEnded(f.Read):
		tries = 2
	}
	if n := len(Requests(vendor, c.Read.Request)); n < tries || n > tries+repeats {
		t.Errorf("%s made %d requests, want %d", c.Read.Name, n, tries)
	}
}

// fail checks what a write makes of the fault, and what a second run makes of it once the vendor
// works again.
func (w Write[A]) fail(t *testing.T, f Fault, vendor Twin, a A, sends int) {
	vendor.Faults().Add(f.on(w.Request))
	log := mutation.NewMemory()
	e := adaptertest.WantError(t, w.Name, w.Call(t, a, log), f.Write.Code, f.Write.Reason)
	effects := 0
	if f.Took {
		effects = 1
	}
	w.wantEffects(t, vendor, effects)
	if n := len(Requests(vendor, w.Request)); n != sends {
		t.Errorf("%s made %d requests, want %d", w.Name, n, sends)
	}

	vendor.Faults().Clear()
	time.Sleep(f.RetryAfter) // in a bubble
	err := w.Call(t, a, log)
	if f.Write != Unknown { // a definite outcome stays
		f.wantTold(t, e, f.RetryAfter, w.success())
		adaptertest.WantError(t, w.Name+", run again", err, f.Write.Code, f.Write.Reason)
		w.wantEffects(t, vendor, 0)
		return
	}
	f.wantTold(t, e, 0, w.success())
	if err != nil {
		t.Errorf("%s, run again: %v", w.Name, err)
	}
	w.wantEffects(t, vendor, 1)
	if w.Step == "" {
		return
	}
	if state := log.Get(w.Step).State; state != mutation.Done {
		t.Errorf("%s, run again, leaves the step at %v", w.Name, state)
	}
}

func (w Write[A]) success() int {
	if w.Success == 0 {
		return http.StatusOK
	}
	return w.Success
}

func (w Write[A]) wantEffects(t *testing.T, vendor Twin, n int) {
	t.Helper()
	if w.Effects == nil {
		WantEffects(t, vendor, n)
	} else if got := w.Effects(t, vendor); got != n {
		t.Errorf("%d changes took effect at the vendor, want %d", got, n)
	}
}

// on returns the order for this request alone.
func (f Fault) on(request string) twin.Fault {
	f.Order.Method, f.Order.Path, _ = strings.Cut(request, " ")
	return f.Order
}

// wantTold demands what the error tells. success is the status of the twin's own answer.
func (f Fault) wantTold(t *testing.T, e *apierror.Error, retryAfter time.Duration, success int) {
	t.Helper()
	status := ""
	switch f.Status {
	case 0:
	case Success:
		status = fmt.Sprint(success)
	default:
		status = fmt.Sprint(f.Status)
	}
	if got := e.Metadata[apierror.VendorHTTPStatus]; got != status {
		t.Errorf("the error names the vendor's HTTP status %q, want %q", got, status)
	}
	if got := e.Metadata[apierror.VendorCode]; got != f.VendorCode {
		t.Errorf("the error names the vendor's code %q, want %q", got, f.VendorCode)
	}
	if e.RetryAfter != retryAfter {
		t.Errorf("the error says to try again after %v, want %v", e.RetryAfter, retryAfter)
	}
}
