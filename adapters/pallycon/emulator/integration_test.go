package emulator_test

import (
	"encoding/base64"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
)

const (
	settingPath = "/api/v2/drm/setting/"
	codeSetting = "UA003004100"
)

func setting(t *testing.T, e *emulator.Emulator, site string) reply {
	t.Helper()
	return get(t, e, settingPath+site, "api_code="+codeSetting)
}

func update(t *testing.T, e *emulator.Emulator, site string, parameters map[string]string) reply {
	t.Helper()
	given := maps.Clone(parameters)
	given["api_code"] = codeSetting
	return send(t, e, "PUT", settingPath+site, given)
}

func TestEverySiteHasAnIntegrationFromTheSeed(t *testing.T) {
	e := demo(emulator.Options{Seed: 3})
	i := e.Integration("DEMO")
	want := fmt.Sprintf(`{"site_id":"DEMO","site_key":%q,"access_key":%q,"license_callback_url":"","package_callback_url":"",`+
		`"kms_token":%q,"token_duration":600,"iv":%q}`, i.SiteKey, i.AccessKey, i.KMSToken, i.IV)
	if got := setting(t, e, "DEMO"); string(got.Data) != want || got.ErrorCode != "0000" || got.Count != nil {
		t.Errorf("got  %s\nwant %s", got.Text, want)
	}
	token, err := base64.StdEncoding.DecodeString(i.KMSToken)
	if err != nil || !strings.Contains(string(token), i.AccessKey) || !strings.Contains(string(token), "DEMO") {
		t.Errorf("kms_token %q holds %q, error %v, not site id and access key", i.KMSToken, token, err)
	}
	if _, err := base64.StdEncoding.DecodeString(i.SiteKey); err != nil || len(i.SiteKey) != 32 || len(i.AccessKey) != 32 || len(i.IV) != 16 {
		t.Errorf("%+v, error %v", i, err)
	}
	again, otherSite, otherSeed := demo(emulator.Options{Seed: 3}).Integration("DEMO"), e.Integration("TEST"), demo(emulator.Options{Seed: 4}).Integration("DEMO")
	if again != i || otherSite.SiteKey == i.SiteKey || otherSeed.SiteKey == i.SiteKey || otherSeed.AccessKey == i.AccessKey {
		t.Errorf("%+v\nagain %+v\nof another site %+v\nfrom another seed %+v", i, again, otherSite, otherSeed)
	}
	e.PutSites(emulator.Site{SiteID: "DEMO", ServiceName: "Another name"})
	if e.Integration("DEMO") != i {
		t.Error("a site that was renamed has new keys")
	}
	if (e.Integration("NONE") != emulator.Integration{}) || setting(t, e, "NONE").ErrorCode != "1003" {
		t.Error("a site that does not exist has an integration")
	}
	e.PutIntegration("DEMO", emulator.Integration{SiteKey: "k", TokenDuration: 1500 * time.Millisecond})
	if got := setting(t, e, "DEMO"); string(got.Data) != `{"site_id":"DEMO","site_key":"k","access_key":"","license_callback_url":"","package_callback_url":"","kms_token":"","token_duration":1,"iv":""}` {
		t.Errorf("%s", got.Text)
	}
}

func TestIntegrationIsUpdated(t *testing.T) {
	e := demo(emulator.Options{})
	want := e.Integration("DEMO")
	const done = `{"_links":{"self":{"href":"http://service.pallycon.com/api/v2/drm/setting/DEMO"}},"error_code":"0000"}`
	step := func(parameters map[string]string) {
		t.Helper()
		if got := update(t, e, "DEMO", parameters); strings.TrimSpace(got.Text) != done {
			t.Errorf("%v: %s, want the default response", parameters, got.Text)
		}
		if got := e.Integration("DEMO"); got != want {
			t.Errorf("%v: %+v, want %+v", parameters, got, want)
		}
	}
	want.LicenseCallbackURL = "https://acme.example/license?a=b"
	step(map[string]string{"license_callback_url": "https://acme.example/license?a=b"})
	want.PackageCallbackURL, want.TokenDuration = "http://acme.example:8080/pack", time.Hour
	step(map[string]string{"package_callback_url": "http://acme.example:8080/pack", "token_duration": "3600"})
	want.LicenseCallbackURL = ""
	step(map[string]string{"license_callback_url": ""}) // given empty: cleared
	step(map[string]string{})

	want.TokenDuration = time.Minute
	got := do(t, e, request(t, "PUT", settingPath+"DEMO", "application/json", `{"api_code":"UA003004100","token_duration":60}`))
	if got.ErrorCode != "0000" || e.Integration("DEMO") != want {
		t.Errorf("a number in JSON: %s, %+v", got.Text, e.Integration("DEMO"))
	}
	effects := ""
	for _, f := range e.Ledger().Effects() {
		effects += fmt.Sprintln(f.Kind, f.Key, f.Details)
	}
	if want := "integrationUpdated DEMO map[license_callback_url:https://acme.example/license?a=b]\n" +
		"integrationUpdated DEMO map[package_callback_url:http://acme.example:8080/pack token_duration:3600]\n" +
		"integrationUpdated DEMO map[license_callback_url:]\nintegrationUpdated DEMO map[]\n" +
		"integrationUpdated DEMO map[token_duration:60]\n"; effects != want {
		t.Errorf("effects\n%swant\n%s", effects, want)
	}
}

func TestIntegrationUpdatesAreRefused(t *testing.T) {
	e := demo(emulator.Options{})
	before := e.Integration("DEMO")
	for name, test := range map[string]struct {
		site       string
		parameters map[string]string
		code       string
	}{
		"unknown site":         {"NONE", map[string]string{"token_duration": "60"}, "1003"},
		"URL without a scheme": {"DEMO", map[string]string{"license_callback_url": "acme.example/license"}, "9002"},
		"URL of a file":        {"DEMO", map[string]string{"package_callback_url": "file:///etc"}, "9002"},
		"URL without a host":   {"DEMO", map[string]string{"package_callback_url": "https:///pack"}, "9002"},
		"no time at all":       {"DEMO", map[string]string{"token_duration": "0"}, "9002"},
		"time with a unit":     {"DEMO", map[string]string{"token_duration": "60s"}, "9002"},
		"a new key":            {"DEMO", map[string]string{"site_key": "x"}, "9003"},
		"one good, one bad":    {"DEMO", map[string]string{"license_callback_url": "https://acme.example", "token_duration": "-1"}, "9002"},
	} {
		if got := update(t, e, test.site, test.parameters); got.Status != 200 || got.ErrorCode != test.code || got.Data != nil {
			t.Errorf("%s: %d %s, want code %s", name, got.Status, got.Text, test.code)
		}
	}
	if n := len(e.Ledger().Effects()); n != 0 || e.Integration("DEMO") != before {
		t.Errorf("%d effects of refused requests, and %+v", n, e.Integration("DEMO"))
	}
}
