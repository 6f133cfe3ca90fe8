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
	"github.com/drmhub/drmhub/adapters/upstream"
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
	adapter, err := telecomx.New(vendor, config, upstream.Connection{Transport: twin.Transport(vendorSide)})
	if err != nil {
		t.Fatal(err)
	}
	credential := config.Token
	if credential.IsZero() {
		credential = config.Password
	}
	h := adaptertest.Harness{
		Adapter:   adapter,
		Vendor:    vendor,
		Secrets:   []secret.Text{credential},
		Faults:    vendorSide.Faults(),
		FailReads: wiretest.FailReads(vendorSide.Faults(), credential.Reveal(), ownFaults(credential)),
		Writes: &adaptertest.Writes{
			Count: func() int { return writes(vendorSide.Ledger()) },
			// The logins are POSTs too, outside of the API's paths.
			Fail: wiretest.FailWrites(vendorSide.Faults(), refusal(credential),
				"POST "+emulator.APIPrefix, "DELETE "+emulator.APIPrefix),
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

// ownFaults are the failures that TelecomX says in its own way.
func ownFaults(credential secret.Text) map[adaptertest.Fault]twin.Fault {
	return map[adaptertest.Fault]twin.Fault{
		adaptertest.Down:                says(credential, http.StatusInternalServerError, "internal_error"),
		adaptertest.CredentialsRejected: says(credential, http.StatusUnauthorized, "access_denied"),
		adaptertest.PermissionDenied:    says(credential, http.StatusForbidden, "access_denied"),
		adaptertest.Rejected:            refusal(credential),
	}
}

// refusal returns a failure with an unknown code.
func refusal(credential secret.Text) twin.Fault {
	return says(credential, http.StatusConflict, "unheard_of")
}

// says returns a failure whose text contains this secret and a control character.
func says(credential secret.Text, status int, word string) twin.Fault {
	return wiretest.Answer(status,
		`{"error":"`+word+`","message":"no,\u001b[31m not with `+credential.Reveal()+`"}`)
}
