// Package ncptest holds the harness with which the conformance suite tests the adapter to NAVER
// Cloud's One Click Multi DRM, over its twin.
package ncptest

import (
	"maps"
	"net/http"
	"strconv"
	"testing"

	"github.com/drmhub/drmhub/adapters/adaptertest"
	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/ncp"
	"github.com/drmhub/drmhub/adapters/ncp/emulator"
	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// vendor is the id of the vendor account. It needs an escape in names.
const vendor = "ncp/kr"

// Harness returns an adapter to an empty twin, without a socket between them.
func Harness(t *testing.T) adaptertest.Harness {
	return HarnessOf(t, emulator.Assumptions{}, Config())
}

// HarnessOf returns a Harness with another reading of what the API pages leave open. The twin and
// the adapter have the same reading.
func HarnessOf(t *testing.T, assumed emulator.Assumptions, config ncp.Config) adaptertest.Harness {
	t.Helper()
	e := emulator.New(emulator.Options{Assumptions: assumed})
	e.PutPolicies(emulator.Policy{PolicyID: 7, PolicyName: "RENTAL"})
	e.PutPolicies(emulator.Policy{PolicyID: 1, PolicyName: "OFFLINE"})
	adapter, err := ncp.New(vendor, config, upstream.Connection{Transport: twin.Transport(e)})
	if err != nil {
		t.Fatal(err)
	}
	words := vendorWords{assumed}
	return adaptertest.Harness{
		Adapter:   adapter,
		Vendor:    vendor,
		Secrets:   []secret.Text{config.AccessKey, config.SecretKey},
		Faults:    e.Faults(),
		FailReads: failReads(e),
		Sites: &adaptertest.Resource[*pb.Site]{Put: func(sites ...*pb.Site) {
			for _, s := range sites {
				e.PutSites(words.site(s))
			}
		}, Show: words.showSite},
		SiteUpdates: map[string][]string{"display_name": {"Kids_TV", "Night_Shift"}, "policy_id": {"7", "1"}},
		Licenses: &adaptertest.Licenses{Put: func(siteID string, rows ...*pb.License) {
			for _, r := range rows {
				e.PutLicenses(siteID, vendorLicense(r))
			}
		}, Show: words.showLicense},
		ShowUsage: func(*pb.Usage) *pb.Usage { return nil }, // The vendor shows the current figures only.
		Writes: &adaptertest.Writes{
			Count: func() int { return writes(e.Ledger()) },
			Fail:  wiretest.FailWrites(e.Faults(), e.ServiceFault(unheardOf), http.MethodPost, http.MethodPut),
		},
	}
}

// Config returns a configuration for a twin with the default account. Its host cannot be reached
// over a network.
func Config() ncp.Config {
	c := ncp.NewConfig()
	c.BaseURL = "http://ncp.invalid"
	c.AccessKey, c.SecretKey = secret.New(emulator.DefaultAccessKey), secret.New(emulator.DefaultSecretKey)
	return *c
}

// text is what the vendor says with any failure: it repeats both keys, and has a control character.
const text = "no,\x1b[31m not with " + emulator.DefaultAccessKey + " and " + emulator.DefaultSecretKey

// unheardOf is a refusal with a code that drmhub does not know.
var unheardOf = emulator.ServiceError{Code: "4711", Name: "UNHEARD_OF", Message: text}

// failReads returns the FailReads of the harness.
func failReads(e *emulator.Emulator) func(adaptertest.Fault) {
	gateway := func(g emulator.GatewayError, header map[string]string) twin.Fault {
		g.Details = text
		f := e.GatewayFault(g)
		maps.Copy(f.Header, header)
		return f
	}
	pause := map[string]string{"Retry-After": strconv.Itoa(int(adaptertest.RetryAfter.Seconds()))}
	return wiretest.FailReads(e.Faults(), text, map[adaptertest.Fault]twin.Fault{
		adaptertest.Down:                gateway(emulator.UnexpectedError, nil),
		adaptertest.Throttled:           gateway(emulator.Throttled, pause),
		adaptertest.ThrottledSilently:   gateway(emulator.QuotaExceeded, nil),
		adaptertest.CredentialsRejected: gateway(emulator.AuthenticationFailed, nil),
		adaptertest.PermissionDenied:    gateway(emulator.PermissionDenied, nil),
		adaptertest.Rejected:            e.ServiceFault(unheardOf),
	})
}

// writes returns how many changes the twin has made because of a call.
func writes(ledger *twin.Ledger) int {
	n := 0
	for _, effect := range ledger.Effects() {
		if effect.Kind != emulator.EffectSiteFinished { // The vendor finishes a site by itself.
			n++
		}
	}
	return n
}
