package emulator_test

import (
	"strings"
	"testing"

	"github.com/drmhub/drmhub/adapters/amino/emulator"
)

func TestLicensesAreRefused(t *testing.T) {
	good := licenseOf("u", "free", "")
	replaced := func(old, other string) string { return data(strings.Replace(good, old, other, 1)) }
	const user, product = `{"data":{"type":"User","id":"u"}}`, `{"data":{"type":"Product","id":"free"}}`
	for name, test := range map[string]struct {
		body   string
		status int
		code   string
	}{
		"empty body":                   {"", 415, "UNSUPPORTED_MEDIA_TYPE"},
		"malformed":                    {`{"data":`, 400, "INVALID_BODY"},
		"more than one value":          {data(good) + "{}", 400, "INVALID_BODY"},
		"a list":                       {"[" + good + "]", 400, "INVALID_BODY"},
		"null":                         {"null", 400, "INVALID_BODY"},
		"no data":                      {"{}", 400, "INVALID_BODY"},
		"data is null":                 {data("null"), 400, "INVALID_BODY"},
		"data is a list":               {data("[" + good + "]"), 400, "INVALID_BODY"},
		"more than data":               {`{"data":` + good + `,"meta":{}}`, 400, "INVALID_BODY"},
		"Data":                         {`{"Data":` + good + `}`, 400, "INVALID_BODY"},
		"an id of the client's":        {replaced(`{"type"`, `{"id":"x","type"`), 400, "INVALID_BODY"},
		"no type":                      {replaced(`"type":"License",`, ""), 400, "INVALID_BODY"},
		"another type":                 {replaced("License", "license"), 400, "INVALID_BODY"},
		"attributes is a list":         {replaced(`{}`, `[]`), 400, "INVALID_BODY"},
		"no relationships":             {data(`{"type":"License"}`), 400, "MISSING_RELATIONSHIP"},
		"no user":                      {replaced(`"user":`+user+`,`, ""), 400, "MISSING_RELATIONSHIP"},
		"no product":                   {replaced(`,"product":`+product, ""), 400, "MISSING_RELATIONSHIP"},
		"user without data":            {replaced(`"data":{"type":"User","id":"u"}`, ""), 400, "MISSING_RELATIONSHIP"},
		"user is null":                 {replaced(user, `null`), 400, "MISSING_RELATIONSHIP"},
		"user is an id":                {replaced(user, `"u"`), 400, "INVALID_BODY"},
		"user of another type":         {replaced("User", "Product"), 400, "INVALID_BODY"},
		"user with an empty id":        {replaced(`"id":"u"`, `"id":""`), 400, "INVALID_BODY"},
		"user with a number for an id": {replaced(`"id":"u"`, `"id":1`), 400, "INVALID_BODY"},
		"user with a name":             {replaced(`"id":"u"`, `"id":"u","name":"x"`), 400, "INVALID_BODY"},
		"an unknown relationship":      {replaced(`"user"`, `"device":{},"user"`), 400, "INVALID_BODY"},
		"an unknown product":           {data(licenseOf("u", "none", "")), 422, "PRODUCT_NOT_FOUND"},
		"a mistake and no product":     {data(licenseOf("u", "none", `"stop":1`)), 400, "UNKNOWN_ATTRIBUTE"},
	} {
		wantRefused(t, name, test.body, test.status, test.code)
	}
}

func TestAttributesAreRefused(t *testing.T) {
	for code, attributes := range map[string]map[string]string{
		"UNKNOWN_ATTRIBUTE": {
			"an unknown attribute":            `"stop":1`,
			"an attribute in another case":    `"Status":"ACTIVE"`,
			"recurring outside its record":    `"recurring":true`,
			"an unknown member of the record": `"renew_record":{"period":1}`,
			"a mistake in the second record": `"renew_record":{},` +
				`"purchase_record":{"purchase_timestamp":null,"x":1}`,
		},
		"INVALID_ATTRIBUTE": {
			"an unknown status":             `"status":"SUSPENDED_ADMIN"`,
			"an empty status":               `"status":""`,
			"status is a number":            `"status":1`,
			"start_date is text":            `"start_date":"1700000000"`,
			"start_date is RFC 3339":        `"start_date":"2026-01-01T00:00:00Z"`,
			"start_date has a fraction":     `"start_date":1700000000.0`,
			"start_date has an exponent":    `"start_date":17e8`,
			"start_date is negative":        `"start_date":-1`,
			"start_date is in milliseconds": `"start_date":1700000000000`,
			"stop_date at the start":        `"start_date":1700000000,"stop_date":1700000000`,
			"stop_date before now":          `"stop_date":1700000000`,
			"order_id is a number":          `"order_id":1`,
			"recurring is text":             `"renew_record":{"recurring":"true"}`,
			"expiry_date before the start":  `"start_date":1700000000,"renew_record":{"expiry_date":1600000000}`,
			"an amount alone":               `"purchase_record":{"price_currency_amount":1}`,
			"a currency alone":              `"purchase_record":{"price_currency_iso4217":"EUR"}`,
			"an amount with a fraction": `"purchase_record":{"price_currency_amount":9.99,` +
				`"price_currency_iso4217":"EUR"}`,
			"a negative amount": `"purchase_record":{"price_currency_amount":-1,"price_currency_iso4217":"EUR"}`,
			"a currency in small letters": `"purchase_record":{"price_currency_amount":1,` +
				`"price_currency_iso4217":"eur"}`,
			"payment_method is an object": `"purchase_record":{"payment_method":{}}`,
		},
		"INVALID_BODY": {
			"renew_record is a flag": `"renew_record":true`,
		},
	} {
		for name, given := range attributes {
			wantRefused(t, name, data(licenseOf("u", "paid", given)), 400, code)
		}
	}
}

// wantRefused checks that a create is refused and has no effect.
func wantRefused(t *testing.T, name, body string, status int, code string) {
	t.Helper()
	e := shop(emulator.Options{})
	call(t, e, "POST", "/licenses", body).refused(t, name, status, code)
	if len(e.Licenses()) != 0 || len(e.Irdeto().Entitlements) != 0 || effects(e) != "" {
		t.Errorf("%s took effect: %v", name, effects(e))
	}
}
