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

// This file is Irdeto's side of the integration. Its contract is not public, so all shapes here are
// this project's own.

// IrdetoBehavior says what Irdeto does with a call that creates or deletes an entitlement.
type IrdetoBehavior string

// The behaviors of Irdeto.
const (
	// IrdetoSucceeds carries the call out at once.
	IrdetoSucceeds IrdetoBehavior = "succeed"
	// IrdetoRefuses refuses the call: CodeIrdetoRefused.
	IrdetoRefuses IrdetoBehavior = "refuse"
	// IrdetoDown cannot be reached: CodeIrdetoUnavailable.
	IrdetoDown IrdetoBehavior = "down"
	// IrdetoStalls waits until the client of AminoTV has gone, or until Irdeto gets another order.
	// Then it carries the call out if the order has TakesEffect. Otherwise it fails with
	// CodeIrdetoTimeout. AminoTV goes on with its own part even if its client has gone.
	IrdetoStalls IrdetoBehavior = "stall"
)

var irdetoBehaviors = []IrdetoBehavior{IrdetoSucceeds, IrdetoRefuses, IrdetoDown, IrdetoStalls}

// IrdetoCall is a call to Irdeto.
type IrdetoCall string

// The calls to Irdeto. Each license causes one of each.
const (
	IrdetoCreate IrdetoCall = "create"
	IrdetoDelete IrdetoCall = "delete"
)

// IrdetoOrder says what Irdeto does. The zero value means IrdetoSucceeds.
type IrdetoOrder struct {
	// Behavior is the behavior ordered. Empty means IrdetoSucceeds.
	Behavior IrdetoBehavior `json:"behavior,omitempty"`
	// Call limits the order to one of the calls; the other one succeeds. Empty means both.
	Call IrdetoCall `json:"call,omitempty"`
	// Skip is the number of such calls that succeed first.
	Skip int `json:"skip,omitempty"`
	// Times is the number of such calls that meet the order. Then Irdeto succeeds again. 0 means
	// all of them, until another order.
	Times int `json:"times,omitempty"`
	// TakesEffect reports whether a call that stalls is carried out in the end.
	TakesEffect bool `json:"takesEffect,omitempty"`
}

// Validate returns an error if o is not valid.
func (o IrdetoOrder) Validate() error {
	switch {
	case o.Behavior != "" && !slices.Contains(irdetoBehaviors, o.Behavior):
		return fmt.Errorf("behavior must be one of %q: %q", irdetoBehaviors, o.Behavior)
	case o.Call != "" && o.Call != IrdetoCreate && o.Call != IrdetoDelete:
		return fmt.Errorf("call must be %q or %q: %q", IrdetoCreate, IrdetoDelete, o.Call)
	case o.Skip < 0 || o.Times < 0:
		return fmt.Errorf("skip and times must not be negative")
	case o.TakesEffect && o.Behavior != IrdetoStalls:
		return fmt.Errorf("takesEffect is for the behavior %q alone", IrdetoStalls)
	}
	return nil
}

// Entitlement is Irdeto's record of one license. Irdeto keeps it after its deletion.
type Entitlement struct {
	// ID is Irdeto's id of the entitlement.
	ID string `json:"id"`
	// LicenseID, UserID and ProductID are AminoTV's ids.
	LicenseID string `json:"licenseId"`
	UserID    string `json:"userId"`
	ProductID string `json:"productId"`
	// Created and Deleted are times of the twin's clock. Deleted is zero while the entitlement is
	// in force.
	Created time.Time `json:"created"`
	Deleted time.Time `json:"deleted,omitzero"`
}

// irdeto is the DRM partner behind AminoTV. It is safe for concurrent use.
type irdeto struct {
	clock *twin.Clock
	off   bool

	mu           sync.Mutex
	random       *rand.Rand
	entitlements []Entitlement  // also the deleted ones, oldest first
	inForce      map[string]int // the index of the entitlement in force, by license
	order        IrdetoOrder
	seen         int           // calls that the order applies to
	replaced     chan struct{} // closed when another order comes
	stalled      int
}

func newIrdeto(clock *twin.Clock, seed uint64, off bool) *irdeto {
	return &irdeto{
		clock: clock, off: off, random: twin.Rand(seed, "entitlements"),
		inForce: map[string]int{}, replaced: make(chan struct{}),
	}
}

// create asks Irdeto for the entitlement of a license.
func (i *irdeto) create(ctx context.Context, l License) error {
	return i.ask(ctx, IrdetoCreate, func() { i.grant(l, i.clock.Now()) })
}

// delete asks Irdeto to end a license's entitlement. It succeeds if the license has no entitlement.
func (i *irdeto) delete(ctx context.Context, licenseID string) error {
	return i.ask(ctx, IrdetoDelete, func() { i.withdraw(licenseID) })
}

// grant gives a license its entitlement, unless it has one.
func (i *irdeto) grant(l License, created time.Time) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if _, held := i.inForce[l.ID]; held || i.off {
		return
	}
	i.inForce[l.ID] = len(i.entitlements)
	i.entitlements = append(i.entitlements, Entitlement{
		ID: fmt.Sprintf("ent-%016x", i.random.Uint64()), Created: created,
		LicenseID: l.ID, UserID: l.UserID, ProductID: l.ProductID,
	})
}

func (i *irdeto) withdraw(licenseID string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if at, held := i.inForce[licenseID]; held {
		i.entitlements[at].Deleted = i.clock.Now()
		delete(i.inForce, licenseID)
	}
}

// ask carries a call out or fails, as the order says.
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
			return fails(CodeIrdetoTimeout, "no response")
		}
	}
	carryOut()
	return nil
}

// take returns the order that a call meets. A call that stalls is counted, and waits until replaced
// is closed.
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
