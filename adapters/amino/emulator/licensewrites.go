package emulator

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

func (e *Emulator) createLicense(ctx context.Context, r request) (any, error) {
	l, err := e.issue(ctx, r.data)
	if err != nil {
		return nil, err
	}
	return l.at(e.Clock().Now()).resource(), nil
}

func (e *Emulator) deleteLicense(ctx context.Context, r request) (any, error) {
	return nil, e.revoke(ctx, r.id, http.StatusNotFound)
}

// createLicenses carries out batch_create, item by item up to the first refused one.
func (e *Emulator) createLicenses(ctx context.Context, r request) (any, error) {
	items, err := readItems(r.data)
	if err != nil {
		return nil, err
	}
	var issued []License
	for _, item := range items {
		l, err := e.issue(ctx, item)
		if err != nil {
			return nil, err
		}
		issued = append(issued, l)
	}
	return e.show(issued), nil
}

// deleteLicenses carries out batch_delete, item by item up to the first refused one.
func (e *Emulator) deleteLicenses(ctx context.Context, r request) (any, error) {
	items, err := readItems(r.data)
	if err != nil {
		return nil, err
	}
	for _, item := range items {
		id, err := readIdentifier(item, "an item of data", typeLicense)
		if err != nil {
			return nil, err
		}
		if err := e.revoke(ctx, id, http.StatusUnprocessableEntity); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// readItems reads the items of a batch.
func readItems(data json.RawMessage) (items []json.RawMessage, err error) {
	if err := json.Unmarshal(data, &items); err != nil || len(items) == 0 {
		return nil, invalidBody("data must be a list of at least one item")
	}
	return items, nil
}

// issue creates a license, and has Irdeto create its entitlement.
func (e *Emulator) issue(ctx context.Context, data json.RawMessage) (License, error) {
	l, err := e.readLicense(data)
	if err != nil {
		return License{}, err
	}
	if e.assumed.LicenseStandsWithoutIrdeto {
		e.keepLicense(ctx, l)
		return l, e.irdeto.create(ctx, l)
	}
	if err := e.irdeto.create(ctx, l); err != nil {
		return License{}, err
	}
	e.keepLicense(ctx, l)
	return l, nil
}

func (e *Emulator) keepLicense(ctx context.Context, l License) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.licenses.put(l.ID, l)
	e.recordLicense(ctx, EffectLicenseCreated, l)
}

// revoke deletes a license, and has Irdeto delete its entitlement. It returns a failure with that
// status if the license does not exist.
func (e *Emulator) revoke(ctx context.Context, id string, status int) error {
	if e.assumed.LicenseStandsWithoutIrdeto {
		if err := e.dropLicense(ctx, id, status); err != nil {
			return err
		}
		return e.irdeto.delete(ctx, id)
	}
	e.mu.RLock()
	_, err := e.license(id, status)
	e.mu.RUnlock()
	if err != nil {
		return err
	}
	if err := e.irdeto.delete(ctx, id); err != nil {
		return err
	}
	return e.dropLicense(ctx, id, status) // fails if another call has dropped it meanwhile
}

func (e *Emulator) dropLicense(ctx context.Context, id string, status int) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	l, err := e.license(id, status)
	if err != nil {
		return err
	}
	e.licenses.remove(id)
	e.recordLicense(ctx, EffectLicenseDeleted, l)
	return nil
}

func (e *Emulator) recordLicense(ctx context.Context, kind string, l License) {
	details := map[string]string{"user": l.UserID, "product": l.ProductID}
	if l.OrderID != "" {
		details["order_id"] = l.OrderID
	}
	e.Ledger().Record(ctx, kind, l.ID, details)
}

// readLicense returns the license that a create describes. The license has an id, and defaults from
// the product and the clock.
func (e *Emulator) readLicense(data json.RawMessage) (License, error) {
	l := License{Status: StatusActive}
	o, err := readObject(data, "the license", "type", "attributes", "relationships")
	if err != nil {
		return l, err
	}
	if err := o.isOfType(typeLicense, "the license"); err != nil {
		return l, err
	}
	links := object{}
	if !isNull(o["relationships"]) {
		if links, err = readObject(o["relationships"], "relationships", "user", "product"); err != nil {
			return l, err
		}
	}
	if l.UserID, err = links.relationship("user", typeUser); err != nil {
		return l, err
	}
	if l.ProductID, err = links.relationship("product", typeProduct); err != nil {
		return l, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	product, noProduct := e.product(l.ProductID, http.StatusUnprocessableEntity)
	l.Recurring, l.PriceAmount, l.PriceCurrency = product.Recurring, product.PriceAmount, product.PriceCurrency
	if l, err = e.readTerms(l, o["attributes"]); err != nil {
		return l, err
	}
	if noProduct != nil {
		return l, noProduct
	}
	if err := e.knownUser(l.UserID, http.StatusUnprocessableEntity); err != nil {
		return l, err
	}
	l.ID = e.newID()
	return l, nil
}

// readTerms sets the given attributes of a license, and completes it.
func (e *Emulator) readTerms(l License, text json.RawMessage) (License, error) {
	a := readAttributes(text, "attributes",
		"status", "start_date", "stop_date", "order_id", "renew_record", "purchase_record")
	a.dropNulls()
	a.text("status", &l.Status)
	a.instant("start_date", &l.StartDate)
	a.instant("stop_date", &l.StopDate)
	a.text("order_id", &l.OrderID)
	if !slices.Contains(statuses, l.Status) {
		a.refuse("status must be one of %s", strings.Join(statuses, ", "))
	}
	renewal := a.inner("renew_record", "recurring", "expiry_date")
	renewal.flag("recurring", &l.Recurring)
	renewal.instant("expiry_date", &l.ExpiryDate)
	if renewal.err != nil {
		return l, renewal.err
	}
	purchase := a.inner("purchase_record",
		"price_currency_amount", "price_currency_iso4217", "purchase_timestamp", "payment_method")
	purchase.price("price_currency_amount", "price_currency_iso4217", &l.PriceAmount, &l.PriceCurrency)
	purchase.instant("purchase_timestamp", &l.PurchaseTimestamp)
	purchase.text("payment_method", &l.PaymentMethod)
	if purchase.err != nil {
		return l, purchase.err
	}
	l = e.completed(l)
	if !l.StopDate.IsZero() && !l.StopDate.After(l.StartDate) {
		a.refuse("stop_date must be later than start_date")
	}
	if !l.ExpiryDate.IsZero() && !l.ExpiryDate.After(l.StartDate) {
		a.refuse("expiry_date must be later than start_date")
	}
	return l, a.err
}
