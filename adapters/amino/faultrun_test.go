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
	"github.com/drmhub/drmhub/adapters/upstream"
	"github.com/drmhub/drmhub/internal/faultplan"
	"github.com/drmhub/drmhub/internal/panics"
)

// The faults of a record, of a read and of a write.
const (
	crashBefore faultplan.Fault = "crash before the record is kept"
	crashAfter  faultplan.Fault = "crash after the record is kept"
	notKept     faultplan.Fault = "the record cannot be kept"
	throttled   faultplan.Fault = "the read is throttled"
	cutBefore   faultplan.Fault = "cut before the effect"
	cutAfter    faultplan.Fault = "cut after the effect"
	refused     faultplan.Fault = "refused"
	irdetoFails faultplan.Fault = "Irdeto fails"
)

// A scenario is an operation, one reading of what AminoTV does without Irdeto, and who runs the
// mutation again: the caller, or the journal, which settles it.
type scenario struct {
	operation
	stands, settled bool
}

// A faultRun is a run of a scenario in which faults occur as planned. It is the way to the vendor,
// and the log of the mutation.
type faultRun struct {
	scenario
	*faultplan.Plan
	*mutation.Memory
	vendor *emulator.Emulator
	twin   http.RoundTripper
	config amino.Config

	process  adapters.Adapter
	dead     bool // the process has crashed
	faults   int  // those that occurred before the process began
	settling bool

	mu   sync.Mutex      // the batch's worker is another goroutine
	sent map[string]bool // the steps without an outcome
}

var (
	errCrash   = errors.New("the process crashes")
	errNotKept = errors.New("the disk is full")
)

// newFaultRun returns a run at a vendor with two products and the operation's licenses.
func newFaultRun(t *testing.T, s scenario, p *faultplan.Plan) *faultRun {
	r := &faultRun{
		scenario: s, Plan: p, Memory: mutation.NewMemory(), config: aminotest.Config(), sent: map[string]bool{},
		vendor: emulator.New(emulator.Options{Assumptions: emulator.Assumptions{LicenseStandsWithoutIrdeto: s.stands}}),
	}
	r.vendor.PutProducts(
		emulator.Product{ID: "gold", Name: "Gold", Recurring: true, PriceAmount: 1999, PriceCurrency: "EUR"},
		emulator.Product{ID: "silver", Name: "Silver", PriceAmount: 999, PriceCurrency: "EUR"},
	)
	r.vendor.PutLicenses(s.held...)
	r.twin = twin.Transport(r.vendor)
	r.config.LicenseStandsWithoutIrdeto, r.config.BatchConcurrency = s.stands, 1
	r.restart(t)
	return r
}

func (r *faultRun) restart(t *testing.T) {
	a, err := amino.New("acme", r.config, upstream.Connection{Transport: r})
	if err != nil {
		t.Fatal(err)
	}
	r.process, r.dead, r.faults = a, false, r.Count()
}

// RoundTrip sends a request to the vendor.
func (r *faultRun) RoundTrip(req *http.Request) (*http.Response, error) {
	if r.dead {
		panic(errCrash)
	}
	can := []faultplan.Fault{cutBefore, cutAfter, refused, irdetoFails}
	if req.Method == http.MethodGet {
		can = []faultplan.Fault{throttled}
	}
	order := func(f twin.Fault) {
		f.Times = 1
		r.vendor.Faults().Add(f)
	}
	switch r.At(req.Method+" "+req.URL.Path, can...) {
	case cutBefore:
		return nil, io.ErrUnexpectedEOF
	case cutAfter:
		order(twin.Fault{Kind: twin.FaultLoseAnswer})
	case throttled:
		order(emulator.Refusal(http.StatusTooManyRequests, "THROTTLED", "too fast"))
	case refused:
		order(emulator.Refusal(http.StatusUnprocessableEntity, "NOT_SOLD_ANY_MORE", "not to this user"))
	case irdetoFails:
		r.vendor.OrderIrdeto(emulator.IrdetoOrder{Behavior: emulator.IrdetoRefuses, Times: 1})
	}
	return r.twin.RoundTrip(req)
}

// Put keeps the record of a step.
func (r *faultRun) Put(_ context.Context, step string, record mutation.Record) error {
	return r.Note(step, record)
}

// Note keeps the record of a step. A process that crashes before the next request may lose it or
// not.
func (r *faultRun) Note(step string, record mutation.Record) error {
	if r.dead {
		panic(errCrash)
	}
	fault := r.At("record of "+step, crashBefore, crashAfter, notKept)
	switch fault {
	case crashBefore:
		r.crash()
	case notKept:
		return errNotKept
	}
	err := r.Memory.Note(step, record)
	r.mu.Lock()
	r.sent[step] = record.State == mutation.Sent
	r.mu.Unlock()
	if fault == crashAfter {
		r.crash()
	}
	return err
}

func (r *faultRun) crash() {
	r.dead = true
	panic(errCrash)
}

// Settling reports whether the journal runs the mutation.
func (r *faultRun) Settling() bool { return r.settling }

// run makes the scenario's call, and runs it again until it has an outcome.
func (r *faultRun) run(t *testing.T) (proto.Message, error) {
	t.Helper()
	for range 12 {
		answer, err := r.once()
		interrupted := errors.Is(err, errCrash) || errors.Is(err, errNotKept)
		if !interrupted && !slices.Contains(slices.Collect(maps.Values(r.sent)), true) {
			undisturbed := r.Count() == r.faults && r.settling == r.settled
			if undisturbed || !apierror.IsOutcomeUnknown(err) {
				return answer, err
			}
		}
		r.settling = r.settled
		r.restart(t)
	}
	t.Fatal("the mutation does not come to an end")
	return nil, nil
}

// once makes the call in one process. Its error is errCrash if that process crashes.
func (r *faultRun) once() (answer proto.Message, err error) {
	p := panics.Catch(func() { answer, err = r.call(mutation.NewContext(context.Background(), r), r.process) })
	switch {
	case p == nil:
		return answer, err
	case p.Value != errCrash:
		panic(p)
	}
	return nil, errCrash
}

// licenses returns the licenses at AminoTV, and reports whether Irdeto holds an entitlement for
// each of them and for nothing else.
func (r *faultRun) licenses() (all []emulator.License, entitled bool) {
	held, granted := hold(r.vendor)
	slices.Sort(held)
	slices.Sort(granted)
	return r.vendor.Licenses(), slices.Equal(held, granted)
}

// today is the day on which the tests begin. They may end on the next one.
var today = time.Now().UTC().Truncate(24 * time.Hour)

// old returns the license that is revoked or replaced.
func old() emulator.License {
	return emulator.License{
		ID: "old", UserID: "viewer", ProductID: "gold", OrderID: "order-1", Status: emulator.StatusActive,
		StartDate: today.AddDate(0, 0, -10), StopDate: today.AddDate(1, 0, 0), Recurring: true,
		ExpiryDate: today.AddDate(0, 0, 20), PriceAmount: 1499, PriceCurrency: "DKK",
		PurchaseTimestamp: today.AddDate(0, 0, -11), PaymentMethod: "billing",
	}
}
