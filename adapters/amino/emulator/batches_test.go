package emulator_test

import (
	"strings"
	"testing"

	"github.com/drmhub/drmhub/adapters/amino/emulator"
)

func items(all ...string) string { return data("[" + strings.Join(all, ",") + "]") }

func identifier(id string) string { return `{"type":"License","id":"` + id + `"}` }

func TestBatchCreate(t *testing.T) {
	e := shop(emulator.Options{})
	rows := call(t, e, "POST", "/licenses/batch_create", items(licenseOf("u", "free", ""), licenseOf("v", "paid", `"order_id":"o"`))).list(t, 201)
	if len(rows) != 2 || rows[0].Relationships["user"].Data.ID != "u" || rows[1].Attributes["order_id"] != "o" {
		t.Fatalf("%v", rows)
	}
	if held := ids(call(t, e, "GET", "/licenses", "").list(t, 200)); held != ids(rows) || len(e.Entitlements()) != 2 {
		t.Errorf("%s, want %s", held, ids(rows))
	}
	if effects(e) != "licenseCreated "+rows[0].ID+", licenseCreated "+rows[1].ID {
		t.Error(effects(e))
	}
}

func TestBatchDelete(t *testing.T) {
	e := shop(emulator.Options{})
	for _, id := range []string{"1", "2", "3"} {
		e.PutLicenses(emulator.License{ID: id, UserID: "u", ProductID: "free"})
	}
	if got := call(t, e, "POST", "/licenses/batch_delete", items(identifier("3"), identifier("1"))); got.Status != 204 || got.Text != "" {
		t.Errorf("%d %s", got.Status, got.Text)
	}
	if held := e.Licenses(); len(held) != 1 || held[0].ID != "2" || len(e.Entitlements()) != 1 || effects(e) != "licenseDeleted 3, licenseDeleted 1" {
		t.Errorf("%+v; %s", held, effects(e))
	}
}

// TestBatchesStopAtTheFirstRefusal: what stands before it stands, and the answer does not say so.
func TestBatchesStopAtTheFirstRefusal(t *testing.T) {
	for name, test := range map[string]struct {
		bad    string
		status int
		code   string
	}{
		"unknown product": {licenseOf("u", "none", ""), 422, "PRODUCT_NOT_FOUND"},
		"bad attribute":   {licenseOf("u", "free", `"status":1`), 400, "INVALID_ATTRIBUTE"},
		"no object":       {`1`, 400, "INVALID_BODY"},
	} {
		e := shop(emulator.Options{})
		call(t, e, "POST", "/licenses/batch_create", items(licenseOf("first", "free", ""), test.bad, licenseOf("last", "free", ""))).refused(t, name, test.status, test.code)
		if held := e.Licenses(); len(held) != 1 || held[0].UserID != "first" || len(e.Entitlements()) != 1 || len(e.Ledger().Effects()) != 1 {
			t.Errorf("%s: %+v", name, held)
		}
	}
	for name, test := range map[string]struct {
		bad    string
		status int
		code   string
	}{
		"unknown license": {identifier("none"), 422, "LICENSE_NOT_FOUND"},
		"the same again":  {identifier("1"), 422, "LICENSE_NOT_FOUND"},
		"an id alone":     {`"2"`, 400, "INVALID_BODY"},
		"another type":    {`{"type":"Product","id":"2"}`, 400, "INVALID_BODY"},
		"attributes":      {`{"type":"License","id":"2","attributes":{}}`, 400, "INVALID_BODY"},
	} {
		e := shop(emulator.Options{})
		for _, id := range []string{"1", "2", "3"} {
			e.PutLicenses(emulator.License{ID: id, UserID: "u", ProductID: "free"})
		}
		call(t, e, "POST", "/licenses/batch_delete", items(identifier("1"), test.bad, identifier("3"))).refused(t, name, test.status, test.code)
		if held := e.Licenses(); len(held) != 2 || held[0].ID != "2" || effects(e) != "licenseDeleted 1" {
			t.Errorf("%s: %+v; %s", name, held, effects(e))
		}
	}
}

func TestBatchesThatAreNone(t *testing.T) {
	e := shop(emulator.Options{})
	for _, path := range []string{"/licenses/batch_create", "/licenses/batch_delete"} {
		for _, body := range []string{data("[]"), data("{}"), data(licenseOf("u", "free", "")), data(`"x"`), `[]`, `{"licenses":[]}`} {
			call(t, e, "POST", path, body).refused(t, path+" "+body, 400, "INVALID_BODY")
		}
	}
}

func TestBatchStopsWhereIrdetoFails(t *testing.T) {
	for stands, want := range map[bool]string{false: "a", true: "a b"} {
		e := shop(emulator.Options{Assumptions: emulator.Assumptions{LicenseStandsWithoutIrdeto: stands}})
		e.OrderIrdeto(emulator.IrdetoOrder{Behavior: emulator.IrdetoRefuses, Skip: 1})
		call(t, e, "POST", "/licenses/batch_create", items(licenseOf("a", "free", ""), licenseOf("b", "free", ""), licenseOf("c", "free", ""))).
			refused(t, "create", 502, "IRDETO_REFUSED")
		var users []string
		for _, l := range e.Licenses() {
			users = append(users, l.UserID)
		}
		if got := strings.Join(users, " "); got != want || len(e.Entitlements()) != 1 {
			t.Errorf("licenses of %s, want %s; entitlements %v", got, want, e.Entitlements())
		}
	}
}
