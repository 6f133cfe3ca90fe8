package twin

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// FaultKind is what a fault does to a request.
type FaultKind string

// The kinds of faults.
const (
	// FaultAnswer answers with the fault's Status (default 200), Header and Body; the vendor's
	// handler does not run. So a 500, a 429 with or without Retry-After, HTML instead of JSON, a
	// body that no parser reads.
	FaultAnswer FaultKind = "answer"
	// FaultReplace lets the vendor's handler run and take effect, and answers with the fault's
	// Status (default 200), Header and Body: a failure inside HTTP 200, or a 500 after the deed.
	FaultReplace FaultKind = "replace"
	// FaultDelay lets the vendor answer after the fault's Delay.
	FaultDelay FaultKind = "delay"
	// FaultCut closes the connection with no answer at all; the vendor's handler does not run.
	// net/http's own Transport repeats an idempotent request by itself if that happens on a
	// connection it had used before: Times 0, or a fresh connection, makes the cut visible to the
	// client.
	FaultCut FaultKind = "cut"
	// FaultCutBody sends the real header and half of the real body, then aborts the connection. An
	// answer without a body is lost as by FaultLoseAnswer.
	FaultCutBody FaultKind = "cutBody"
	// FaultMalformed sends the real status, then half of the real body as if it were the whole.
	FaultMalformed FaultKind = "malformed"
	// FaultEndless streams a plausible body until the client goes away; the vendor's handler does
	// not run.
	FaultEndless FaultKind = "endless"
	// FaultLoseAnswer lets the vendor's handler run and take effect, then closes the connection
	// with no answer.
	FaultLoseAnswer FaultKind = "loseAnswer"
)

var faultKinds = []FaultKind{
	FaultAnswer, FaultReplace, FaultDelay, FaultCut, FaultCutBody, FaultMalformed, FaultEndless, FaultLoseAnswer,
}

// Fault is an order to mistreat some requests. Of several faults that match a request, the one
// ordered first is taken.
type Fault struct {
	// Kind is what happens. It is required.
	Kind FaultKind `json:"kind"`
	// Method limits the fault to one HTTP method. Empty means any.
	Method string `json:"method,omitempty"`
	// Path limits the fault to one exact path. Empty means any.
	Path string `json:"path,omitempty"`
	// PathPrefix limits the fault to paths that start so. Empty means any.
	PathPrefix string `json:"pathPrefix,omitempty"`
	// Skip is how many matching requests go through unharmed first.
	Skip int `json:"skip,omitempty"`
	// Times is how many requests are hit before the fault is gone. 0 means until it is removed.
	Times int `json:"times,omitempty"`
	// Delay passes before anything else happens, with every kind. It ends at once when the client
	// goes away. In JSON it is text such as "1.5s".
	Delay time.Duration `json:"-"`
	// Status is the HTTP status of FaultAnswer and FaultReplace, 200 to 599. 0 means 200.
	Status int `json:"status,omitempty"`
	// Header is sent with FaultAnswer and FaultReplace.
	Header map[string]string `json:"header,omitempty"`
	// Body is sent with FaultAnswer and FaultReplace. A body of JSON is sent as application/json
	// unless Header says otherwise.
	Body string `json:"body,omitempty"`
}

// Validate tells what is wrong with f, or returns nil.
func (f Fault) Validate() error {
	answers := f.Kind == FaultAnswer || f.Kind == FaultReplace
	switch {
	case !slices.Contains(faultKinds, f.Kind):
		return fmt.Errorf("kind %q is none of %q", f.Kind, faultKinds)
	case f.Path != "" && f.PathPrefix != "":
		return fmt.Errorf("path and pathPrefix exclude each other")
	case f.Skip < 0 || f.Times < 0 || f.Delay < 0:
		return fmt.Errorf("skip, times and delay must not be negative")
	case f.Kind == FaultDelay && f.Delay == 0:
		return fmt.Errorf("a fault of kind %q needs a delay", f.Kind)
	case !answers && (f.Status != 0 || f.Body != "" || len(f.Header) > 0):
		return fmt.Errorf("a fault of kind %q takes no status, header or body", f.Kind)
	case f.Status != 0 && (f.Status < 200 || f.Status > 599):
		return fmt.Errorf("status %d is not between 200 and 599", f.Status)
	}
	return nil
}

func (f Fault) matches(r *http.Request) bool {
	return (f.Method == "" || f.Method == r.Method) &&
		(f.Path == "" || f.Path == r.URL.Path) &&
		strings.HasPrefix(r.URL.Path, f.PathPrefix)
}

// OrderedFault is a fault in force.
type OrderedFault struct {
	// ID removes it.
	ID int `json:"id"`
	Fault
	// Seen is how many matching requests it has let through (up to Skip) or hit.
	Seen int `json:"seen"`
}

// Faults are the faults in force, in the order they were ordered. The zero value is usable, and
// safe for concurrent use.
type Faults struct {
	mu     sync.Mutex
	lastID int
	orders []OrderedFault
}

// Add orders f and returns the id that Remove takes. It panics where f is not valid, as that is a
// mistake in the test.
func (f *Faults) Add(fault Fault) int {
	if err := fault.Validate(); err != nil {
		panic("twin: invalid fault: " + err.Error())
	}
	fault.Header = maps.Clone(fault.Header)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lastID++
	f.orders = append(f.orders, OrderedFault{ID: f.lastID, Fault: fault})
	return f.lastID
}

// Remove ends the fault with that id and reports whether it was still in force.
func (f *Faults) Remove(id int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	before := len(f.orders)
	f.orders = slices.DeleteFunc(f.orders, func(o OrderedFault) bool { return o.ID == id })
	return len(f.orders) < before
}

// Clear ends all faults.
func (f *Faults) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.orders = nil
}

// List are the faults still in force.
func (f *Faults) List() []OrderedFault {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.orders)
}

// take finds the fault that hits r, counts it, and drops it after its last time.
func (f *Faults) take(r *http.Request) (Fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.orders {
		order := &f.orders[i]
		if !order.matches(r) {
			continue
		}
		order.Seen++
		if order.Seen <= order.Skip {
			continue
		}
		fault := order.Fault
		if fault.Times > 0 && order.Seen == fault.Skip+fault.Times {
			f.orders = slices.Delete(f.orders, i, i+1)
		}
		return fault, true
	}
	return Fault{}, false
}
