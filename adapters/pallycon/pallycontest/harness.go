// Package pallycontest holds the harness with which the conformance suite tests the adapter to
// PallyCon, over its twin.
package pallycontest

import (
	"net/http"
	"testing"

	"github.com/drmhub/drmhub/adapters/adaptertest"
	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/pallycon"
	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// vendor is the id of the vendor account. Its names need an escape.
const vendor = "pallycon/kr"

// Harness returns a harness with an empty twin, without a socket between it and the adapter.
func Harness(t *testing.T) adaptertest.Harness {
	return HarnessOf(t, emulator.Assumptions{}, Config())
}

// HarnessOf is Harness with another reading of the guide, in the twin and in the adapter.
func HarnessOf(t *testing.T, assumed emulator.Assumptions, config pallycon.Config) adaptertest.Harness {
	t.Helper()
	assumed.PackagingPage = packagingPage
	vendorSide := emulator.New(emulator.Options{Assumptions: assumed})
	adapter, err := pallycon.New(vendor, config, upstream.Connection{Transport: twin.Transport(vendorSide)})
	if err != nil {
		t.Fatal(err)
	}
	refused := twin.Fault{Kind: twin.FaultAnswer, Body: refusal}
	h := adaptertest.Harness{
		Adapter: adapter,
		Vendor:  vendor,
		Secrets: []secret.Text{config.ServiceAPIKey},
		Faults:  vendorSide.Faults(),
		FailReads: wiretest.FailReads(vendorSide.Faults(), emulator.DefaultServiceAPIKey,
			map[adaptertest.Fault]twin.Fault{adaptertest.Rejected: refused}),
		Sites: &adaptertest.Resource[*pb.Site]{Put: func(sites ...*pb.Site) {
			for _, s := range sites {
				vendorSide.PutSites(vendorSite(s))
			}
		}, Show: showSite},
		Licenses: &adaptertest.Licenses{Put: func(siteID string, rows ...*pb.License) {
			var arriving []emulator.License
			for _, r := range rows {
				arriving = append(arriving, vendorLicense(r))
			}
			vendorSide.PutLicenses(siteID, arriving...)
		}, Show: showLicense},
		Writes: &adaptertest.Writes{
			Count: func() int { return writes(vendorSide.Ledger()) },
			Fail:  wiretest.FailWrites(vendorSide.Faults(), refused, http.MethodPost, http.MethodPut),
		},
	}
	return withReports(withAccount(h, vendorSide), vendorSide)
}

// Config returns a configuration for a twin with the default account. No network has its host.
func Config() pallycon.Config {
	c := pallycon.NewConfig()
	c.BaseURL, c.LicenseBaseURL = "http://pallycon.invalid", "http://license.pallycon.invalid"
	c.AccountID, c.AccountSeq = emulator.DefaultAccountID, emulator.DefaultAccountSeq
	c.ServiceAPIKey = secret.New(emulator.DefaultServiceAPIKey)
	return *c
}

// refusal is a failure inside HTTP 200 with an error_code that is in no document.
const refusal = `{"error_code":"4711","error_message":"no,\u001b[31m not with ` + emulator.DefaultServiceAPIKey + `"}`
