package telecomx_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/telecomx"
	"github.com/drmhub/drmhub/adapters/telecomx/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
)

// duckTwin holds Donald's account with two devices that are no longer bound.
func duckTwin(options emulator.Options) *emulator.Emulator {
	options.Username, options.Password, options.CustomerID = "ops", "the-password", own
	options.MachineToken = "the-machine-token"
	e := emulator.New(options)
	e.PutAccounts(emulator.Account{
		Username: "donald@duck.com", Password: "vgh38gy3uvhebv",
		Created: time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC), // before the time of a bubble
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

// inBubble runs a test in virtual time, against a twin with these options.
func inBubble(t *testing.T, o emulator.Options, test func(*testing.T, *emulator.Emulator, *telecomx.Adapter)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		vendor := duckTwin(o)
		test(t, vendor, adapterTo(t, config(), twin.Transport(vendor)))
	})
}

// delay orders a delay of the calls of this path.
func delay(vendor *emulator.Emulator, path string, d time.Duration, times int) {
	vendor.Faults().Add(twin.Fault{Kind: twin.FaultDelay, Path: path, Delay: d, Times: times})
}

// refusing are the ways in which a vendor can refuse a token.
var refusing = map[string]emulator.Assumptions{
	"with 401":          {TokenRefused: http.StatusUnauthorized, LoginRefused: http.StatusUnauthorized},
	"with 403":          {TokenRefused: http.StatusForbidden, LoginRefused: http.StatusForbidden},
	"with 403, as text": {TokenRefused: http.StatusForbidden, LoginRefused: http.StatusForbidden, PlainErrors: true},
}
