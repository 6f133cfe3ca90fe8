package emulator

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Statuses of a license.
const (
	StatusActive         = "ACTIVE" // the only status that allows playback
	StatusSuspended      = "SUSPENDED"
	StatusSuspendedAdmin = "SUSPENDEDADMIN"
	StatusExpired        = "EXPIRED"
	StatusProcessing     = "PROCESSING"
	StatusCheckInvalid   = "CHECK_INVALID"
	StatusOrderError     = "ORDER_ERROR"
)

var statuses = []string{
	StatusActive, StatusSuspended, StatusSuspendedAdmin, StatusExpired,
	StatusProcessing, StatusCheckInvalid, StatusOrderError,
}

// Kinds of the effects on licenses in the ledger. The key is the license's id, and the details hold
// user, product and order_id. For the effects at Irdeto see Entitlements.
const (
	EffectLicenseCreated = "licenseCreated"
	EffectLicenseDeleted = "licenseDeleted"
)

// License grants one user access to the services of one product. The server keeps whole seconds.
type License struct {
	// ID identifies the license.
	ID string
	// Status is one of the statuses.
	Status string
	// StartDate and StopDate bound its validity. A zero StopDate means that it has no end.
	StartDate, StopDate time.Time
	// OrderID is the order that it was issued for. It may be empty.
	OrderID string
	// Recurring (renew_record.recurring) says whether it renews. ExpiryDate
	// (renew_record.expiry_date) is the end of its period, or zero.
	Recurring  bool
	ExpiryDate time.Time
	// PriceAmount is the price paid in cents, and PriceCurrency its currency (ISO 4217). An empty
	// currency means that there is no price.
	PriceAmount   int64
	PriceCurrency string
	// PurchaseTimestamp is the time of the purchase. PaymentMethod may be empty.
	PurchaseTimestamp time.Time
	PaymentMethod     string
	// UserID is the user who gets access, and ProductID the product.
	UserID, ProductID string
}

// at returns the license as it reads at that time.
func (l License) at(now time.Time) License {
	if l.Status != StatusActive {
		return l
	}
	last := now.Unix() // the last second in which a period may begin
	if !l.StopDate.IsZero() && !now.Before(l.StopDate) {
		l.Status = StatusExpired
		last = l.StopDate.Unix() - 1
	}
	period := l.ExpiryDate.Unix() - l.StartDate.Unix()
	if overdue := last - l.ExpiryDate.Unix(); l.Recurring && period > 0 && overdue >= 0 {
		l.ExpiryDate = time.Unix(l.ExpiryDate.Unix()+(overdue/period+1)*period, 0).UTC()
	}
	return l
}

// licenseAttributes are the attributes of a license in a response.
type licenseAttributes struct {
	Status         string         `json:"status"`
	StartDate      *int64         `json:"start_date"`
	StopDate       *int64         `json:"stop_date"`
	OrderID        *string        `json:"order_id"`
	RenewRecord    renewRecord    `json:"renew_record"`
	PurchaseRecord purchaseRecord `json:"purchase_record"`
}

type renewRecord struct {
	Recurring  bool   `json:"recurring"`
	ExpiryDate *int64 `json:"expiry_date"`
}

type purchaseRecord struct {
	PriceAmount       *int64  `json:"price_currency_amount"`
	PriceCurrency     *string `json:"price_currency_iso4217"`
	PurchaseTimestamp *int64  `json:"purchase_timestamp"`
	PaymentMethod     *string `json:"payment_method"`
}

func (l License) resource() resource {
	type identifier struct {
		ID   string `json:"id"`
		Type string `json:"type"`
	}
	type link struct {
		Data identifier `json:"data"`
	}
	amount, currency := priceOrNull(l.PriceAmount, l.PriceCurrency)
	return resource{
		ID: l.ID, Type: typeLicense,
		Attributes: licenseAttributes{
			Status: l.Status, StartDate: epoch(l.StartDate), StopDate: epoch(l.StopDate), OrderID: orNull(l.OrderID),
			RenewRecord:    renewRecord{l.Recurring, epoch(l.ExpiryDate)},
			PurchaseRecord: purchaseRecord{amount, currency, epoch(l.PurchaseTimestamp), orNull(l.PaymentMethod)},
		},
		Relationships: map[string]link{
			"user":    {identifier{l.UserID, typeUser}},
			"product": {identifier{l.ProductID, typeProduct}},
		},
	}
}

// PutUsers makes users known, for Assumptions.KnownUsersOnly.
func (e *Emulator) PutUsers(ids ...string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, id := range ids {
		e.users[id] = true
	}
}

// PutLicenses adds licenses, or replaces those with the same ID, and makes their users known.
// Irdeto gets an entitlement for each, created at the time of the purchase. It takes any status,
// also one that no client knows. It panics if the product does not exist, since that is a mistake
// in the test.
//
// A license without an ID gets one. Without a status it is active. StartDate and PurchaseTimestamp
// default to now, and the first period of a recurring license to Assumptions.RenewalPeriod.
// Recurring and price do not default to those of the product.
func (e *Emulator) PutLicenses(licenses ...License) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, l := range licenses {
		if _, held := e.products.get(l.ProductID); !held {
			panic(fmt.Sprintf("emulator: a license to product %q, which does not exist", l.ProductID))
		}
		if l.ID == "" {
			l.ID = e.newID()
		}
		if l.Status == "" {
			l.Status = StatusActive
		}
		l = e.completed(l)
		e.users[l.UserID] = true
		e.licenses.put(l.ID, l)
		e.irdeto.grant(l, l.PurchaseTimestamp)
	}
}

// completed returns a license with the default times, all in whole seconds.
func (e *Emulator) completed(l License) License {
	now := e.Clock().Now()
	if l.StartDate.IsZero() {
		l.StartDate = now
	}
	if l.PurchaseTimestamp.IsZero() {
		l.PurchaseTimestamp = now
	}
	if l.Recurring && l.ExpiryDate.IsZero() {
		l.ExpiryDate = l.StartDate.Add(e.assumed.RenewalPeriod)
	}
	for _, t := range []*time.Time{&l.StartDate, &l.StopDate, &l.ExpiryDate, &l.PurchaseTimestamp} {
		*t = t.UTC().Truncate(time.Second)
	}
	return l
}

// Licenses returns the licenses that the server holds, as they read now, in the order of its lists.
func (e *Emulator) Licenses() []License {
	e.mu.RLock()
	defer e.mu.RUnlock()
	all := e.licenses.all()
	for i, l := range all {
		all[i] = l.at(e.Clock().Now())
	}
	return all
}

func (e *Emulator) listLicenses(_ context.Context, r request) (any, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.show(e.licenses.page(r.page)), nil
}

func (e *Emulator) listUserLicenses(_ context.Context, r request) (any, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if err := e.knownUser(r.id, http.StatusNotFound); err != nil {
		return nil, err
	}
	own := slices.DeleteFunc(e.licenses.all(), func(l License) bool { return l.UserID != r.id })
	first, end := r.page.of(len(own))
	return e.show(own[first:end]), nil
}

// show returns licenses as a response shows them now.
func (e *Emulator) show(licenses []License) []resource {
	now := e.Clock().Now()
	rows := []resource{}
	for _, l := range licenses {
		rows = append(rows, l.at(now).resource())
	}
	return rows
}

// knownUser returns a failure with that status if the user does not exist. The caller holds the
// lock.
func (e *Emulator) knownUser(id string, status int) error {
	if e.assumed.KnownUsersOnly && !e.users[id] {
		return failure{status, CodeUserNotFound, fmt.Sprintf("user %q does not exist", id)}
	}
	return nil
}

// license returns the license with that id, or a failure with that status. The caller holds the
// lock.
func (e *Emulator) license(id string, status int) (License, error) {
	l, held := e.licenses.get(id)
	if !held {
		return License{}, failure{status, CodeLicenseNotFound, fmt.Sprintf("license %q does not exist", id)}
	}
	return l, nil
}

func (e *Emulator) getLicense(_ context.Context, r request) (any, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	l, err := e.license(r.id, http.StatusNotFound)
	if err != nil {
		return nil, err
	}
	return l.at(e.Clock().Now()).resource(), nil
}
