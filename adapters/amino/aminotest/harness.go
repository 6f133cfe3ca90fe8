// Package aminotest fits the adapter to AminoTV and its twin into the conformance suite.
package aminotest

import (
	"net/http"
	"slices"
	"strconv"
	"testing"

	"github.com/drmhub/drmhub/adapters/adaptertest"
	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/amino"
	"github.com/drmhub/drmhub/adapters/amino/emulator"
	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/adapters/upstream"
)

// vendor is the id of the vendor account. Names with it need an escape.
const vendor = "amino/kr"

// Harness returns the harness of an adapter and an empty twin, without a socket between them.
func Harness(t *testing.T) adaptertest.Harness {
	return HarnessOf(t, emulator.Assumptions{}, Config())
}

// HarnessOf is Harness with another reading of AminoTV's pages on both sides.
func HarnessOf(t *testing.T, assumed emulator.Assumptions, config amino.Config) adaptertest.Harness {
	t.Helper()
	vendorSide := emulator.New(emulator.Options{Assumptions: assumed})
	inTurn := &turns{faults: vendorSide.Faults(), twin: twin.Transport(vendorSide)}
	adapter, err := amino.New(vendor, config, upstream.Connection{Transport: inTurn})
	if err != nil {
		t.Fatal(err)
	}
	return withRows(adaptertest.Harness{
		Adapter:   adapter,
		Vendor:    vendor,
		Secrets:   secrets(config),
		Faults:    vendorSide.Faults(),
		FailReads: wiretest.FailReads(vendorSide.Faults(), text, ownFaults()),
		Writes: &adaptertest.Writes{
			Count: func() int { return writes(vendorSide.Ledger()) },
			Fail: func(fault adaptertest.WriteFault, n int) {
				inTurn.order(slices.Repeat([]adaptertest.WriteFault{fault}, n)...)
			},
			FailInTurn: inTurn.order,
		},
	}, vendorSide)
}

// Config returns a configuration for a twin with the default credentials. No network has its host.
func Config() amino.Config {
	c := amino.NewConfig()
	c.BaseURL, c.Token = "http://amino.invalid", secret.New(emulator.DefaultToken)
	return *c
}

func secrets(c amino.Config) []secret.Text {
	if c.Token.IsZero() {
		return []secret.Text{c.APIKey}
	}
	return []secret.Text{c.Token}
}

// text is the vendor's text of a failure. It repeats the credentials and holds a control character.
const text = "no,\x1b[31m not with " + emulator.DefaultToken + " or " + emulator.DefaultAPIKey

// refusal returns a failure with an unknown code.
func refusal() twin.Fault { return emulator.Refusal(http.StatusPreconditionFailed, "E4711", text) }

// ownFaults are the failures that AminoTV says in its own way.
func ownFaults() map[adaptertest.Fault]twin.Fault {
	throttled := emulator.Refusal(http.StatusTooManyRequests, "THROTTLED", text)
	throttled.Header = map[string]string{"Retry-After": strconv.Itoa(int(adaptertest.RetryAfter.Seconds()))}
	return map[adaptertest.Fault]twin.Fault{
		adaptertest.Throttled:           throttled,
		adaptertest.CredentialsRejected: emulator.Refusal(http.StatusUnauthorized, emulator.CodeUnauthorized, text),
		adaptertest.Rejected:            refusal(),
	}
}

// effects are the kinds of effects that a call of the adapter has.
var effects = []string{
	emulator.EffectLicenseCreated, emulator.EffectLicenseDeleted,
	emulator.EffectProductCreated, emulator.EffectProductUpdated,
}

// writes returns the number of changes that the twin has made for its callers.
func writes(ledger *twin.Ledger) int {
	n := 0
	for _, e := range ledger.Effects() {
		if slices.Contains(effects, e.Kind) {
			n++
		}
	}
	return n
}

// writeFault returns a fault for one method. A response without a body cannot be cut in half, so a
// page for people takes its place.
func writeFault(fault adaptertest.WriteFault, method string) twin.Fault {
	f := wiretest.WriteFaults(refusal())[fault]
	if fault == adaptertest.AnswerGarbled && method != http.MethodPost {
		f = twin.Fault{Kind: twin.FaultReplace, Body: "<html>" + text}
	}
	f.Method = method
	return f
}
