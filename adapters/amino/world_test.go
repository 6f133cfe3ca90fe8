package amino_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/amino"
	"github.com/drmhub/drmhub/adapters/amino/aminotest"
	"github.com/drmhub/drmhub/adapters/amino/emulator"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/internal/panics"
)

// fault is what goes wrong at one point of a run.
type fault string

const (
	crashBefore fault = "crash before the record is kept"
	crashAfter  fault = "crash after the record is kept"
	notKept     fault = "the record cannot be kept"
	throttled   fault = "the read is throttled"
	cutBefore   fault = "cut before the effect"
	cutAfter    fault = "cut after the effect"
	refused     fault = "refused"
	irdetoFails fault = "Irdeto fails"
)

// What can go wrong where.
var (
	atPut   = []fault{crashBefore, crashAfter, notKept}
	atRead  = []fault{throttled}
	atWrite = []fault{cutBefore, cutAfter, refused, irdetoFails}
)

// plan is what goes wrong, by the number of the point, counted from 0 over all runs of a method.
type plan map[int]fault

// world is a vendor, and the log of one mutation there, in which things go wrong as planned.
type world struct {
	plan    plan
	points  [][]fault // that were passed, with what can go wrong at each
	dead    bool      // the process has crashed
	harmed  bool      // something went wrong in this run
	vendor  *emulator.Emulator
	twin    http.RoundTripper
	adapter adapters.Adapter
	config  amino.Config

	mu       sync.Mutex // the batch's worker is another goroutine
	steps    map[string]mutation.Record
	settling bool
}

type crash struct{}

var errNotKept = errors.New("the disk is full")

// newWorld is a vendor with two products.
func newWorld(t *testing.T, p plan, standsWithoutIrdeto bool) *world {
	w := &world{plan: p, steps: map[string]mutation.Record{}, config: aminotest.Config()}
	w.vendor = emulator.New(emulator.Options{Assumptions: emulator.Assumptions{LicenseStandsWithoutIrdeto: standsWithoutIrdeto}})
	w.vendor.PutProducts(
		emulator.Product{ID: "gold", Name: "Gold", Recurring: true, PriceAmount: 1999, PriceCurrency: "EUR"},
		emulator.Product{ID: "silver", Name: "Silver", PriceAmount: 999, PriceCurrency: "EUR"},
	)
	w.twin = twin.Transport(w.vendor)
	w.config.LicenseStandsWithoutIrdeto, w.config.BatchConcurrency = standsWithoutIrdeto, 1
	w.start(t)
	return w
}

// start makes a process anew.
func (w *world) start(t *testing.T) {
	a, err := amino.New("acme", w.config, w)
	if err != nil {
		t.Fatal(err)
	}
	w.adapter, w.dead, w.harmed = a, false, false
}

// point is what goes wrong here.
func (w *world) point(can []fault) fault {
	w.mu.Lock()
	defer w.mu.Unlock()
	planned := w.plan[len(w.points)]
	w.points = append(w.points, can)
	w.harmed = w.harmed || planned != ""
	return planned
}

// RoundTrip is the way to the vendor.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	if w.dead {
		panic(crash{})
	}
	can := atWrite
	if r.Method == http.MethodGet {
		can = atRead
	}
	order := func(f twin.Fault) {
		f.Times = 1
		w.vendor.Faults().Add(f)
	}
	switch w.point(can) {
	case cutBefore:
		return nil, io.ErrUnexpectedEOF
	case cutAfter:
		order(twin.Fault{Kind: twin.FaultLoseAnswer})
	case throttled:
		order(emulator.Refusal(http.StatusTooManyRequests, "THROTTLED", "too fast"))
	case refused:
		order(emulator.Refusal(http.StatusUnprocessableEntity, "NOT_SOLD_ANY_MORE", "not to this user"))
	case irdetoFails:
		w.vendor.OrderIrdeto(emulator.IrdetoOrder{Behavior: emulator.IrdetoRefuses, Times: 1})
	}
	return w.twin.RoundTrip(r)
}

// Get is what is kept of a step.
func (w *world) Get(step string) mutation.Record {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.steps[step]
}

// Put keeps a step, or does not.
func (w *world) Put(_ context.Context, step string, r mutation.Record) error {
	if w.dead {
		panic(crash{})
	}
	planned := w.point(atPut)
	switch planned {
	case crashBefore:
		w.dead = true
		panic(crash{})
	case notKept:
		return errNotKept
	}
	w.mu.Lock()
	w.steps[step] = r
	w.mu.Unlock()
	if planned == crashAfter {
		w.dead = true
		panic(crash{})
	}
	return nil
}

// Settling says that nobody asked again.
func (w *world) Settling() bool { return w.settling }

// AwaitCreation waits for nothing: there is no other mutation.
func (w *world) AwaitCreation(context.Context, proto.Message) error { return nil }

// ends is how a mutation ended for its caller.
type ends struct {
	answer proto.Message
	err    error
}

// call is a mutating method with its request.
type call func(context.Context, adapters.Adapter) (proto.Message, error)

// run makes a call, and runs it again as long as that is needed: by the caller, or by the journal,
// which settles it.
func (w *world) run(t *testing.T, c call, settled bool) ends {
	t.Helper()
	for range 12 {
		end, crashed := w.once(c)
		harmed := w.harmed
		final := !crashed && !w.has(mutation.Sent) && !errors.Is(end.err, errNotKept)
		if final && (!apierror.IsOutcomeUnknown(end.err) || !harmed && w.settling == settled) {
			return end
		}
		w.settling = settled
		w.start(t)
	}
	t.Fatalf("plan %v: it does not come to an end", w.plan)
	return ends{}
}

func (w *world) once(c call) (end ends, crashed bool) {
	p := panics.Catch(func() {
		end.answer, end.err = c(mutation.NewContext(context.Background(), w), w.adapter)
	})
	if p == nil {
		return end, false
	}
	if _, crashed = p.Value.(crash); !crashed {
		panic(p)
	}
	return end, true
}

func (w *world) has(state mutation.State) bool {
	for _, r := range w.steps {
		if r.State == state {
			return true
		}
	}
	return false
}

// planned is how often this goes wrong.
func (p plan) planned(f fault) int {
	n := 0
	for _, at := range p {
		if at == f {
			n++
		}
	}
	return n
}

func (p plan) with(at int, f fault) plan {
	more := maps.Clone(p)
	if more == nil {
		more = plan{}
	}
	more[at] = f
	return more
}

// licenses are those that stand, and entitled reports whether Irdeto holds an entitlement for each of
// them, and for nothing else.
func (w *world) licenses() (all []emulator.License, entitled bool) {
	var held, granted []string
	for _, l := range w.vendor.Licenses() {
		all, held = append(all, l), append(held, l.ID)
	}
	for _, e := range w.vendor.Entitlements() {
		granted = append(granted, e.LicenseID)
	}
	slices.Sort(held)
	slices.Sort(granted)
	return all, slices.Equal(held, granted)
}

// created is how often a license of each order id was created through the API.
func (w *world) created() map[string]int {
	n := map[string]int{}
	for _, e := range w.vendor.Ledger().Effects() {
		if e.Kind == emulator.EffectLicenseCreated {
			n[e.Details["order_id"]]++
		}
	}
	return n
}

// old is the license that is revoked or replaced.
func old() emulator.License {
	day := time.Now().UTC().Truncate(24 * time.Hour)
	return emulator.License{
		ID: "old", UserID: "viewer", ProductID: "gold", OrderID: "order-1", Status: emulator.StatusActive, StartDate: day.AddDate(0, 0, -10),
		StopDate: day.AddDate(1, 0, 0), Recurring: true, ExpiryDate: day.AddDate(0, 0, 20), PriceAmount: 1499, PriceCurrency: "DKK",
		PurchaseTimestamp: day.AddDate(0, 0, -11), PaymentMethod: "billing",
	}
}
