package emulator_test

import (
	"strings"
	"testing"

	"github.com/drmhub/drmhub/adapters/amino/emulator"
)

func TestProductList(t *testing.T) {
	got := call(t, shop(emulator.Options{}), "GET", "/products", "")
	want := `{"data":[` +
		`{"id":"free","type":"Product","attributes":{"name":"Free <TV>","description":null,` +
		`"is_buyable":false,"is_visible":true,"recurring":false,` +
		`"price_currency_amount":null,"price_currency_iso4217":null}},` +
		`{"id":"paid","type":"Product","attributes":{"name":"Paid","description":"All",` +
		`"is_buyable":true,"is_visible":true,"recurring":true,` +
		`"price_currency_amount":999,"price_currency_iso4217":"EUR"}}]}`
	if got.Status != 200 || strings.TrimSpace(got.Text) != want {
		t.Errorf("got  %d %s\nwant %s", got.Status, got.Text, want)
	}
}

func TestProductIsCreated(t *testing.T) {
	e := shop(emulator.Options{})
	got := call(t, e, "POST", "/products", data(`{"type":"Product","attributes":`+
		`{"name":"Sports","description":"Live","is_buyable":true,"is_visible":true,`+
		`"recurring":true,"price_currency_amount":0,"price_currency_iso4217":"EUR"}}`))
	p := got.one(t, 201)
	want := emulator.Product{
		ID: p.ID, Name: "Sports", Description: "Live", Buyable: true, Visible: true, Recurring: true,
		PriceCurrency: "EUR",
	}
	if held := e.Products(); len(held) != 3 || held[2] != want || p.Attributes["price_currency_amount"] != 0.0 {
		t.Errorf("%s\n%+v, want %+v", got.Text, held, want)
	}
	read := call(t, e, "GET", "/products/"+p.ID, "")
	if read.Status != 200 || read.Text != got.Text || effects(e) != "productCreated "+p.ID {
		t.Errorf("%d %s; %s", read.Status, read.Text, effects(e))
	}
	const nulls = `{"type":"Product","attributes":{"name":null,"is_visible":null}}`
	bare := call(t, e, "POST", "/products", data(nulls)).one(t, 201)
	if bare.ID == p.ID || bare.Attributes["name"] != nil || bare.Attributes["is_visible"] != false {
		t.Errorf("%v", bare)
	}
	call(t, e, "GET", "/products/none", "").refused(t, "one that is not there", 404, "PRODUCT_NOT_FOUND")
}

func TestProductsAreRefused(t *testing.T) {
	for code, bodies := range map[string][]string{
		"INVALID_BODY": {
			`{"attributes":{"name":"x"}}`,
			`{"type":"License","attributes":{"name":"x"}}`,
			`{"type":"Product","id":"mine"}`,
			`{"type":"Product","relationships":{}}`,
			`{"type":"Product","attributes":"x"}`,
			`{"type":"Product","attributes":{"price_currency_amount":92233720368547758080,"price_currency_iso4217":"E`,
		},
		"UNKNOWN_ATTRIBUTE": {
			`{"type":"Product","attributes":{"title":"x"}}`,
		},
		"INVALID_ATTRIBUTE": {
			`{"type":"Product","attributes":{"name":1}}`,
			`{"type":"Product","attributes":{"is_buyable":1}}`,
			`{"type":"Product","attributes":{"is_visible":"true"}}`,
			`{"type":"Product","attributes":{"price_currency_amount":1}}`,
			`{"type":"Product","attributes":{"price_currency_amount":1,"price_currency_iso4217":null}}`,
			`{"type":"Product","attributes":{"price_currency_amount":1,"price_currency_iso4217":"EURO"}}`,
			`{"type":"Product","attributes":{"price_currency_amount":"1","price_currency_iso4217":"EUR"}}`,
		},
	} {
		for _, body := range bodies {
			e := shop(emulator.Options{})
			call(t, e, "POST", "/products", data(body)).refused(t, body, 400, code)
			if len(e.Products()) != 2 || effects(e) != "" {
				t.Errorf("%s took effect", body)
			}
		}
	}
}

func TestProductIsUpdatedWhereTheVendorHasThatCall(t *testing.T) {
	e := shop(emulator.Options{Assumptions: emulator.Assumptions{ProductUpdates: true}})
	update := func(id, attributes string) reply {
		body := `{"type":"Product","id":"` + id + `","attributes":{` + attributes + `}}`
		return call(t, e, "PATCH", "/products/paid", data(body))
	}
	if got := update("paid", `"description":"Most","is_buyable":false`).one(t, 200); got.Attributes["name"] != "Paid" {
		t.Errorf("%v", got)
	}
	want := emulator.Product{ID: "paid", Name: "Paid", Description: "Most", Visible: true, Recurring: true,
		PriceAmount: 999, PriceCurrency: "EUR"}
	if held := e.Products(); held[1] != want {
		t.Errorf("%+v, want %+v", held[1], want)
	}
	update("paid", `"description":null,"recurring":null,`+
		`"price_currency_amount":null,"price_currency_iso4217":null`).one(t, 200)
	want.Description, want.Recurring, want.PriceAmount, want.PriceCurrency = "", false, 0, ""
	if held := e.Products(); held[1] != want || effects(e) != "productUpdated paid, productUpdated paid" {
		t.Errorf("%+v, want %+v; %s", held[1], want, effects(e))
	}
	update("free", `"name":"x"`).refused(t, "another id", 400, "INVALID_BODY")
	update("paid", `"price_currency_amount":5`).refused(t, "half a price", 400, "INVALID_ATTRIBUTE")
	got := call(t, e, "PATCH", "/products/paid", data(`{"type":"Product","attributes":{}}`))
	got.refused(t, "no id", 400, "INVALID_BODY")
	got = call(t, e, "PATCH", "/products/none", data(`{"type":"Product","id":"none"}`))
	got.refused(t, "none", 404, "PRODUCT_NOT_FOUND")
	if held := e.Products(); held[1] != want || held[0].Name != "Free <TV>" {
		t.Errorf("%+v", held)
	}
}

func TestLicensesKeepThePriceTheyWereSoldAt(t *testing.T) {
	e := shop(emulator.Options{})
	id := call(t, e, "POST", "/licenses", data(licenseOf("u", "paid", ""))).one(t, 201).ID
	e.PutProducts(emulator.Product{ID: "paid", PriceAmount: 1, PriceCurrency: "USD"})
	if l := e.Licenses()[0]; l.ID != id || l.PriceAmount != 999 || !l.Recurring {
		t.Errorf("%+v", l)
	}
}
