package emulator

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/drmhub/drmhub/adapters/twin"
)

// Irdeto's side of the integration. Its contract is not public: all shapes here are this project's
// own.

// IrdetoBehavior is what Irdeto does when it is asked to create or delete an entitlement.
type IrdetoBehavior string

// What Irdeto can do.
const (
	// IrdetoSucceeds carries it out at once.
	IrdetoSucceeds IrdetoBehavior = "succeed"
	// IrdetoRefuses answers no: CodeIrdetoRefused.
	IrdetoRefuses IrdetoBehavior = "refuse"
	// IrdetoDown is not reached: CodeIrdetoUnavailable.
	IrdetoDown IrdetoBehavior = "down"
	// IrdetoStalls does not answer until the client of the call has gone, or Irdeto is given
	// another order. Then it carries it out where the order says TakesEffect, and fails with
	// CodeIrdetoTimeout else. What AminoTV does after that, it does even if its client has gone.
	IrdetoStalls IrdetoBehavior = "stall"
)

var irdetoBehaviors = []IrdetoBehavior{IrdetoSucceeds, IrdetoRefuses, IrdetoDown, IrdetoStalls}

// IrdetoCall is something that Irdeto is asked to do.
type IrdetoCall string

// What Irdeto is asked to do, once for every license.
const (
	IrdetoCreate IrdetoCall = "create"
	IrdetoDelete IrdetoCall = "delete"
)

// IrdetoOrder says what Irdeto does. The zero value is no order: IrdetoSucceeds.
type IrdetoOrder struct {
	// Behavior is what it does. Empty means IrdetoSucceeds.
	Behavior IrdetoBehavior `json:"behavior,omitempty"`
	// Call limits the order to one of its calls. Empty means both; the other one succeeds.
	Call IrdetoCall `json:"call,omitempty"`
	// Skip is how many such calls succeed first.
	Skip int `json:"skip,omitempty"`
	// Times is how many such calls it is for, after which Irdeto succeeds again. 0 means until
	// another order.
	Times int `json:"times,omitempty"`
	// TakesEffect is for IrdetoStalls.
	TakesEffect bool `json:"takesEffect,omitempty"`
}

// Validate tells what is wrong with o, or returns nil.
func (o IrdetoOrder) Validate() error {
	switch {
	case o.Behavior != "" && !slices.Contains(irdetoBehaviors, o.Behavior):
		return fmt.Errorf("behavior %q is none of %q", o.Behavior, irdetoBehaviors)
	case o.Call != "" && o.Call != IrdetoCreate && o.Call != IrdetoDelete:
		return fmt.Errorf("call %q is neither %q nor %q", o.Call, IrdetoCreate, IrdetoDelete)
	case o.Skip < 0 || o.Times < 0:
		return fmt.Errorf("skip and times must not be negative")
	case o.TakesEffect && o.Behavior != IrdetoStalls:
		return fmt.Errorf("takesEffect is for the behavior %q alone", IrdetoStalls)
	}
	return nil
}

// Entitlement is what Irdeto holds for one license, or held.
type Entitlement struct {
	// ID is Irdeto's own.
	ID string `json:"id"`
	// LicenseID, UserID and ProductID are AminoTV's.
	LicenseID string `json:"licenseId"`
	UserID    string `json:"userId"`
	ProductID string `json:"productId"`
	// Created and Deleted are by the twin's clock. Deleted is the zero time while the entitlement
	// stands.
	Created time.Time `json:"created"`
	Deleted time.Time `json:"deleted,omitzero"`
}

// irdeto is the DRM partner behind AminoTV. It is safe for concurrent use.
type irdeto struct {
	clock *twin.Clock
	off   bool

	mu           sync.Mutex
	random       *rand.Rand
	entitlements []Entitlement  // every one that there ever was, oldest first
	standing     map[string]int // the place of the one that stands, by license
	order        IrdetoOrder
	seen         int           // calls that the order is for
	replaced     chan struct{} // closed when another order comes
	stalled      int
}

func newIrdeto(clock *twin.Clock, seed uint64, off bool) *irdeto {
	return &irdeto{
		clock: clock, off: off, random: twin.Rand(seed, "entitlements"),
		standing: map[string]int{}, replaced: make(chan struct{}),
	}
}

// create asks for the entitlement of a license.
func (i *irdeto) create(ctx context.Context, l License) error {
	return i.ask(ctx, IrdetoCreate, func() { i.grant(l, i.clock.Now()) })
}

// delete asks for the end of a license's entitlement. Where there is none, there is nothing to do.
func (i *irdeto) delete(ctx context.Context, licenseID string) error {
	return i.ask(ctx, IrdetoDelete, func() { i.withdraw(licenseID) })
}

// grant gives a license its entitlement, unless it has one.
func (i *irdeto) grant(l License, created time.Time) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if _, stands := i.standing[l.ID]; stands || i.off {
		return
	}
	i.standing[l.ID] = len(i.entitlements)
	i.entitlements = append(i.entitlements, Entitlement{
		ID: fmt.Sprintf("ent-%016x", i.random.Uint64()), Created: created,
		LicenseID: l.ID, UserID: l.UserID, ProductID: l.ProductID,
	})
}

func (i *irdeto) withdraw(licenseID string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if at, stands := i.standing[licenseID]; stands {
		i.entitlements[at].Deleted = i.clock.Now()
		delete(i.standing, licenseID)
	}
}

// ask carries a call out, or fails, as ordered.
func (i *irdeto) ask(ctx context.Context, call IrdetoCall, carryOut func()) error {
	if i.off {
		return nil
	}
	order, replaced := i.take(call)
	fails := func(code, why string) error {
		return failure{http.StatusBadGateway, code, fmt.Sprintf("Irdeto: %s the entitlement: %s", call, why)}
	}
	switch order.Behavior {
	case IrdetoRefuses:
		return fails(CodeIrdetoRefused, "refused")
	case IrdetoDown:
		return fails(CodeIrdetoUnavailable, "no connection")
	case IrdetoStalls:
		select {
		case <-ctx.Done():
		case <-replaced:
		}
		i.unstall()
		if !order.TakesEffect {
			return fails(CodeIrdetoTimeout, "no answer")
		}
	}
	carryOut()
	return nil
}

// take is the order that a call meets, and what ends its stalling. Such a call counts as stalled
// from now on.
func (i *irdeto) take(call IrdetoCall) (met IrdetoOrder, replaced <-chan struct{}) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.order.Call != "" && i.order.Call != call {
		return met, nil
	}
	i.seen++
	if i.seen > i.order.Skip && (i.order.Times == 0 || i.seen <= i.order.Skip+i.order.Times) {
		met = i.order
	}
	if met.Behavior == IrdetoStalls {
		i.stalled++
	}
	return met, i.replaced
}

func (i *irdeto) unstall() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.stalled--
}
