// Package telecomxtest holds the harness with which the conformance suite tests the adapter to
// TelecomX, over its twin.
package telecomxtest

import (
	"net/http"
	"slices"
	"testing"

	"github.com/drmhub/drmhub/adapters/adaptertest"
	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/telecomx"
	"github.com/drmhub/drmhub/adapters/telecomx/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
)

// vendor is the id of the vendor account. It must be escaped in names.
const vendor = "telecomx/dk"

// customers are the customer of the twin's user, and another one.
var customers = []string{emulator.DefaultCustomerID, "5f0c9a417be2d86630a1c4f9"}

// Harness returns an adapter to an empty twin, without a socket between them.
func Harness(t *testing.T) adaptertest.Harness {
	return HarnessOf(t, emulator.Options{}, Config())
}

// HarnessOf is Harness with a twin of these options, and the configuration for it.
func HarnessOf(t *testing.T, options emulator.Options, config telecomx.Config) adaptertest.Harness {
	t.Helper()
	vendorSide := emulator.New(options)
	vendorSide.PutCustomers(emulator.Customer{ID: customers[1], Features: []string{emulator.FeatureBusiness}})
	adapter, err := telecomx.New(vendor, config, twin.Transport(vendorSide))
	if err != nil {
		t.Fatal(err)
	}
	credential := config.Token
	if credential.IsZero() {
		credential = config.Password
	}
	faults := faultsThatShow(credential.Reveal())
	h := adaptertest.Harness{
		Adapter:   adapter,
		Vendor:    vendor,
		Secrets:   []secret.Text{credential},
		FailReads: wiretest.FailReads(vendorSide.Faults(), credential.Reveal(), faults.reads),
		Writes: &adaptertest.Writes{
			Count: func() int { return writes(vendorSide.Ledger()) },
			Fail:  failWrites(vendorSide.Faults(), faults.writes),
		},
	}
	return withAccounts(h, vendorSide)
}

// Config returns a configuration for a twin with the default user. Its host does not exist.
func Config() telecomx.Config {
	c := telecomx.NewConfig()
	c.BaseURL = "http://telecomx.invalid"
	c.Username, c.Password = emulator.DefaultUsername, secret.New(emulator.DefaultPassword)
	return *c
}

// MachineConfig is Config with the machine token of the same user. TelecomX returns no customer for
// it, so the configuration has one.
func MachineConfig() telecomx.Config {
	c := telecomx.NewConfig()
	c.BaseURL = "http://telecomx.invalid"
	c.Token, c.Customer = secret.New(emulator.DefaultMachineToken), emulator.DefaultCustomerID
	return *c
}

// writes returns how many writes of the adapter took effect at the twin.
func writes(ledger *twin.Ledger) int {
	n := 0
	for _, e := range ledger.Effects() {
		if slices.Contains([]string{emulator.EffectAccountCreated, emulator.EffectDeviceDeleted}, e.Kind) {
			n++
		}
	}
	return n
}

type faults struct {
	reads  map[adaptertest.Fault]twin.Fault
	writes map[adaptertest.WriteFault]twin.Fault
}

// faultsThatShow returns the twin's faults. Their texts contain this secret and a control character.
func faultsThatShow(credential string) faults {
	says := func(status int, word string) twin.Fault {
		body := `{"error":"` + word + `","message":"no,\u001b[31m not with ` + credential + `"}`
		return twin.Fault{Kind: twin.FaultAnswer, Status: status, Body: body}
	}
	refused := says(http.StatusConflict, "unheard_of")
	return faults{
		reads: map[adaptertest.Fault]twin.Fault{
			adaptertest.Down:                says(http.StatusInternalServerError, "internal_error"),
			adaptertest.CredentialsRejected: says(http.StatusUnauthorized, "access_denied"),
			adaptertest.PermissionDenied:    says(http.StatusForbidden, "access_denied"),
			adaptertest.Rejected:            refused,
		},
		writes: map[adaptertest.WriteFault]twin.Fault{
			adaptertest.AnswerLost:      {Kind: twin.FaultLoseAnswer},
			adaptertest.AnswerGarbled:   {Kind: twin.FaultMalformed},
			adaptertest.CutBeforeEffect: {Kind: twin.FaultCut},
			adaptertest.Refused:         refused,
		},
	}
}

// failWrites orders a fault for the next POSTs and DELETEs, without the logins.
func failWrites(ordered *twin.Faults, faults map[adaptertest.WriteFault]twin.Fault) func(adaptertest.WriteFault, int) {
	return func(fault adaptertest.WriteFault, n int) {
		for _, method := range []string{http.MethodPost, http.MethodDelete} {
			f := faults[fault]
			f.Method, f.PathPrefix, f.Times = method, emulator.APIPrefix, n
			ordered.Add(f)
		}
	}
}
