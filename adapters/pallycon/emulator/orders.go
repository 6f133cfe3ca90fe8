package emulator

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/drmhub/drmhub/adapters/twin"
)

// States of a site order (status). The guide does not name the vendor's words. These are this
// project's, and Assumptions.OrderWords sets others.
const (
	OrderPending  = "Request"
	OrderApproved = "Approve"
	OrderRejected = "Reject"
)

// Kinds of effects: what happened to a site order. Their key is seq, and their details hold
// service_name and, once there is one, site_id.
const (
	EffectSiteOrdered   = "siteOrdered"
	EffectOrderApproved = "siteOrderApproved"
	EffectOrderRejected = "siteOrderRejected"
)

// SiteOrder is a request for an additional site. It waits until somebody at the vendor approves or
// rejects it.
type SiteOrder struct {
	// Seq identifies the order.
	Seq int
	// AccountID is the account that ordered.
	AccountID string
	// SiteID is the new site. It is empty until the order is approved.
	SiteID string
	// ServiceName is the name of the new site.
	ServiceName string
	// Status is OrderPending, OrderApproved or OrderRejected.
	Status string
	// UpdateTime is when the status changed, and RegTime when the site was ordered.
	UpdateTime, RegTime time.Time
}

// PutSiteOrders adds orders, or replaces those of the same Seq. It makes no sites. The defaults of
// zero values are the next Seq, the emulator's own account, OrderPending, a RegTime of now, and an
// UpdateTime equal to RegTime. It panics if a status is unknown, because that is a mistake in the
// test.
func (e *Emulator) PutSiteOrders(orders ...SiteOrder) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, o := range orders {
		if o.Seq == 0 {
			o.Seq = e.nextOrder()
		}
		if o.AccountID == "" {
			o.AccountID = e.account.id
		}
		if o.Status == "" {
			o.Status = OrderPending
		}
		if !slices.Contains([]string{OrderPending, OrderApproved, OrderRejected}, o.Status) {
			panic(fmt.Sprintf("emulator: a site order cannot have the status %q", o.Status))
		}
		if o.RegTime.IsZero() {
			o.RegTime = e.Clock().Now()
		}
		if o.UpdateTime.IsZero() {
			o.UpdateTime = o.RegTime
		}
		if at, held := e.findOrder(o.Seq); held {
			e.orders[at] = o
		} else {
			e.orders = slices.Insert(e.orders, at, o)
		}
	}
}

// SiteOrders returns the orders in the order of the list: newest first.
func (e *Emulator) SiteOrders() []SiteOrder {
	e.mu.RLock()
	defer e.mu.RUnlock()
	orders := slices.Clone(e.orders)
	slices.Reverse(orders)
	return orders
}

// nextOrder returns the seq of the next order. The caller holds the lock, here and below.
func (e *Emulator) nextOrder() int {
	if len(e.orders) == 0 {
		return 1
	}
	return e.orders[len(e.orders)-1].Seq + 1
}

// findOrder returns the position of the order with that seq.
func (e *Emulator) findOrder(seq int) (at int, held bool) {
	return slices.BinarySearchFunc(e.orders, seq, func(o SiteOrder, seq int) int { return o.Seq - seq })
}

// orderSite serves "Request Additional Service Site".
func (e *Emulator) orderSite(ctx context.Context, p twin.Params) (response, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.Clock().Now()
	o := SiteOrder{
		Seq: e.nextOrder(), AccountID: e.account.id, ServiceName: p["service_name"], Status: OrderPending,
		UpdateTime: now, RegTime: now,
	}
	e.orders = append(e.orders, o)
	e.recordOrder(ctx, EffectSiteOrdered, o)
	return response{data: map[string]int{"seq": o.Seq}}, nil
}

// listSiteOrders serves "Get Status of Additional Site Request": newest first.
func (e *Emulator) listSiteOrders(_ context.Context, p twin.Params) (response, error) {
	type row struct {
		Seq         int    `json:"seq"`
		AccountID   string `json:"account_id"`
		SiteID      string `json:"site_id"`
		ServiceName string `json:"service_name"`
		Status      string `json:"status"`
		UpdateTime  string `json:"update_time"`
		RegTime     string `json:"reg_time"`
	}
	start, end, err := e.days(p)
	if err != nil {
		return response{}, err
	}
	first, size, err := e.page(p)
	if err != nil {
		return response{}, err
	}
	if err := e.bothOrNeither(p, "search_type", "search_keyword"); err != nil {
		return response{}, err
	}
	words, status := e.assumed.OrderWords, p["req_status"]
	if status != "" && status != words.Pending && status != words.Approved && status != words.Rejected {
		message := fmt.Sprintf("invalid parameter req_status: %q", status)
		return response{}, failure{e.assumed.Codes.InvalidParameter, message}
	}
	rows := []row{}
	for _, o := range e.SiteOrders() {
		searched := o.AccountID
		if p["search_type"] == "site_id" {
			searched = o.SiteID
		}
		word := words.of(o.Status)
		if within(o.RegTime, start, end) && (status == "" || status == word) && e.finds(searched, p["search_keyword"]) {
			rows = append(rows, row{
				o.Seq, o.AccountID, o.SiteID, o.ServiceName, word, e.second(o.UpdateTime), e.second(o.RegTime),
			})
		}
	}
	return pageOf(e, rows, first, size), nil
}

// ApproveOrder approves a pending site order, as the vendor would. It makes the site, with a new id
// and its DRM in service. It fails if no order of that seq is pending.
func (e *Emulator) ApproveOrder(seq int) (SiteOrder, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	o, err := e.settleOrder(seq, OrderApproved)
	if err != nil {
		return SiteOrder{}, err
	}
	o.SiteID = e.siteID()
	for e.find(o.SiteID) != nil {
		o.SiteID = e.siteID()
	}
	e.addSite(Site{o.SiteID, o.ServiceName, []Product{{ServiceDRM, StateInService}}})
	e.recordOrder(context.Background(), EffectOrderApproved, *o)
	return *o, nil
}

// RejectOrder rejects a pending site order, as the vendor would. It fails if no order of that seq
// is pending.
func (e *Emulator) RejectOrder(seq int) (SiteOrder, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	o, err := e.settleOrder(seq, OrderRejected)
	if err != nil {
		return SiteOrder{}, err
	}
	e.recordOrder(context.Background(), EffectOrderRejected, *o)
	return *o, nil
}

// settleOrder gives a pending order its last status.
func (e *Emulator) settleOrder(seq int, status string) (*SiteOrder, error) {
	at, held := e.findOrder(seq)
	if !held || e.orders[at].Status != OrderPending {
		return nil, fmt.Errorf("no site order %d is pending", seq)
	}
	o := &e.orders[at]
	o.Status, o.UpdateTime = status, e.Clock().Now()
	return o, nil
}

// serveOrder returns the admin call of ApproveOrder or RejectOrder.
func serveOrder(settle func(seq int) (SiteOrder, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		order, err := twin.ReadJSON[struct {
			Seq int `json:"seq"`
		}](r)
		if err != nil {
			twin.WriteError(w, http.StatusBadRequest, err)
			return
		}
		o, err := settle(order.Seq)
		if err != nil {
			twin.WriteError(w, http.StatusConflict, err)
			return
		}
		twin.WriteJSON(w, http.StatusOK, map[string]any{
			"seq": o.Seq, "siteId": o.SiteID, "serviceName": o.ServiceName, "status": o.Status,
		})
	}
}

func (e *Emulator) recordOrder(ctx context.Context, kind string, o SiteOrder) {
	details := map[string]string{"service_name": o.ServiceName}
	if o.SiteID != "" {
		details["site_id"] = o.SiteID
	}
	e.Ledger().Record(ctx, kind, strconv.Itoa(o.Seq), details)
}

// siteIDs returns a function that makes site ids, "four alphanumeric characters". A seed always
// makes the same ones.
func siteIDs(seed uint64) func() string {
	random := twin.Rand(seed, "site ids")
	return func() string { return letters(random, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 4) }
}

// letters returns n random letters of an alphabet.
func letters(random *rand.Rand, alphabet string, n int) string {
	text := make([]byte, n)
	for i := range text {
		text[i] = alphabet[random.IntN(len(alphabet))]
	}
	return string(text)
}
