package emulator

import (
	"net/http"
	"slices"

	"github.com/drmhub/drmhub/adapters/twin"
)

// IrdetoState is what Irdeto holds and does.
type IrdetoState struct {
	// Order is the last one given, whether calls still meet it or not.
	Order IrdetoOrder `json:"order"`
	// Stalled is how many calls Irdeto keeps waiting. One that it lets go may still be on its way
	// to take effect at AminoTV.
	Stalled int `json:"stalled"`
	// Entitlements are all that there ever were, oldest first.
	Entitlements []Entitlement `json:"entitlements"`
}

// OrderIrdeto says what Irdeto does from now on, in place of the order before. Calls that stall go
// on by their own order's TakesEffect. It panics where the order is not valid, as that is a mistake
// in the test.
func (e *Emulator) OrderIrdeto(order IrdetoOrder) {
	if err := order.Validate(); err != nil {
		panic("emulator: invalid order to Irdeto: " + err.Error())
	}
	e.irdeto.mu.Lock()
	defer e.irdeto.mu.Unlock()
	close(e.irdeto.replaced)
	e.irdeto.order, e.irdeto.seen, e.irdeto.replaced = order, 0, make(chan struct{})
}

// Irdeto is what Irdeto holds and does now.
func (e *Emulator) Irdeto() IrdetoState {
	e.irdeto.mu.Lock()
	defer e.irdeto.mu.Unlock()
	return IrdetoState{e.irdeto.order, e.irdeto.stalled, append([]Entitlement{}, e.irdeto.entitlements...)}
}

// Entitlements are those that stand at Irdeto now, oldest first. Irdeto tells of the deleted ones
// too.
func (e *Emulator) Entitlements() []Entitlement {
	return slices.DeleteFunc(e.Irdeto().Entitlements, func(held Entitlement) bool { return !held.Deleted.IsZero() })
}

// serveIrdeto is Irdeto for other people's tests.
func (e *Emulator) serveIrdeto(w http.ResponseWriter, _ *http.Request) {
	twin.WriteJSON(w, http.StatusOK, e.Irdeto())
}

// serveIrdetoOrder is OrderIrdeto for other people's tests.
func (e *Emulator) serveIrdetoOrder(w http.ResponseWriter, r *http.Request) {
	order, err := twin.ReadJSON[IrdetoOrder](r)
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
