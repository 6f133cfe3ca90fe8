package emulator_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/drmhub/drmhub/adapters/amino/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
)

// TestIrdetoStalls has the client go away or another order come. Irdeto then acts or not, and the
// license is created without it or not.
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
	replies := make(chan int, 2)
	for _, r := range []*http.Request{
		request(t, "POST", base+"/licenses", data(licenseOf("new", "free", ""))),
		request(t, "DELETE", base+"/licenses/old", ""),
	} {
		go func() {
			status := 0
			if res, err := twin.Transport(e).RoundTrip(r.WithContext(ctx)); err == nil {
				status = res.StatusCode
				_ = res.Body.Close()
			}
			replies <- status
		}()
	}
	synctest.Wait()
	users := func() (licensed, entitled string) {
		for _, l := range e.Licenses() {
			licensed += l.UserID + " "
		}
		for _, held := range e.Entitlements() {
			entitled += held.UserID + " "
		}
		return licensed, entitled
	}
	during := map[bool]string{false: "u ", true: "new "}[stands]
	if got, _ := users(); e.Irdeto().Stalled != 2 || got != during || len(replies) != 0 {
		t.Fatalf("while Irdeto stalls, %d calls wait and %d have ended; licenses of %q, want %q",
			e.Irdeto().Stalled, len(replies), got, during)
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
	total := <-replies + <-replies
	want := map[bool]int{false: 502 + 502, true: 201 + 204}[acts]
	if !released {
		want = 0 // the clients have gone
	}
	if total != want {
		t.Errorf("the statuses add up to %d", total)
	}
	after := map[bool]string{false: "u ", true: "new "}
	licensed, entitled := users()
	if licensed != after[acts || stands] || entitled != after[acts] || e.Irdeto().Stalled != 0 {
		t.Errorf("licenses of %q, entitlements of %q; %d calls wait", licensed, entitled, e.Irdeto().Stalled)
	}
}

func TestTwoDeletesAtOnceHaveOneEffect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := shop(emulator.Options{})
		e.PutLicenses(emulator.License{ID: "x", UserID: "u", ProductID: "free"})
		e.OrderIrdeto(emulator.IrdetoOrder{Behavior: emulator.IrdetoStalls, TakesEffect: true})
		replies := make(chan int, 2)
		for range 2 {
			r := request(t, "DELETE", base+"/licenses/x", "")
			go func() { replies <- do(t, e, r).Status }()
		}
		synctest.Wait()
		e.OrderIrdeto(emulator.IrdetoOrder{})
		if total := <-replies + <-replies; total != 204+404 || effects(e) != "licenseDeleted x" {
			t.Errorf("the statuses add up to %d; %s", total, effects(e))
		}
	})
}
