// Package ncptest holds the harness with which the conformance suite tests the adapter to NAVER
// Cloud's One Click Multi DRM, over its twin.
package ncptest

import (
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/adaptertest"
	"github.com/drmhub/drmhub/adapters/ncp"
	"github.com/drmhub/drmhub/adapters/ncp/emulator"
	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// vendor is the id of the vendor account: one whose names need an escape.
const vendor = "ncp/kr"

// Harness is an adapter to a twin that holds nothing, without a socket between them.
func Harness(t *testing.T) adaptertest.Harness {
	return HarnessOf(t, emulator.Assumptions{}, Config())
}

// HarnessOf is Harness with another reading of what the API pages leave open, on both sides.
func HarnessOf(t *testing.T, assumed emulator.Assumptions, config ncp.Config) adaptertest.Harness {
	t.Helper()
	vendorSide := emulator.New(emulator.Options{Assumptions: assumed})
	vendorSide.PutPolicies(emulator.Policy{PolicyID: 7, PolicyName: "RENTAL"}, emulator.Policy{PolicyID: 1, PolicyName: "OFFLINE"})
	adapter, err := ncp.New(vendor, config, twin.Transport(vendorSide))
	if err != nil {
		t.Fatal(err)
	}
	words := vendorWords{assumed}
	return adaptertest.Harness{
		Adapter:   adapter,
		Vendor:    vendor,
		Secrets:   []secret.Text{config.AccessKey, config.SecretKey},
		FailReads: failReads(vendorSide),
		Sites: &adaptertest.Resource[*pb.Site]{Put: func(sites ...*pb.Site) {
			for _, s := range sites {
				vendorSide.PutSites(words.site(s))
			}
		}, Show: words.showSite},
		SiteUpdates: map[string][]string{"display_name": {"Kids_TV", "Night_Shift"}, "policy_id": {"7", "1"}},
		Licenses: &adaptertest.Licenses{Put: func(siteID string, rows ...*pb.License) {
			var arriving []emulator.License
			for _, r := range rows {
				arriving = append(arriving, vendorLicense(r))
			}
			vendorSide.PutLicenses(siteID, arriving...)
		}, Show: words.showLicense},
		// the vendor tells the current figures alone
		ShowUsage: func(*pb.Usage) *pb.Usage { return nil },
		Writes: &adaptertest.Writes{
			Count: func() int { return writes(vendorSide.Ledger()) },
			Fail:  failWrites(vendorSide),
		},
	}
}

// Config is a configuration for a twin that was given no account of its own. Its host is none that
// could be reached over a network.
func Config() ncp.Config {
	c := ncp.NewConfig()
	c.BaseURL = "http://ncp.invalid"
	c.AccessKey, c.SecretKey = secret.New(emulator.DefaultAccessKey), secret.New(emulator.DefaultSecretKey)
	return *c
}

// text is what a vendor might say with any failure: it repeats both keys, and holds a control
// character.
const text = "no,\x1b[31m not with " + emulator.DefaultAccessKey + " and " + emulator.DefaultSecretKey

// unheardOf is a refusal with a code that nobody knows.
var unheardOf = emulator.ServiceError{Code: "4711", Name: "UNHEARD_OF", Message: text}

// readFault is how the vendor says that it fails.
func readFault(vendorSide *emulator.Emulator, fault adaptertest.Fault) (twin.Fault, bool) {
	gateway := func(g emulator.GatewayError) (twin.Fault, bool) {
		g.Details = text
		return vendorSide.GatewayFault(g), true
	}
	switch fault {
	case adaptertest.Down:
		return gateway(emulator.UnexpectedError)
	case adaptertest.Throttled:
		f, _ := gateway(emulator.Throttled)
		if f.Header == nil {
			f.Header = map[string]string{}
		}
		f.Header["Retry-After"] = strconv.Itoa(int(adaptertest.RetryAfter.Seconds()))
		return f, true
	case adaptertest.ThrottledSilently:
		return gateway(emulator.QuotaExceeded)
	case adaptertest.CredentialsRejected:
		return gateway(emulator.AuthenticationFailed)
	case adaptertest.PermissionDenied:
		return gateway(emulator.PermissionDenied)
	case adaptertest.Rejected:
		return vendorSide.ServiceFault(unheardOf), true
	case adaptertest.Garbage:
		return twin.Fault{Kind: twin.FaultAnswer, Body: text}, true
	case adaptertest.Stalled:
		return twin.Fault{Kind: twin.FaultDelay, Delay: time.Hour}, true
	}
	return twin.Fault{}, false
}

// failReads orders one fault for all reads, which are the vendor's GETs, in place of the one
// before.
func failReads(vendorSide *emulator.Emulator) func(adaptertest.Fault) {
	return func(fault adaptertest.Fault) {
		for _, o := range vendorSide.Faults().List() {
			if o.Method == http.MethodGet {
				vendorSide.Faults().Remove(o.ID)
			}
		}
		if f, ok := readFault(vendorSide, fault); ok {
			f.Method = http.MethodGet
			vendorSide.Faults().Add(f)
		}
	}
}

// failWrites orders a fault for the next writes, which are the vendor's POSTs and PUTs: each of
// these methods is used up by itself, and a call of the suite's makes no more than one write.
func failWrites(vendorSide *emulator.Emulator) func(adaptertest.WriteFault, int) {
	faults := map[adaptertest.WriteFault]twin.Fault{
		adaptertest.AnswerLost:      {Kind: twin.FaultLoseAnswer},
		adaptertest.AnswerGarbled:   {Kind: twin.FaultMalformed},
		adaptertest.CutBeforeEffect: {Kind: twin.FaultCut},
		adaptertest.Refused:         vendorSide.ServiceFault(unheardOf),
	}
	return func(fault adaptertest.WriteFault, n int) {
		for _, method := range []string{http.MethodPost, http.MethodPut} {
			f := faults[fault]
			f.Method, f.Times = method, n
			vendorSide.Faults().Add(f)
		}
	}
}

// effects are the kinds of effects that a call of the adapter has, and nobody at the vendor.
var effects = []string{emulator.EffectSiteCreated, emulator.EffectSiteUpdated, emulator.EffectSiteEnabled, emulator.EffectSiteDisabled}

// writes is how many changes the twin has made.
func writes(ledger *twin.Ledger) int {
	n := 0
	for _, e := range ledger.Effects() {
		if slices.Contains(effects, e.Kind) {
			n++
		}
	}
	return n
}
