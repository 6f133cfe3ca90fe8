// Package pallycontest holds the harness with which the conformance suite tests the adapter to
// PallyCon, over its twin.
package pallycontest

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/adaptertest"
	"github.com/drmhub/drmhub/adapters/pallycon"
	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/twin"
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
	adapter, err := pallycon.New(vendor, config, twin.Transport(vendorSide))
	if err != nil {
		t.Fatal(err)
	}
	h := adaptertest.Harness{
		Adapter:   adapter,
		Vendor:    vendor,
		Secrets:   []secret.Text{config.ServiceAPIKey},
		FailReads: failReads(vendorSide.Faults()),
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
			Fail:  failWrites(vendorSide.Faults()),
		},
	}
	return withReports(withAccount(h, vendorSide), vendorSide)
}

// Config returns a configuration for a twin with the default account. No network has its host.
func Config() pallycon.Config {
	c := pallycon.NewConfig()
	c.BaseURL = "http://pallycon.invalid"
	c.AccountID, c.AccountSeq = emulator.DefaultAccountID, emulator.DefaultAccountSeq
	c.ServiceAPIKey = secret.New(emulator.DefaultServiceAPIKey)
	return *c
}

// text is a failure's body, which repeats the key and holds a control character.
const text = "no,\x1b[31m not with " + emulator.DefaultServiceAPIKey

// refusal is a failure inside HTTP 200 with an error_code that is in no document.
const refusal = `{"error_code":"4711","error_message":"no,\u001b[31m not with ` + emulator.DefaultServiceAPIKey + `"}`

var readFaults = map[adaptertest.Fault]twin.Fault{
	adaptertest.Down: {Kind: twin.FaultAnswer, Status: http.StatusInternalServerError, Body: text},
	adaptertest.Throttled: {
		Kind: twin.FaultAnswer, Status: http.StatusTooManyRequests, Body: text,
		Header: map[string]string{"Retry-After": strconv.Itoa(int(adaptertest.RetryAfter.Seconds()))},
	},
	adaptertest.ThrottledSilently:   {Kind: twin.FaultAnswer, Status: http.StatusTooManyRequests, Body: text},
	adaptertest.CredentialsRejected: {Kind: twin.FaultAnswer, Status: http.StatusUnauthorized, Body: text},
	adaptertest.PermissionDenied:    {Kind: twin.FaultAnswer, Status: http.StatusForbidden, Body: text},
	adaptertest.Rejected:            {Kind: twin.FaultAnswer, Body: refusal},
	adaptertest.Garbage:             {Kind: twin.FaultAnswer, Body: text},
	adaptertest.Stalled:             {Kind: twin.FaultDelay, Delay: time.Hour},
}

// failReads orders a fault for all reads, which are GETs. It replaces the fault before.
func failReads(faults *twin.Faults) func(adaptertest.Fault) {
	return func(fault adaptertest.Fault) {
		for _, o := range faults.List() {
			if o.Method == http.MethodGet {
				faults.Remove(o.ID)
			}
		}
		if f, ok := readFaults[fault]; ok {
			f.Method = http.MethodGet
			faults.Add(f)
		}
	}
}
