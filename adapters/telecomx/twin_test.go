package telecomx_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/telecomx/emulator"
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

// wantLogins demands that so many logins were tried.
func wantLogins(t *testing.T, what string, vendor *emulator.Emulator, n int) {
	t.Helper()
	if got := len(wiretest.Requests(vendor, postLogin)); got != n {
		t.Errorf("%s: %d logins were tried, want %d", what, got, n)
	}
}

// refusing is how a vendor can say that a token is no good.
var refusing = map[string]emulator.Assumptions{
	"with 401":          {TokenRefused: http.StatusUnauthorized, LoginRefused: http.StatusUnauthorized},
	"with 403":          {TokenRefused: http.StatusForbidden, LoginRefused: http.StatusForbidden},
	"with 403, as text": {TokenRefused: http.StatusForbidden, LoginRefused: http.StatusForbidden, PlainErrors: true},
}
