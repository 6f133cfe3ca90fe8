package telecomx_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/telecomx/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
)

// duckTwin holds Donald's account with two devices that are no longer bound.
func duckTwin(options emulator.Options) *emulator.Emulator {
	options.Username, options.Password, options.MachineToken, options.CustomerID = "ops", "the-password", "the-machine-token", own
	e := emulator.New(options)
	e.PutAccounts(emulator.Account{
		// before the time of a bubble
		Username: "donald@duck.com", Password: "vgh38gy3uvhebv", Created: time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC),
		Devices: []emulator.Device{
			{ID: "12345678901234567890AAAA", Type: emulator.DeviceIOS, Name: "Donalds mobile", Model: "iPhone 6"},
			{ID: "12345678901234567890BBBB", Type: emulator.DeviceWeb, Model: "Chrome"},
		},
	})
	return e
}

// answer is a fault that answers so, and does nothing else.
func answer(status int, body string, header ...string) twin.Fault {
	f := twin.Fault{Kind: twin.FaultAnswer, Status: status, Body: body, Header: map[string]string{}}
	for i := 0; i < len(header); i += 2 {
		f.Header[header[i]] = header[i+1]
	}
	return f
}

// requests are the statuses with which the twin has answered this call, such as getAccounts.
func requests(vendor *emulator.Emulator, call string) []int {
	var statuses []int
	for _, r := range vendor.Ledger().Requests() {
		if path, _, _ := strings.Cut(r.Target, "?"); r.Method+" "+path == call {
			statuses = append(statuses, r.Status)
		}
	}
	return statuses
}

// wantLogins demands that so many logins were tried.
func wantLogins(t *testing.T, what string, vendor *emulator.Emulator, n int) {
	t.Helper()
	if got := len(requests(vendor, postLogin)); got != n {
		t.Errorf("%s: %d logins were tried, want %d", what, got, n)
	}
}

// wantEffects demands that so many changes have taken effect at the vendor.
func wantEffects(t *testing.T, vendor *emulator.Emulator, n int) {
	t.Helper()
	if effects := vendor.Ledger().Effects(); len(effects) != n {
		t.Errorf("%d changes took effect at the vendor, want %d: %v", len(effects), n, effects)
	}
}

// refusing is how a vendor can say that a token is no good.
var refusing = map[string]emulator.Assumptions{
	"with 401":          {TokenRefused: http.StatusUnauthorized, LoginRefused: http.StatusUnauthorized},
	"with 403":          {TokenRefused: http.StatusForbidden, LoginRefused: http.StatusForbidden},
	"with 403, as text": {TokenRefused: http.StatusForbidden, LoginRefused: http.StatusForbidden, PlainErrors: true},
}
