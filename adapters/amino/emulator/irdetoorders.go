package emulator

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/drmhub/drmhub/adapters/twin"
)

// IrdetoState is the state of Irdeto.
type IrdetoState struct {
	// Order is the last order, also after the calls that meet it.
	Order IrdetoOrder `json:"order"`
	// Stalled is the number of calls that wait at Irdeto. A call that no longer waits may still be
	// about to take effect at AminoTV.
	Stalled int `json:"stalled"`
	// Entitlements holds all entitlements, also the deleted ones, oldest first.
	Entitlements []Entitlement `json:"entitlements"`
}

// OrderIrdeto replaces the order of what Irdeto does. Calls that stall go on as their own order's
// TakesEffect says. OrderIrdeto panics if the order is not valid, since that is a mistake in the
// test.
func (e *Emulator) OrderIrdeto(order IrdetoOrder) {
	if err := order.Validate(); err != nil {
		panic("emulator: invalid order to Irdeto: " + err.Error())
	}
	e.irdeto.mu.Lock()
	defer e.irdeto.mu.Unlock()
	close(e.irdeto.replaced)
	e.irdeto.order, e.irdeto.seen, e.irdeto.replaced = order, 0, make(chan struct{})
}

// Irdeto returns the state of Irdeto.
func (e *Emulator) Irdeto() IrdetoState {
	e.irdeto.mu.Lock()
	defer e.irdeto.mu.Unlock()
	return IrdetoState{e.irdeto.order, e.irdeto.stalled, append([]Entitlement{}, e.irdeto.entitlements...)}
}

// Entitlements returns the entitlements in force, oldest first. Irdeto returns the deleted ones
// too.
func (e *Emulator) Entitlements() []Entitlement {
	return slices.DeleteFunc(e.Irdeto().Entitlements, func(held Entitlement) bool { return !held.Deleted.IsZero() })
}

// serveIrdeto serves the state of Irdeto, for tests in other processes.
func (e *Emulator) serveIrdeto(w http.ResponseWriter, _ *http.Request) {
	twin.WriteJSON(w, http.StatusOK, e.Irdeto())
}

// serveIrdetoOrder serves OrderIrdeto, for tests in other processes.
func (e *Emulator) serveIrdetoOrder(w http.ResponseWriter, r *http.Request) {
	request, err := twin.ReadJSON[struct {
		IrdetoOrder
		// Scripts that are older than the first release use this key.
		Older IrdetoBehavior `json:"behaviour"`
	}](r)
	order := request.IrdetoOrder
	order.Behavior = cmp.Or(order.Behavior, request.Older)
	if err == nil {
		err = order.Validate()
	}
	if err != nil {
		twin.WriteError(w, http.StatusBadRequest, err)
		return
	}
	e.OrderIrdeto(order)
	e.serveIrdeto(w, r)
}
