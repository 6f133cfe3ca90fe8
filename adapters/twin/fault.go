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

// A FaultKind is what a fault does to a request.
type FaultKind string

// The kinds of faults.
const (
	// FaultAnswer responds with the fault's Status (default 200), Header and Body. The vendor's
	// handler does not run. Use it for a 500, a 429, HTML instead of JSON, or a malformed body.
	FaultAnswer FaultKind = "answer"
	// FaultReplace runs the vendor's handler, which takes effect. It responds with the fault's
	// Status (default 200), Header and Body. Use it for a failure inside HTTP 200, or a 500 after a
	// change.
	FaultReplace FaultKind = "replace"
	// FaultDelay runs the vendor's handler after the fault's Delay.
	FaultDelay FaultKind = "delay"
	// FaultCut closes the connection without a response. The vendor's handler does not run.
	// http.Transport repeats an idempotent request after a cut on a reused connection. To show the
	// cut to the client, set Times to 0 or use a new connection.
	FaultCut FaultKind = "cut"
	// FaultCutBody sends the real header and half of the real body, then cuts the connection. A
	// response without a body is lost as with FaultLoseAnswer.
	FaultCutBody FaultKind = "cutBody"
	// FaultMalformed sends the real status and half of the real body, as a complete response.
	FaultMalformed FaultKind = "malformed"
	// FaultEndless streams a plausible body until the client disconnects. The vendor's handler does
	// not run.
	FaultEndless FaultKind = "endless"
	// FaultLoseAnswer runs the vendor's handler, which takes effect, and then closes the connection
	// without a response.
	FaultLoseAnswer FaultKind = "loseAnswer"
	// The kinds below change what the vendor's handler does. They apply whenever it runs, beside
	// each other and beneath a fault of another kind.

	// FaultIgnore runs the vendor's handler as if the request lacked the query parameters Names.
	FaultIgnore FaultKind = "ignore"
	// FaultLastPage shows the last page again in the place of each later one. Names are the
	// parameter that says where a page begins and, unless pages have numbers, that of their size.
	FaultLastPage FaultKind = "lastPage"
	// FaultRespell runs the vendor's handler, which takes effect, and writes its JSON in another
	// Spelling.
	FaultRespell FaultKind = "respell"
)

var faultKinds = []FaultKind{
	FaultAnswer, FaultReplace, FaultDelay, FaultCut, FaultCutBody, FaultMalformed, FaultEndless, FaultLoseAnswer,
	FaultIgnore, FaultLastPage, FaultRespell,
}

// A Fault is an order to let some requests fail. Of several faults that match a request, the one
// ordered first applies, and beneath it all those that change what the vendor's handler does.
type Fault struct {
	// Kind is what happens. Required.
	Kind FaultKind `json:"kind"`
	// Method limits the fault to one HTTP method. Empty means any.
	Method string `json:"method,omitempty"`
	// Path limits the fault to one exact path. Empty means any.
	Path string `json:"path,omitempty"`
	// PathPrefix limits the fault to paths with this prefix. Empty means any.
	PathPrefix string `json:"pathPrefix,omitempty"`
	// Skip is the number of matching requests that the fault spares first.
	Skip int `json:"skip,omitempty"`
	// Times is the number of requests that the fault hits before it ends. 0 means until Remove.
	Times int `json:"times,omitempty"`
	// Delay passes before anything else happens, with every kind. It ends when the client
	// disconnects. In JSON it is text such as "1.5s".
	Delay time.Duration `json:"-"`
	// Status is the HTTP status of FaultAnswer and FaultReplace, 200 to 599. 0 means 200.
	Status int `json:"status,omitempty"`
	// Header is sent with FaultAnswer and FaultReplace.
	Header map[string]string `json:"header,omitempty"`
	// Body is sent with FaultAnswer and FaultReplace. JSON has the type application/json, unless
	// Header says otherwise.
	Body string `json:"body,omitempty"`
	// Names are parameters of the query, or the JSON fields to which a FaultRespell keeps. A
	// FaultRespell without Names changes every field.
	Names []string `json:"names,omitempty"`
	// Spelling is what a FaultRespell makes of the response.
	Spelling Spelling `json:"spelling,omitempty"`
}

// Validate returns what is wrong with f, or nil.
func (f Fault) Validate() error {
	answers := f.Kind == FaultAnswer || f.Kind == FaultReplace
	switch {
	case !slices.Contains(faultKinds, f.Kind):
		return fmt.Errorf("kind %q is not one of %q", f.Kind, faultKinds)
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
	return f.validateNames()
}

// validateNames returns what is wrong with Names and Spelling, or nil.
func (f Fault) validateNames() error {
	n := len(f.Names)
	switch {
	case f.Kind != FaultRespell && f.Spelling != "":
		return fmt.Errorf("a fault of kind %q takes no spelling", f.Kind)
	case f.Kind == FaultRespell && !f.Spelling.known():
		return fmt.Errorf("spelling %q is not one of %q", f.Spelling, Spellings())
	case f.Kind == FaultRespell && n == 0 && f.Spelling.needsNames():
		return fmt.Errorf("the spelling %q needs the names of JSON fields", f.Spelling)
	case f.Kind == FaultIgnore && n == 0, f.Kind == FaultLastPage && n != 1 && n != 2:
		return fmt.Errorf("a fault of kind %q needs the names of query parameters", f.Kind)
	case n > 0 && !f.changes():
		return fmt.Errorf("a fault of kind %q takes no names", f.Kind)
	}
	return nil
}

func (f Fault) matches(r *http.Request) bool {
	return (f.Method == "" || f.Method == r.Method) &&
		(f.Path == "" || f.Path == r.URL.Path) &&
		strings.HasPrefix(r.URL.Path, f.PathPrefix)
}

// An OrderedFault is a fault in force.
type OrderedFault struct {
	// ID is what Remove takes.
	ID int `json:"id"`
	Fault
	// Seen is the number of matching requests that it has spared or hit.
	Seen int `json:"seen"`
}

// Faults are the faults in force, in their order. The zero value is usable, and safe for concurrent
// use.
type Faults struct {
	mu     sync.Mutex
	lastID int
	orders []OrderedFault
}

// Add orders a fault and returns the id that Remove takes. It panics if the fault is invalid, since
// that is a mistake in the test.
func (f *Faults) Add(fault Fault) int {
	if err := fault.Validate(); err != nil {
		panic("twin: invalid fault: " + err.Error())
	}
	fault.Header, fault.Names = maps.Clone(fault.Header), slices.Clone(fault.Names)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lastID++
	f.orders = append(f.orders, OrderedFault{ID: f.lastID, Fault: fault})
	return f.lastID
}

// Remove ends the fault with this id and reports whether it was in force.
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

// List returns the faults in force.
func (f *Faults) List() []OrderedFault {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.orders)
}

// take returns the faults that hit r: all changes of what the vendor's handler does, and the first
// other fault, whose kind is empty without one. It removes a fault after its last time.
func (f *Faults) take(r *http.Request) (fault Fault, changes []Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.orders {
		order := &f.orders[i]
		if !order.matches(r) || !order.changes() && fault.Kind != "" {
			continue
		}
		order.Seen++
		switch {
		case order.Seen <= order.Skip:
		case order.changes():
			changes = append(changes, order.Fault)
		default:
			fault = order.Fault
		}
	}
	f.orders = slices.DeleteFunc(f.orders, OrderedFault.ended)
	return fault, changes
}

// changes reports whether the fault changes what the vendor's handler does.
func (f Fault) changes() bool {
	return slices.Contains([]FaultKind{FaultIgnore, FaultLastPage, FaultRespell}, f.Kind)
}

// ended reports whether the fault has hit its last request.
func (o OrderedFault) ended() bool { return o.Times > 0 && o.Seen >= o.Skip+o.Times }
