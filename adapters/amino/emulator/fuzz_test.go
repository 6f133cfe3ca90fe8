package emulator_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/drmhub/drmhub/adapters/amino/emulator"
	"github.com/drmhub/drmhub/adapters/twin/twintest"
)

// FuzzLicenseBody demands that a body is refused in the vendor's shape and without an effect, or is
// a license that reads back the same.
func FuzzLicenseBody(f *testing.F) {
	f.Add(data(licenseOf("u", "free", "")))
	f.Add(data(licenseOf("u", "paid", `"status":"SUSPENDED","start_date":1,"stop_date":253402300799,`+
		`"renew_record":{"recurring":true,"expiry_date":2}`)))
	f.Add(data(licenseOf("u", "paid", `"order_id":"\u0000",`+
		`"purchase_record":{"price_currency_amount":9223372036854775807,"price_currency_iso4217":"EUR"}`)))
	f.Add(data(licenseOf("u", "free", `"start_date":0,"renew_record":{"recurring":true,"expiry_date":1}`)))
	f.Add(`{"data":null}`)
	f.Add(`{"data":{"type":"License","relationships":{"user":{"data":{"id":"\ud800","type":"User"}}}}}`)
	f.Fuzz(func(t *testing.T, body string) {
		e := shop(emulator.Options{})
		send := func(method, path, body string) reply {
			r := httptest.NewRequest(method, base+path, strings.NewReader(body))
			r.Header.Set("Authorization", "Bearer "+emulator.DefaultToken)
			r.Header.Set("Content-Type", "application/vnd.api+json")
			return reply{twintest.Serve(e, r)}
		}
		answer := send("POST", "/licenses", body)
		if answer.Status != 201 {
			answer.code(t)
			unchanged := len(e.Licenses()) == 0 && len(e.Irdeto().Entitlements) == 0 && effects(e) == ""
			if answer.Status != 400 && answer.Status != 422 || !unchanged {
				t.Fatalf("%d %s; %s", answer.Status, answer.Text, effects(e))
			}
			return
		}
		l := answer.one(t, 201)
		created := len(e.Licenses()) == 1 && len(e.Entitlements()) == 1 && effects(e) == "licenseCreated "+l.ID
		if !json.Valid([]byte(body)) || !created {
			t.Fatalf("%s; %s", answer.Text, effects(e))
		}
		if read := send("GET", "/licenses/"+l.ID, ""); read.Status != 200 || read.Text != answer.Text {
			t.Errorf("reads back %d %s\ncreated %s", read.Status, read.Text, answer.Text)
		}
		batch := data(`[{"type":"License","id":"` + l.ID + `"}]`)
		if got := send("POST", "/licenses/batch_delete", batch); got.Status != 204 || len(e.Licenses()) != 0 {
			t.Errorf("%d %s", got.Status, got.Text)
		}
		// The server takes what it shows, but for the id.
		var shown struct{ Data map[string]json.RawMessage }
		twintest.Decode(t, answer.Text, &shown)
		delete(shown.Data, "id")
		again, err := json.Marshal(shown.Data)
		if err != nil {
			t.Fatal(err)
		}
		if got := send("POST", "/licenses", data(string(again))); got.Status != 201 {
			t.Errorf("%d %s of %s", got.Status, got.Text, again)
		}
	})
}

// FuzzPaths demands that a request without a body has no effect on any path, and a reply in the
// vendor's shape.
func FuzzPaths(f *testing.F) {
	f.Add("DELETE", "/licenses/x")
	f.Add("GET", "/users/a%2Fb/licenses?limit=1")
	f.Add("PATCH", "/products/free")
	f.Add("GET", "/licenses/%00")
	f.Add("GET", "/licenses/..")
	f.Fuzz(func(t *testing.T, method, path string) {
		r := httptest.NewRequest("GET", base, nil)
		u, err := r.URL.Parse(base + path)
		if err != nil || method == "" || strings.HasPrefix(u.Path, "/_twin/") {
			t.Skip()
		}
		r.Method, r.URL = method, u
		r.Header.Set("Authorization", "Apikey "+emulator.DefaultAPIKey)
		e := shop(emulator.Options{Assumptions: emulator.Assumptions{ProductUpdates: true}})
		answer := reply{twintest.Serve(e, r)}
		if effects(e) != "" {
			t.Fatalf("%s %s: %s", method, path, effects(e))
		}
		if answer.Status != 200 {
			answer.code(t)
		} else if !strings.HasPrefix(answer.Text, `{"data":`) {
			t.Errorf("%s %s: %s", method, path, answer.Text)
		}
	})
}
