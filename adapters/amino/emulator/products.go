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
	// Buyable (is_buyable) and Visible (is_visible) say what users may do with the product.
	Buyable, Visible bool
	// Recurring is the default of its licenses.
	Recurring bool
	// PriceAmount is the price in cents, and PriceCurrency its currency (ISO 4217). An empty
	// currency means that there is no price.
	PriceAmount   int64
	PriceCurrency string
}

// productAttributes are the attributes of a product in a response.
type productAttributes struct {
	Name          *string `json:"name"`
	Description   *string `json:"description"`
	IsBuyable     bool    `json:"is_buyable"`
	IsVisible     bool    `json:"is_visible"`
	Recurring     bool    `json:"recurring"`
	PriceAmount   *int64  `json:"price_currency_amount"`
	PriceCurrency *string `json:"price_currency_iso4217"`
}

func (p Product) resource() resource {
	shown := productAttributes{
		Name: orNull(p.Name), Description: orNull(p.Description),
		IsBuyable: p.Buyable, IsVisible: p.Visible, Recurring: p.Recurring,
	}
	shown.PriceAmount, shown.PriceCurrency = priceOrNull(p.PriceAmount, p.PriceCurrency)
	return resource{ID: p.ID, Type: typeProduct, Attributes: shown}
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
		rows = append(rows, p.resource())
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
	return p.resource(), nil
}

// product returns the product with that id, or a failure with that status. The caller holds the lock.
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
	if err := o.readProduct(&p, false); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	p.ID = e.newID()
	e.keepProduct(ctx, EffectProductCreated, p)
	return p.resource(), nil
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
	if err := o.readProduct(&p, true); err != nil {
		return nil, err
	}
	e.keepProduct(ctx, EffectProductUpdated, p)
	return p.resource(), nil
}

// readProduct sets the attributes of a product that a resource gives.
func (o object) readProduct(p *Product, nullClears bool) error {
	if err := o.isOfType(typeProduct, "data"); err != nil {
		return err
	}
	a := readAttributes(o["attributes"], "attributes",
		"name", "description", "is_buyable", "is_visible", "recurring",
		"price_currency_amount", "price_currency_iso4217")
	if !nullClears {
		a.dropNulls()
	}
	a.text("name", &p.Name)
	a.text("description", &p.Description)
	a.flag("is_buyable", &p.Buyable)
	a.flag("is_visible", &p.Visible)
	a.flag("recurring", &p.Recurring)
	a.price(&p.PriceAmount, &p.PriceCurrency)
	return a.err
}

// keepProduct stores a product and records the effect. The caller holds the lock.
func (e *Emulator) keepProduct(ctx context.Context, kind string, p Product) {
	e.products.put(p.ID, p)
	e.Ledger().Record(ctx, kind, p.ID, map[string]string{"name": p.Name})
}
