package emulator_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drmhub/drmhub/adapters/amino/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/adapters/twin/twintest"
)

func TestEntitlementsComeAndGoWithLicenses(t *testing.T) {
	clock := twin.FrozenClock(now)
	e := shop(emulator.Options{Clock: clock})
	id := call(t, e, "POST", "/licenses", data(licenseOf("u", "paid", `"status":"PROCESSING"`))).one(t, 201).ID
	want := emulator.Entitlement{LicenseID: id, UserID: "u", ProductID: "paid", Created: now}
	got := e.Entitlements()
	if len(got) != 1 || got[0].ID == "" {
		t.Fatalf("%+v", got)
	}
	want.ID = got[0].ID
	if got[0] != want {
		t.Errorf("%+v, want %+v", got[0], want)
	}
	clock.Advance(time.Hour)
	call(t, e, "DELETE", "/licenses/"+id, "")
	want.Deleted = now.Add(time.Hour)
	if all := e.Irdeto().Entitlements; len(e.Entitlements()) != 0 || len(all) != 1 || all[0] != want {
		t.Errorf("%+v, want %+v", all, want)
	}
	call(t, e, "DELETE", "/licenses/"+id, "").refused(t, "again", 404, "LICENSE_NOT_FOUND")
	e.PutLicenses(emulator.License{ID: id, UserID: "v", ProductID: "free"})
	if all := e.Irdeto().Entitlements; len(all) != 2 || all[0] != want || len(e.Entitlements()) != 1 || e.Entitlements()[0].UserID != "v" {
		t.Errorf("after another license of that id: %+v", all)
	}
}

func TestWithoutIrdeto(t *testing.T) {
	e := shop(emulator.Options{WithoutIrdeto: true})
	e.OrderIrdeto(emulator.IrdetoOrder{Behavior: emulator.IrdetoRefuses})
	id := call(t, e, "POST", "/licenses", data(licenseOf("u", "paid", ""))).one(t, 201).ID
	if got := call(t, e, "DELETE", "/licenses/"+id, ""); got.Status != 204 || len(e.Irdeto().Entitlements) != 0 {
		t.Errorf("%d %s", got.Status, got.Text)
	}
}

// TestIrdetoFails: whatever stands afterwards, the call answers the failure.
func TestIrdetoFails(t *testing.T) {
	for behavior, code := range map[emulator.IrdetoBehavior]string{
		emulator.IrdetoRefuses: "IRDETO_REFUSED", emulator.IrdetoDown: "IRDETO_UNAVAILABLE",
	} {
		for _, stands := range []bool{false, true} {
			t.Run(fmt.Sprint(behavior, stands), func(t *testing.T) {
				e := shop(emulator.Options{Assumptions: emulator.Assumptions{LicenseStandsWithoutIrdeto: stands}})
				e.PutLicenses(emulator.License{ID: "old", UserID: "u", ProductID: "free"})
				e.OrderIrdeto(emulator.IrdetoOrder{Behavior: behavior})
				call(t, e, "POST", "/licenses", data(licenseOf("u", "free", ""))).refused(t, "create", 502, code)
				call(t, e, "DELETE", "/licenses/old", "").refused(t, "delete", 502, code)
				held, kinds := e.Licenses(), effects(e)
				if !stands && (len(held) != 1 || held[0].ID != "old" || kinds != "") {
					t.Errorf("%+v; %s", held, kinds)
				}
				if stands && (len(held) != 1 || held[0].ID == "old" || kinds != "licenseCreated "+held[0].ID+", licenseDeleted old") {
					t.Errorf("%+v; %s", held, kinds)
				}
				if all := e.Irdeto().Entitlements; len(all) != 1 || all[0].LicenseID != "old" || !all[0].Deleted.IsZero() {
					t.Errorf("Irdeto did something: %+v", all)
				}
				e.OrderIrdeto(emulator.IrdetoOrder{})
				if got := call(t, e, "DELETE", "/licenses/"+held[0].ID, ""); got.Status != 204 || len(e.Licenses()) != 0 {
					t.Errorf("a license cannot be deleted after the failure: %d %s", got.Status, got.Text)
				}
			})
		}
	}
}

func TestOrdersToIrdetoAreForSomeCalls(t *testing.T) {
	for name, test := range map[string]struct {
		order emulator.IrdetoOrder
		want  string // of creating and deleting three licenses in turn
	}{
		"none":      {emulator.IrdetoOrder{}, "201 204 201 204 201 204"},
		"all":       {emulator.IrdetoOrder{Behavior: "refuse", Call: "create"}, "502 502 502"},
		"deletes":   {emulator.IrdetoOrder{Behavior: "down", Call: "delete"}, "201 502 201 502 201 502"},
		"one":       {emulator.IrdetoOrder{Behavior: "refuse", Times: 1}, "502 201 204 201 204"},
		"later":     {emulator.IrdetoOrder{Behavior: "refuse", Skip: 1, Times: 2}, "201 502 502 201 204"},
		"by kind":   {emulator.IrdetoOrder{Behavior: "refuse", Call: "delete", Skip: 1, Times: 1}, "201 204 201 502 201 204"},
		"succeeds":  {emulator.IrdetoOrder{Behavior: "succeed", Times: 1}, "201 204 201 204 201 204"},
		"all later": {emulator.IrdetoOrder{Behavior: "down", Skip: 3}, "201 204 201 502 502"},
	} {
		e := shop(emulator.Options{})
		e.OrderIrdeto(emulator.IrdetoOrder{Behavior: emulator.IrdetoRefuses})
		e.OrderIrdeto(test.order) // in place of the one before
		var statuses []string
		for range 3 {
			got := call(t, e, "POST", "/licenses", data(licenseOf("u", "free", "")))
			statuses = append(statuses, fmt.Sprint(got.Status))
			if got.Status == 201 {
				statuses = append(statuses, fmt.Sprint(call(t, e, "DELETE", "/licenses/"+got.one(t, 201).ID, "").Status))
			}
		}
		if got := strings.Join(statuses, " "); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

// TestIrdetoStalls: the client goes away or another order comes, Irdeto then acts or not, and the
// license stands without it or not.
func TestIrdetoStalls(t *testing.T) {
	for _, released := range []bool{false, true} {
		for _, acts := range []bool{false, true} {
			for _, stands := range []bool{false, true} {
				t.Run(fmt.Sprint("released ", released, ", acts ", acts, ", stands ", stands), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { stall(t, released, acts, stands) })
				})
			}
		}
	}
}

func stall(t *testing.T, released, acts, stands bool) {
	e := shop(emulator.Options{Assumptions: emulator.Assumptions{LicenseStandsWithoutIrdeto: stands}})
	e.PutLicenses(emulator.License{ID: "old", UserID: "u", ProductID: "free"})
	e.OrderIrdeto(emulator.IrdetoOrder{Behavior: emulator.IrdetoStalls, TakesEffect: acts})
	ctx, leave := context.WithCancel(t.Context())
	answers := make(chan int, 2)
	for _, r := range []*http.Request{
		request(t, "POST", base+"/licenses", data(licenseOf("new", "free", ""))), request(t, "DELETE", base+"/licenses/old", ""),
	} {
		go func() {
			status := 0
			if res, err := twin.Transport(e).RoundTrip(r.WithContext(ctx)); err == nil {
				status = res.StatusCode
				_ = res.Body.Close()
			}
			answers <- status
		}()
	}
	synctest.Wait()
	users := func() string {
		text := ""
		for _, l := range e.Licenses() {
			text += l.UserID + " "
		}
		return text
	}
	during := map[bool]string{false: "u ", true: "new "}[stands]
	if got := users(); e.Irdeto().Stalled != 2 || got != during || len(answers) != 0 {
		t.Fatalf("while Irdeto stalls, %d calls wait and %d are answered; licenses of %q, want %q", e.Irdeto().Stalled, len(answers), got, during)
	}
	if call(t, e, "GET", "/licenses", "").Status != 200 {
		t.Error("reads wait for Irdeto too")
	}
	if released {
		e.OrderIrdeto(emulator.IrdetoOrder{})
	} else {
		leave()
	}
	synctest.Wait()
	leave()
	total := <-answers + <-answers
	if want := map[bool]int{false: 502 + 502, true: 201 + 204}[acts]; released && total != want || !released && total != 0 {
		t.Errorf("the statuses add up to %d", total)
	}
	after := "u "
	if acts || stands {
		after = "new "
	}
	if got := users(); got != after {
		t.Errorf("licenses of %q, want %q", got, after)
	}
	entitled := ""
	for _, held := range e.Entitlements() {
		entitled += held.UserID + " "
	}
	if want := map[bool]string{false: "u ", true: "new "}[acts]; entitled != want || e.Irdeto().Stalled != 0 {
		t.Errorf("entitlements of %q, want %q; %d stalled", entitled, want, e.Irdeto().Stalled)
	}
}

func TestTwoDeletesAtOnceHaveOneEffect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := shop(emulator.Options{})
		e.PutLicenses(emulator.License{ID: "x", UserID: "u", ProductID: "free"})
		e.OrderIrdeto(emulator.IrdetoOrder{Behavior: emulator.IrdetoStalls, TakesEffect: true})
		answers := make(chan int, 2)
		for range 2 {
			r := request(t, "DELETE", base+"/licenses/x", "")
			go func() { answers <- do(t, e, r).Status }()
		}
		synctest.Wait()
		e.OrderIrdeto(emulator.IrdetoOrder{})
		if total := <-answers + <-answers; total != 204+404 || effects(e) != "licenseDeleted x" {
			t.Errorf("the statuses add up to %d; %s", total, effects(e))
		}
	})
}

func TestIrdetoByTheAdminPath(t *testing.T) {
	e := shop(emulator.Options{})
	admin := func(method, body string) twintest.Reply { return twintest.Admin(t, e, method, "irdeto", body) }
	const none = `{"order":{},"stalled":0,"entitlements":[]}`
	if got := admin("GET", ""); got.Status != 200 || strings.TrimSpace(got.Text) != none {
		t.Errorf("%d %s", got.Status, got.Text)
	}
	id := call(t, e, "POST", "/licenses", data(licenseOf("u", "free", ""))).one(t, 201).ID
	order := `{"behaviour":"stall","call":"delete","skip":1,"times":2,"takesEffect":true}`
	if got := admin("POST", order); got.Status != 200 {
		t.Errorf("%d %s", got.Status, got.Text)
	}
	var state map[string]json.RawMessage
	text := admin("GET", "").Text
	twintest.Decode(t, text, &state)
	want := fmt.Sprintf(`[{"id":%q,"licenseId":%q,"userId":"u","productId":"free","created":"2026-01-02T15:04:05Z"}]`,
		e.Entitlements()[0].ID, id)
	if string(state["order"]) != order || string(state["entitlements"]) != want {
		t.Errorf("%s, want %s and %s", text, order, want)
	}
	for body, says := range map[string]string{
		`{"behaviour":"explode"}`:                       "explode",
		`{"behaviour":"refuse","call":"update"}`:        "update",
		`{"behaviour":"refuse","times":-1}`:             "negative",
		`{"behaviour":"refuse","takesEffect":true}`:     "stall",
		`{"behavior":"refuse"}`:                         "behavior",
		`{"behaviour":1}`:                               "behaviour",
		`[]`:                                            "not a JSON object",
		`{"behaviour":"down","call":"create","skip":""`: "not a JSON object",
	} {
		if got := admin("POST", body); got.Status != 400 || !strings.Contains(got.Text, says) {
			t.Errorf("%s: %d %s", body, got.Status, got.Text)
		}
	}
	if got := e.Irdeto().Order.Behavior; got != emulator.IrdetoStalls {
		t.Errorf("an order that is not valid took the place of another: %s", got)
	}
}

func TestInvalidOrdersToIrdetoPanic(t *testing.T) {
	twintest.WantPanic(t, "an invalid order", "explode", func() {
		emulator.New(emulator.Options{}).OrderIrdeto(emulator.IrdetoOrder{Behavior: "explode"})
	})
}
