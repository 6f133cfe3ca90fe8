package emulator

import (
	"context"
	"fmt"
	"net/http"
)

// Kinds of the effects on products in the ledger. The key is the product's id, and the details hold
// its name.
const (
	EffectProductCreated = "productCreated"
	EffectProductUpdated = "productUpdated"
)

// Product is a collection of services to which a user may be given access.
type Product struct {
	// ID identifies the product.
	ID string
	// Name and Description are for people. They may be empty.
	Name, Description string
	// Buyable (is_buyable) and Visible (is_user_visible or is_visible) say what users may do with
	// the product.
	Buyable, Visible bool
	// Recurring (license_defaults.auto_renew or recurring) is the default of its licenses.
	Recurring bool
	// Duration (license_defaults.duration) is the length of a period in seconds, or 0. It is stored
	// and shown, and nothing follows from it. The older form lacks it, and the next two.
	Duration int64
	// Premium (is_premium) and AutoGrant (auto_grant_on_signup) are stored and shown.
	Premium, AutoGrant bool
	// PriceAmount is the price in cents, and PriceCurrency its currency (ISO 4217). An empty
	// currency means that there is no price.
	PriceAmount   int64
	PriceCurrency string
}

func (e *Emulator) showProduct(p Product) resource {
	if e.assumed.OlderProducts {
		return resource{ID: p.ID, Type: typeProduct, Attributes: p.older()}
	}
	return resource{ID: p.ID, Type: typeProduct, Attributes: p.current()}
}

// priceOrNull returns the values of a price, or nil for both if there is no price.
func priceOrNull(amount int64, currency string) (shownAmount *int64, shownCurrency *string) {
	if currency == "" {
		return nil, nil
	}
	return &amount, &currency
}

// PutProducts adds products, or replaces those with the same ID. A product without an ID gets one.
func (e *Emulator) PutProducts(products ...Product) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, p := range products {
		if p.ID == "" {
			p.ID = e.newID()
		}
		e.products.put(p.ID, p)
	}
}

// Products returns the products that the server holds, in the order of its lists.
func (e *Emulator) Products() []Product {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.products.all()
}

func (e *Emulator) listProducts(_ context.Context, r request) (any, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	rows := []resource{}
	for _, p := range e.products.page(r.page) {
		rows = append(rows, e.showProduct(p))
	}
	return rows, nil
}

func (e *Emulator) getProduct(_ context.Context, r request) (any, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	p, err := e.product(r.id, http.StatusNotFound)
	if err != nil {
		return nil, err
	}
	return e.showProduct(p), nil
}

// product returns the product with that id, or a failure with that status. The caller holds the
// lock.
func (e *Emulator) product(id string, status int) (Product, error) {
	p, held := e.products.get(id)
	if !held {
		return Product{}, failure{status, CodeProductNotFound, fmt.Sprintf("product %q does not exist", id)}
	}
	return p, nil
}

func (e *Emulator) createProduct(ctx context.Context, r request) (any, error) {
	o, err := readObject(r.data, "data", "type", "attributes")
	if err != nil {
		return nil, err
	}
	var p Product
	if err := e.readProduct(o, &p, false); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	p.ID = e.newID()
	e.keepProduct(ctx, EffectProductCreated, p)
	return e.showProduct(p), nil
}

// updateProduct sets the given attributes. null clears a text or the price, and turns a flag off.
func (e *Emulator) updateProduct(ctx context.Context, r request) (any, error) {
	o, err := readObject(r.data, "data", "type", "id", "attributes")
	if err != nil {
		return nil, err
	}
	id, err := o.id("data")
	if err != nil {
		return nil, err
	}
	if id != r.id {
		return nil, invalidBody("data has the id %q, and the path %q", id, r.id)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	p, err := e.product(id, http.StatusNotFound)
	if err != nil {
		return nil, err
	}
	if err := e.readProduct(o, &p, true); err != nil {
		return nil, err
	}
	e.keepProduct(ctx, EffectProductUpdated, p)
	return e.showProduct(p), nil
}

// readProduct sets the attributes of a product that a resource gives.
func (e *Emulator) readProduct(o object, p *Product, nullClears bool) error {
	if err := o.isOfType(typeProduct, "data"); err != nil {
		return err
	}
	names, read := currentNames, p.readCurrent
	if e.assumed.OlderProducts {
		names, read = olderNames, p.readOlder
	}
	a := readAttributes(o["attributes"], "attributes", names...)
	if !nullClears {
		a.dropNulls()
	}
	read(&a)
	return a.err
}

// keepProduct stores a product and records the effect. The caller holds the lock.
func (e *Emulator) keepProduct(ctx context.Context, kind string, p Product) {
	e.products.put(p.ID, p)
	e.Ledger().Record(ctx, kind, p.ID, map[string]string{"name": p.Name})
}
