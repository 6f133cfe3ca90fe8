package emulator_test

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/amino/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/adapters/twin/twintest"
)

func TestLicenseWithEverything(t *testing.T) {
	e := shop(emulator.Options{Seed: 5})
	got := call(t, e, "POST", "/licenses", data(licenseOf("u <1>", "paid",
		`"status":"SUSPENDED","start_date":1700000000,"stop_date":1800000000,"order_id":"o-1",`+
			`"renew_record":{"recurring":false,"expiry_date":1750000000},`+
			`"purchase_record":{"price_currency_amount":0,"price_currency_iso4217":"USD",`+
			`"purchase_timestamp":0,"payment_method":"cash"}`)))
	id := got.one(t, 201).ID
	want := `{"data":{"id":"` + id + `","type":"License","attributes":{` +
		`"status":"SUSPENDED","start_date":1700000000,"stop_date":1800000000,"order_id":"o-1",` +
		`"renew_record":{"recurring":false,"expiry_date":1750000000},` +
		`"purchase_record":{"price_currency_amount":0,"price_currency_iso4217":"USD",` +
		`"purchase_timestamp":0,"payment_method":"cash"}},` +
		`"relationships":{"product":{"data":{"id":"paid","type":"Product"}},` +
		`"user":{"data":{"id":"u <1>","type":"User"}}}}}`
	if strings.TrimSpace(got.Text) != want {
		t.Errorf("got  %s\nwant %s", got.Text, want)
	}
	if read := call(t, e, "GET", "/licenses/"+id, ""); read.Status != 200 || read.Text != got.Text {
		t.Errorf("read back: %d %s", read.Status, read.Text)
	}
	if effects(e) != "licenseCreated "+id {
		t.Error(effects(e))
	}
	details := e.Ledger().Effects()[0].Details
	if details["user"] != "u <1>" || details["product"] != "paid" || details["order_id"] != "o-1" {
		t.Errorf("%v", details)
	}
	create := func(seed uint64) string {
		e := shop(emulator.Options{Seed: seed})
		return call(t, e, "POST", "/licenses", data(licenseOf("u", "paid", ""))).one(t, 201).ID
	}
	again, other := create(5), create(6)
	if again != id || other == id {
		t.Errorf("from the same seed %s, then %s; from another %s", id, again, other)
	}
}

func TestDefaultsOfALicense(t *testing.T) {
	second := fmt.Sprint(now.Unix())
	for name, test := range map[string]struct{ license, want string }{
		"from a product without price": {
			licenseOf("u", "free", ""),
			`"status":"ACTIVE","start_date":` + second + `,"stop_date":null,"order_id":null,` +
				`"renew_record":{"recurring":false,"expiry_date":null},` +
				`"purchase_record":{"price_currency_amount":null,"price_currency_iso4217":null,` +
				`"purchase_timestamp":` + second + `,"payment_method":null}`,
		},
		"from a recurring product with a price": {
			licenseOf("u", "paid",
				`"start_date":1767300000,"status":null,"order_id":null,"renew_record":{},"purchase_record":null`),
			`"status":"ACTIVE","start_date":1767300000,"stop_date":null,"order_id":null,` +
				`"renew_record":{"recurring":true,"expiry_date":1769892000},` +
				`"purchase_record":{"price_currency_amount":999,"price_currency_iso4217":"EUR",` +
				`"purchase_timestamp":` + second + `,"payment_method":null}`,
		},
		"against the product's": {
			licenseOf("u", "paid", `"renew_record":{"recurring":false,"expiry_date":null},`+
				`"purchase_record":{"price_currency_amount":1,"price_currency_iso4217":"USD"}`),
			`"renew_record":{"recurring":false,"expiry_date":null},` +
				`"purchase_record":{"price_currency_amount":1,"price_currency_iso4217":"USD"`,
		},
		"recurring by itself": {
			licenseOf("u", "free",
				`"start_date":1767300000,"renew_record":{"recurring":true,"expiry_date":1767900000}`),
			`"renew_record":{"recurring":true,"expiry_date":1767900000}`,
		},
		"no attributes": {
			`{"type":"License","relationships":{` +
				`"user":{"data":{"type":"User","id":"u"}},"product":{"data":{"type":"Product","id":"free"}}}}`,
			`"status":"ACTIVE"`,
		},
		"null for attributes": {
			`{"type":"License","attributes":null,"relationships":{` +
				`"user":{"data":{"type":"User","id":"u"}},"product":{"data":{"type":"Product","id":"free"}}}}`,
			`"status":"ACTIVE"`,
		},
	} {
		got := call(t, shop(emulator.Options{}), "POST", "/licenses", data(test.license))
		if got.Status != 201 || !strings.Contains(got.Text, test.want) {
			t.Errorf("%s:\ngot  %d %s\nwant %s", name, got.Status, got.Text, test.want)
		}
	}
}

func TestEveryStatus(t *testing.T) {
	e := shop(emulator.Options{})
	for _, status := range []string{
		"ACTIVE", "SUSPENDED", "SUSPENDEDADMIN", "EXPIRED", "PROCESSING", "CHECK_INVALID", "ORDER_ERROR",
	} {
		license := licenseOf("u", "free", fmt.Sprintf(`"status":%q`, status))
		got := call(t, e, "POST", "/licenses", data(license)).one(t, 201)
		if read := call(t, e, "GET", "/licenses/"+got.ID, "").one(t, 200); read.Attributes["status"] != status {
			t.Errorf("%s reads %v", status, read.Attributes)
		}
	}
	e.PutLicenses(emulator.License{ID: "odd", Status: "ON_HOLIDAY", UserID: "u", ProductID: "free"})
	if read := call(t, e, "GET", "/licenses/odd", "").one(t, 200); read.Attributes["status"] != "ON_HOLIDAY" {
		t.Errorf("%v", read.Attributes)
	}
}

func TestDeletedLicensesAreGone(t *testing.T) {
	e := shop(emulator.Options{})
	for _, id := range []string{"a/b", "c"} {
		e.PutLicenses(emulator.License{ID: id, UserID: "u", ProductID: "free"})
	}
	got := call(t, e, "DELETE", "/licenses/a%2Fb", "")
	if got.Status != 204 || got.Text != "" || got.Header.Get("Content-Type") != "" {
		t.Errorf("%d %q", got.Status, got.Text)
	}
	for _, method := range []string{"DELETE", "GET"} {
		call(t, e, method, "/licenses/a%2Fb", "").refused(t, method+" again", 404, "LICENSE_NOT_FOUND")
	}
	call(t, e, "DELETE", "/licenses/none", "").refused(t, "one that never was", 404, "LICENSE_NOT_FOUND")
	if rows := ids(call(t, e, "GET", "/licenses", "").list(t, 200)); rows != "c" || effects(e) != "licenseDeleted a/b" {
		t.Errorf("%s; %s", rows, effects(e))
	}
}

func TestLicensesOfAUser(t *testing.T) {
	e := shop(emulator.Options{})
	e.PutLicenses(
		emulator.License{ID: "1", UserID: "family/1 %", ProductID: "free"},
		emulator.License{ID: "2", UserID: "family", ProductID: "free"},
		emulator.License{ID: "3", UserID: "family/1 %", ProductID: "paid", Status: emulator.StatusSuspended},
	)
	if rows := ids(call(t, e, "GET", "/users/family%2F1%20%25/licenses", "").list(t, 200)); rows != "1 3" {
		t.Error(rows)
	}
}

func TestKnownUsers(t *testing.T) {
	e := shop(emulator.Options{Assumptions: emulator.Assumptions{KnownUsersOnly: true}})
	e.PutUsers("u")
	e.PutLicenses(emulator.License{UserID: "v", ProductID: "free"})
	call(t, e, "POST", "/licenses", data(licenseOf("x", "free", ""))).refused(t, "create", 422, "USER_NOT_FOUND")
	call(t, e, "GET", "/users/x/licenses", "").refused(t, "list", 404, "USER_NOT_FOUND")
	for user, held := range map[string]int{"u": 0, "v": 1} {
		if got := call(t, e, "GET", "/users/"+user+"/licenses", "").list(t, 200); len(got) != held {
			t.Errorf("%s: %v", user, got)
		}
		call(t, e, "POST", "/licenses", data(licenseOf(user, "free", ""))).one(t, 201)
	}
}

// moment is a license's status and expiry_date at a time.
type moment struct {
	after  time.Duration // since the start
	status string
	expiry float64 // since the start, in seconds; -1 for null
}

func TestLicensesByTheClock(t *testing.T) {
	const day = 24 * time.Hour
	start := fmt.Sprintf(`"start_date":%d`, now.Unix())
	in := func(d time.Duration) int64 { return now.Add(d).Unix() }
	for name, test := range map[string]struct {
		attributes string
		moments    []moment
	}{
		"without an end": {
			start + `,"renew_record":{"recurring":false}`, []moment{{0, "ACTIVE", -1}, {3650 * day, "ACTIVE", -1}},
		},
		"ends at its stop_date": {
			fmt.Sprintf(`%s,"stop_date":%d,"renew_record":{"recurring":false}`, start, in(day)),
			[]moment{
				{day, "EXPIRED", -1}, {day - time.Second, "ACTIVE", -1}, {9 * day, "EXPIRED", -1}, {0, "ACTIVE", -1},
			},
		},
		"one that is not active does not end": {
			fmt.Sprintf(`%s,"stop_date":%d,"status":"SUSPENDED","renew_record":{"recurring":false}`, start, in(day)),
			[]moment{{9 * day, "SUSPENDED", -1}},
		},
		"renews": {
			fmt.Sprintf(`%s,"renew_record":{"recurring":true,"expiry_date":%d}`, start, in(day)),
			[]moment{
				{day, "ACTIVE", 2}, {day - time.Second, "ACTIVE", 1}, {2*day - time.Second, "ACTIVE", 2},
				{10 * day, "ACTIVE", 11}, {0, "ACTIVE", 1},
			},
		},
		"renews by the default period": {
			start + `,"renew_record":{"recurring":true}`, []moment{{0, "ACTIVE", 30}, {30 * day, "ACTIVE", 60}},
		},
		"does not renew past its stop_date": {
			fmt.Sprintf(`%s,"stop_date":%d,"renew_record":{"recurring":true,"expiry_date":%d}`,
				start, in(3*day), in(day)),
			[]moment{{2 * day, "ACTIVE", 3}, {3 * day, "EXPIRED", 3}, {9 * day, "EXPIRED", 3}},
		},
		"does not renew while it is suspended": {
			fmt.Sprintf(`%s,"status":"SUSPENDED","renew_record":{"recurring":true,"expiry_date":%d}`, start, in(day)),
			[]moment{{9 * day, "SUSPENDED", 1}},
		},
		"does not renew where it does not recur": {
			fmt.Sprintf(`%s,"renew_record":{"recurring":false,"expiry_date":%d}`, start, in(day)),
			[]moment{{9 * day, "ACTIVE", 1}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			clock := twin.FrozenClock(now)
			e := shop(emulator.Options{Clock: clock})
			id := call(t, e, "POST", "/licenses", data(licenseOf("u", "paid", test.attributes))).one(t, 201).ID
			for i, m := range test.moments {
				clock.Set(now.Add(m.after).Add(time.Duration(i%2) * 999 * time.Millisecond))
				one := call(t, e, "GET", "/licenses/"+id, "").one(t, 200)
				expiry, _ := one.Attributes["renew_record"].(map[string]any)["expiry_date"].(float64)
				if expiry = (expiry - float64(now.Unix())) / 86400; m.expiry == -1 {
					m.expiry = -float64(now.Unix()) / 86400
				}
				if one.Attributes["status"] != m.status || expiry != m.expiry {
					t.Errorf("after %v: %v and day %v, want %s and day %v",
						m.after, one.Attributes["status"], expiry, m.status, m.expiry)
				}
				listed := call(t, e, "GET", "/users/u/licenses", "").list(t, 200)
				if held := e.Licenses(); !reflect.DeepEqual(listed[0], one) || held[0].Status != m.status {
					t.Errorf("after %v: one call answers %v, another %v, and Go %v", m.after, one, listed[0], held)
				}
			}
			if effects(e) != "licenseCreated "+id || len(e.Entitlements()) != 1 {
				t.Errorf("the clock had effects: %s", effects(e))
			}
		})
	}
}

func TestManyClientsAtOnce(t *testing.T) {
	e := shop(emulator.Options{Clock: twin.NewClock(nil)})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			user := fmt.Sprint("u", i)
			for range 10 {
				id := call(t, e, "POST", "/licenses", data(licenseOf(user, "paid", ""))).one(t, 201).ID
				call(t, e, "POST", "/licenses", data(licenseOf(user, "free", ""))).one(t, 201)
				call(t, e, "GET", "/licenses", "").list(t, 200)
				if got := call(t, e, "DELETE", "/licenses/"+id, ""); got.Status != 204 {
					t.Errorf("%d %s", got.Status, got.Text)
				}
			}
			if rows := call(t, e, "GET", "/users/"+user+"/licenses", "").list(t, 200); len(rows) != 10 {
				t.Errorf("%s has %d licenses", user, len(rows))
			}
		})
	}
	wg.Wait()
	counts := [4]int{len(e.Licenses()), len(e.Entitlements()), len(e.Irdeto().Entitlements), len(e.Ledger().Effects())}
	if want := [4]int{80, 80, 160, 240}; counts != want {
		t.Errorf("licenses, entitlements, all entitlements and effects: %v, want %v", counts, want)
	}
}

func TestPutLicenses(t *testing.T) {
	e := shop(emulator.Options{})
	e.PutLicenses(
		emulator.License{ID: "b", UserID: "u", ProductID: "paid", Recurring: true,
			StartDate: now.Add(1500 * time.Millisecond)},
		emulator.License{ID: "a", UserID: "u", ProductID: "paid"},
		emulator.License{ID: "b", UserID: "v", ProductID: "paid"},
		emulator.License{UserID: "u", ProductID: "free"},
	)
	held := e.Licenses()
	if len(held) != 3 || effects(e) != "" {
		t.Fatalf("%+v; %s", held, effects(e))
	}
	if held[0].ID != "b" || held[0].UserID != "v" || held[1].ID != "a" || held[2].ID == "" {
		t.Errorf("%+v", held)
	}
	want := emulator.License{
		ID: "a", Status: "ACTIVE", StartDate: now, PurchaseTimestamp: now, UserID: "u", ProductID: "paid",
	}
	if held[1] != want {
		t.Errorf("%+v, want %+v", held[1], want)
	}
	if len(e.Entitlements()) != 3 {
		t.Errorf("%v", e.Entitlements())
	}
	twintest.WantPanic(t, "a license of no product", "none", func() {
		e.PutLicenses(emulator.License{UserID: "u", ProductID: "none"})
	})
}
