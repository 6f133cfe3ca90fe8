package emulator_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
	"github.com/drmhub/drmhub/adapters/twin/twintest"
)

func TestMistakesInSeedingPanic(t *testing.T) {
	e := demo(emulator.Options{})
	for name, put := range map[string]func(){
		"licenses of an unknown site":  func() { e.PutLicenses("NONE", emulator.License{}) },
		"a license of unknown status":  func() { e.PutLicenses("DEMO", emulator.License{Status: "SUCCESS"}) },
		"an order of unknown status":   func() { e.PutSiteOrders(emulator.SiteOrder{Status: "request"}) },
		"a member of an unknown group": func() { e.PutMembers(emulator.Member{GroupSeq: 1002}) },
		"a member of unknown status":   func() { e.PutMembers(emulator.Member{StatusCode: "active"}) },
	} {
		twintest.WantPanic(t, name, "", put)
	}
	if len(e.Licenses("NONE")) != 0 || len(e.Packagings("NONE")) != 0 || e.FairPlayCertificate("NONE") != nil {
		t.Error("a site that does not exist holds something")
	}
}

func TestEndlessAnswerLooksLikeTheVendors(t *testing.T) {
	e := demo(emulator.Options{})
	const head = 7 // { "error_code" "0000" "count" 2147483647 "data" [
	twintest.EndlessRows(t, e, e.Faults(), head, func(row map[string]string) bool { return row["reg_time"] != "" })
}

func TestSiteIDsAreNewAndReproducible(t *testing.T) {
	issue := func(seed uint64, taken ...string) (ids []string) {
		e := emulator.New(emulator.Options{Seed: seed})
		for _, id := range taken {
			e.PutSites(emulator.Site{SiteID: id})
		}
		for seq := range 20 {
			e.PutSiteOrders(emulator.SiteOrder{Seq: seq + 1, ServiceName: "x"})
			o, err := e.ApproveOrder(seq + 1)
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, o.SiteID)
		}
		return ids
	}
	ids := issue(1)
	if again := issue(1); !slices.Equal(ids, again) || slices.Equal(ids, issue(2)) {
		t.Errorf("%v and again %v", ids, again)
	}
	if others := issue(1, ids[0], ids[5]); others[0] != ids[1] || slices.Contains(others, ids[5]) {
		t.Errorf("%v were issued though %s and %s are taken", others, ids[0], ids[5])
	}
}

func TestEverySiteHasAnIntegrationFromTheSeed(t *testing.T) {
	e := demo(emulator.Options{Seed: 3})
	i := e.Integration("DEMO")
	want := fmt.Sprintf(`{"site_id":"DEMO","site_key":%q,"access_key":%q,"license_callback_url":"",`+
		`"package_callback_url":"","kms_token":%q,"token_duration":600,"iv":%q}`,
		i.SiteKey, i.AccessKey, i.KMSToken, i.IV)
	got := get(t, e, "/api/v2/drm/setting/DEMO", "api_code=UA003004100")
	if string(got.Data) != want || got.ErrorCode != "0000" || got.Count != nil {
		t.Errorf("got  %s\nwant %s", got.Text, want)
	}
	token, err := base64.StdEncoding.DecodeString(i.KMSToken)
	if err != nil || !strings.Contains(string(token), i.AccessKey) || !strings.Contains(string(token), "DEMO") {
		t.Errorf("kms_token %q holds %q, error %v, not site id and access key", i.KMSToken, token, err)
	}
	_, err = base64.StdEncoding.DecodeString(i.SiteKey)
	if err != nil || len(i.SiteKey) != 32 || len(i.AccessKey) != 32 || len(i.IV) != 16 {
		t.Errorf("%+v, error %v", i, err)
	}
	otherSite, otherSeed := e.Integration("TEST"), demo(emulator.Options{Seed: 4}).Integration("DEMO")
	if otherSite.SiteKey == i.SiteKey || otherSeed.SiteKey == i.SiteKey || otherSeed.AccessKey == i.AccessKey {
		t.Errorf("%+v\nof another site %+v\nfrom another seed %+v", i, otherSite, otherSeed)
	}
	if again := demo(emulator.Options{Seed: 3}).Integration("DEMO"); again != i {
		t.Errorf("%+v\nagain %+v", i, again)
	}
	e.PutSites(emulator.Site{SiteID: "DEMO", ServiceName: "Another name"})
	if e.Integration("DEMO") != i || e.Integration("NONE") != (emulator.Integration{}) {
		t.Error("a site that was renamed has new keys, or one that does not exist has some")
	}
}
