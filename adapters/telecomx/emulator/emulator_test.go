package emulator_test

import (
	"net/http"
	"testing"

	"github.com/drmhub/drmhub/adapters/telecomx/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/adapters/twin/twintest"
)

func TestRefusalsLookLikeTheServersOwnFailures(t *testing.T) {
	for _, plain := range []bool{false, true} {
		e := server(emulator.Options{Assumptions: emulator.Assumptions{PlainErrors: plain}})
		own := call(t, e, "GET", "/iptv/drm/nobody", "")
		fault := e.Refusal(404, "id")
		fault.Method, fault.Times = http.MethodGet, 1
		e.Faults().Add(fault)
		works(t, "a write", call(t, e, "POST", "/iptv/drm", `{"customer":"`+business+`"}`))
		got := call(t, e, "GET", "/iptv/drm", "")
		if got.Text != own.Text || got.Status != own.Status {
			t.Errorf("ordered %+v, the server's own %+v", got, own)
		}
		works(t, "after it", call(t, e, "GET", "/iptv/drm", ""))
		throttled := e.Refusal(429, "too_many_requests")
		throttled.Header = map[string]string{"Retry-After": "7"}
		e.Faults().Add(throttled)
		for _, method := range []string{"GET", "POST"} {
			if got := call(t, e, method, "/iptv/drm", ""); got.Status != 429 {
				t.Errorf("%s: %d %s", method, got.Status, got.Text)
			}
		}
		works(t, "a login", login(t, e, "sandbox", "sandbox-password"))
	}
}

func TestAWriteWhoseResponseIsLostCanBeReadBack(t *testing.T) {
	e := server(emulator.Options{})
	e.Faults().Add(twin.Fault{Kind: twin.FaultLoseAnswer, Method: "POST", PathPrefix: emulator.APIPrefix, Times: 1})
	r := request(t, "POST", "/iptv/drm?token="+token(t, e), `{"customer":"`+mine+`","username":"viewer"}`)
	if res, err := twin.Transport(e).RoundTrip(r); err == nil {
		_ = res.Body.Close()
		t.Fatalf("a response: %v", res.Status)
	}
	if got := call(t, e, "GET", "/iptv/drm/viewer", ""); got.Status != 200 || len(e.Ledger().Effects()) != 1 {
		t.Errorf("%d %s", got.Status, got.Text)
	}
}

func TestAnEndlessResponseLooksLikeTheVendors(t *testing.T) {
	e := emulator.New(emulator.Options{})
	const head = 9 // { "offset" 0 "limit" 500 "total" 2147483647 "accounts" [
	twintest.EndlessRows(t, e, e.Faults(), head, func(row map[string]any) bool {
		return row["created"] != "" && row["devices"] == 2.0
	})
}
