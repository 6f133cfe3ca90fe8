package emulator_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/ncp/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/adapters/twin/twintest"
)

// TestDisableSiteExample is the example of the page "Disable site".
func TestDisableSiteExample(t *testing.T) {
	const id = "drm-20231101082316-dJDGa"
	updated := time.UnixMilli(1696817889000)
	e := emulator.New(emulator.Options{Clock: twin.FrozenClock(updated)})
	e.PutSites(emulator.Site{SiteID: id, SiteName: "myDrmTest", Enabled: true})
	got := do(t, e, requestAt(t, updated, "PUT", "/api/v1/sites/"+id+"/off", ""))
	const example = `{
  "success": true,
  "content": {
    "siteId": "drm-20231101082316-dJDGa",
    "siteName": "myDrmTest",
    "siteStatus": "READY",
    "siteEnabledYn": true,
    "policyId": 0,
    "fairPlayCert": {},
    "statistics": {
      "siteMontlyActiveUser": 0,
      "siteMontlyActiveDevice": 0,
      "siteMontlyActiveLicense": 0
    },
    "siteUpdated": 1696817889000
  }
}`
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(example)); err != nil {
		t.Fatal(err)
	}
	if got.Status != http.StatusOK || got.Text != compact.String() {
		t.Errorf("got  %s\nwant %s", got.Text, compact.String())
	}
	if e.Sites()[0].Enabled {
		t.Error("the site is still on")
	}
}

func TestSwitchingASite(t *testing.T) {
	e := newDemo(emulator.Assumptions{})
	state := func() string {
		site := get(t, e, "/api/v1/sites/"+demo).site(t)
		enabled, _ := site["siteEnabledYn"].(bool)
		return site["siteStatus"].(string) + map[bool]string{true: " on", false: " off"}[enabled]
	}
	want := func(when, want string) {
		t.Helper()
		if got := state(); got != want {
			t.Errorf("%s: %s, want %s", when, got, want)
		}
	}
	want("at first", "RUNNING on")
	wantFailure(t, put(t, e, "/api/v1/sites/"+demo+"/on", ""), 400, "281006", "not disabled")
	put(t, e, "/api/v1/sites/"+demo+"/off", "").site(t)
	want("switched off", "READY off")
	wantFailure(t, put(t, e, "/api/v1/sites/"+demo+"/off", ""), 400, "281005", "not enabled")
	want("switched off twice", "READY off")
	if answer := put(t, e, "/api/v1/sites/"+demo+"/on", "{}").site(t); answer["siteEnabledYn"] != true {
		t.Errorf("%v", answer)
	}
	want("switched on", "RUNNING on")
	wantFailure(t, put(t, e, "/api/v1/sites/none/on", ""), 404, "281003", "none")
	wantFailure(t, put(t, e, "/api/v1/sites/none/off", ""), 404, "281003", "none")

	var kinds []string
	for _, effect := range e.Ledger().Effects() {
		if effect.Key != demo || effect.Request == 0 {
			t.Errorf("%+v", effect)
		}
		kinds = append(kinds, effect.Kind)
	}
	if strings.Join(kinds, " ") != emulator.EffectSiteDisabled+" "+emulator.EffectSiteEnabled {
		t.Errorf("effects %q", kinds)
	}
}

func TestAnswersToSwitchingAreSettings(t *testing.T) {
	e := newDemo(emulator.Assumptions{TrueOffAnswer: true, ReadyWhenOn: true})
	if got := get(t, e, "/api/v1/sites/"+demo).site(t); got["siteStatus"] != "READY" || got["siteEnabledYn"] != true {
		t.Errorf("on: %v", got)
	}
	if got := put(t, e, "/api/v1/sites/"+demo+"/off", "").site(t); got["siteEnabledYn"] != false {
		t.Errorf("off: %v", got)
	}
	if got := put(t, e, "/api/v1/sites/"+demo+"/on", "").site(t); got["siteStatus"] != "READY" || got["siteEnabledYn"] != true {
		t.Errorf("on again: %v", got)
	}
}

func TestOffStopsLicensesAndKeepsTheirHistory(t *testing.T) {
	e := newDemo(emulator.Assumptions{})
	l := emulator.License{ContentID: "a", DRMType: "Widevine", UserID: "u", DeviceID: "d"}
	if err := e.Issue(demo, l); err != nil {
		t.Fatal(err)
	}
	put(t, e, "/api/v1/sites/"+demo+"/off", "")
	if err := e.Issue(demo, l); err == nil || !strings.Contains(err.Error(), "not enabled") {
		t.Errorf("off: %v", err)
	}
	if got := licenses(t, e, ""); got.total() != 1 || got.rows(t, "licenseCreatedTime") != "20231123120000" {
		t.Errorf("history: %s", got.Text)
	}
	put(t, e, "/api/v1/sites/"+demo+"/on", "")
	if err := e.Issue(demo, l); err != nil || licenses(t, e, "").total() != 2 {
		t.Errorf("on again: %v", err)
	}
	if e.Issue("none", l) == nil || e.Issue(demo, emulator.License{LicenseStatus: "SUCCESS"}) == nil {
		t.Error("a license of no site or no status was issued")
	}
}

func TestCreatingASite(t *testing.T) {
	clock := twin.FrozenClock(noon)
	e := emulator.New(emulator.Options{Clock: clock})
	e.PutPolicies(emulator.Policy{PolicyID: 3, PolicyName: "three"})
	created := do(t, e, request(t, "POST", "/api/v1/sites", `{"siteName":"brand_new","policyId":3}`)).site(t)
	id, _ := created["siteId"].(string)
	if !regexp.MustCompile(`^drm-20231123120000-[A-Za-z]{5}$`).MatchString(id) {
		t.Errorf("id %q", id)
	}
	for key, want := range map[string]any{
		"siteStatus": "CREATING", "siteEnabledYn": false, "siteName": "brand_new", "policyId": 3.0,
	} {
		if created[key] != want {
			t.Errorf("%s is %v, want %v", key, created[key], want)
		}
	}
	path := "/api/v1/sites/" + id
	wantFailure(t, put(t, e, path+"/on", ""), 400, "281004", "CREATING")
	wantFailure(t, put(t, e, path+"/off", ""), 400, "281004", "CREATING")
	wantFailure(t, put(t, e, path, `{"siteName":"renamed","policyId":0}`), 400, "281007", "CREATING")

	clock.Advance(emulator.DefaultCreationDelay - time.Millisecond)
	if got := get(t, e, path).site(t); got["siteStatus"] != "CREATING" {
		t.Errorf("too early: %v", got)
	}
	clock.Advance(time.Millisecond)
	got := get(t, e, path).site(t)
	if got["siteStatus"] != "READY" || got["siteEnabledYn"] != false || e.Sites()[0].Status != "READY" {
		t.Errorf("in the end: %v", got)
	}
	if got := put(t, e, path+"/on", "").site(t); got["siteStatus"] != "RUNNING" {
		t.Errorf("switched on: %v", got)
	}
	other := do(t, e, request(t, "POST", "/api/v1/sites", `{"siteName":"brand_new","policyId":3}`)).site(t)
	if other["siteId"] == id {
		t.Error("two sites have one id")
	}
}

func TestCreationCanBeFinishedAtOnce(t *testing.T) {
	options := frozen()
	options.Assumptions.CreationDelay = 24 * time.Hour
	e := emulator.New(options)
	do(t, e, request(t, "POST", "/api/v1/sites", `{"siteName":"brand_new","policyId":0}`)).site(t)
	id := e.Sites()[0].SiteID
	if got := twintest.Admin(t, e, "POST", "finish", `{"siteId":"`+id+`"}`); got.Status != http.StatusOK {
		t.Errorf("%d %s", got.Status, got.Text)
	}
	if e.Sites()[0].Status != "READY" {
		t.Errorf("%+v", e.Sites()[0])
	}
	for body, want := range map[string]int{
		`{"siteId":"` + id + `"}`: http.StatusConflict, // again
		`{"siteId":"none"}`:       http.StatusConflict,
		`{"site":"none"}`:         http.StatusBadRequest,
	} {
		if got := twintest.Admin(t, e, "POST", "finish", body); got.Status != want {
			t.Errorf("%s: %d %s", body, got.Status, got.Text)
		}
	}
}

func TestIssuingOverTheAdminPath(t *testing.T) {
	e := newDemo(emulator.Assumptions{})
	for body, want := range map[string]int{
		`{"siteId":"` + demo + `","contentId":"c","licenseStatus":"fail","drmType":"FairPlay",` +
			`"userId":"u","deviceId":"d","deviceModel":"m","platformName":"p"}`: http.StatusNoContent,
		`{"siteId":"none"}`: http.StatusConflict,
		`{"cid":"none"}`:    http.StatusBadRequest,
	} {
		if got := twintest.Admin(t, e, "POST", "issue", body); got.Status != want {
			t.Errorf("%s: %d %s", body, got.Status, got.Text)
		}
	}
	want := emulator.License{
		ContentID: "c", LicenseStatus: "fail", DRMType: "FairPlay", UserID: "u", UserIDMD5: emulator.HashUserID("u"),
		DeviceID: "d", DeviceModel: "m", PlatformName: "p", CreatedTime: noon,
	}
	if got := e.Licenses(demo); len(got) != 1 || got[0] != want {
		t.Errorf("%+v", got)
	}
}

func TestUpdatingASite(t *testing.T) {
	clock := twin.FrozenClock(noon)
	e := emulator.New(emulator.Options{Clock: clock})
	e.PutPolicies(emulator.Policy{PolicyID: 3})
	cert := emulator.FairPlayCert{
		CertFile: "https://a.example/b.cer", PrivateKey: "http://a.example/k.PEM?v=1", SecretKey: "ask",
	}
	e.PutSites(emulator.Site{SiteID: demo, SiteName: "before", Enabled: true, FairPlayCert: cert})
	clock.Advance(time.Minute)
	for _, body := range []string{
		`{"siteName":"after_1","policyId":3}`,
		`{"siteName":"after_1","policyId":3,"fairPlayCert":{}}`,
		`{"siteName":"after_1","policyId":3,"fairPlayCert":null}`,
	} {
		put(t, e, "/api/v1/sites/"+demo, body).site(t)
		got := e.Sites()[0]
		if got.SiteName != "after_1" || got.PolicyID != 3 || got.FairPlayCert != cert || !got.Enabled || got.Status != "RUNNING" ||
			!got.UpdatedTime.Equal(noon.Add(time.Minute)) || !got.CreatedTime.Equal(noon) {
			t.Errorf("after %s: %+v", body, got)
		}
	}
	put(t, e, "/api/v1/sites/"+demo, `{"siteName":"abc","policyId":0,`+
		`"fairPlayCert":{"certFile":"https://a.example/b.DER",`+
		`"privateKey":"https://a.example/k.pem","privateEncryptedString":"pw","secretKey":"new"}}`).site(t)
	if got := e.Sites()[0].FairPlayCert; got.SecretKey != "new" || got.PrivateEncryptedString != "pw" {
		t.Errorf("%+v", got)
	}
	wantFailure(t, put(t, e, "/api/v1/sites/none", `{"siteName":"abc","policyId":0}`), 404, "281003", "none")
	e.PutSites(emulator.Site{SiteID: demo, Status: "DELETED"})
	wantFailure(t, put(t, e, "/api/v1/sites/"+demo, `{"siteName":"abc","policyId":0}`), 400, "281007", "DELETED")
	wantFailure(t, put(t, e, "/api/v1/sites/"+demo+"/on", ""), 400, "281004", "DELETED")
}

func TestBodiesAreRefused(t *testing.T) {
	const (
		cert = `{"siteName":"abc","policyId":0,"fairPlayCert":`
		cer  = `"certFile":"https://a.example/b.cer"`
		pem  = `"privateKey":"https://a.example/b.pem"`
	)
	tests := map[string]struct{ body, code, message string }{
		"none":                  {``, "280001", ""},
		"malformed":             {`{"siteName":`, "280001", ""},
		"no object":             {`["abc"]`, "280001", ""},
		"null":                  {`null`, "280001", ""},
		"two objects":           {`{"siteName":"abc","policyId":0}{}`, "280001", ""},
		"no name":               {`{"policyId":0}`, "280003", "missing field siteName"},
		"name is null":          {`{"siteName":null,"policyId":0}`, "280003", "missing field siteName"},
		"name is a number":      {`{"siteName":123,"policyId":0}`, "280003", "invalid field siteName"},
		"name in another case":  {`{"SiteName":"abc","policyId":0}`, "280003", "unknown field"},
		"name is short":         {`{"siteName":"ab","policyId":0}`, "280003", "3 to 20"},
		"name is long":          {`{"siteName":"` + strings.Repeat("a", 21) + `","policyId":0}`, "280003", "3 to 20"},
		"name with a space":     {`{"siteName":"a b c","policyId":0}`, "280003", "3 to 20"},
		"name with a hyphen":    {`{"siteName":"a-b-c","policyId":0}`, "280003", "3 to 20"},
		"name with a line feed": {`{"siteName":"abc\n","policyId":0}`, "280003", "3 to 20"},
		"no policy":             {`{"siteName":"abc"}`, "280003", "missing field policyId"},
		"policy is text":        {`{"siteName":"abc","policyId":"0"}`, "280003", "invalid field policyId"},
		"policy is a fraction":  {`{"siteName":"abc","policyId":0.5}`, "280003", "invalid field policyId"},
		"policy unknown":        {`{"siteName":"abc","policyId":9}`, "280003", "policy 9 does not exist"},
		"unknown field":         {`{"siteName":"abc","policyId":0,"siteEnabledYn":true}`, "280003", `unknown field "siteEnabledYn"`},
		"cert is text":          {cert + `"x"}`, "280001", ""},
		"cert without key":      {cert + "{" + cer + `,"secretKey":"s"}}`, "2810011", "privateKey"},
		"cert without ask":      {cert + "{" + cer + `,` + pem + `}}`, "2810011", "secretKey"},
		"cert without file":     {cert + "{" + pem + `,"secretKey":"s"}}`, "2810011", "certFile"},
		"cert of another kind":  {cert + `{"certFile":"https://a.example/b.pem",` + pem + `,"secretKey":"s"}}`, "2810011", "certFile"},
		"key of another kind":   {cert + "{" + cer + `,"privateKey":"https://a.example/b.key","secretKey":"s"}}`, "2810011", "privateKey"},
		"cert is no address":    {cert + `{"certFile":"b.cer",` + pem + `,"secretKey":"s"}}`, "2810011", "certFile"},
		"ask is a number":       {cert + "{" + cer + `,` + pem + `,"secretKey":17}}`, "280003", "fairPlayCert.secretKey"},
		"cert with more":        {cert + `{"certificate":"x"}}`, "280003", `unknown field "certificate"`},
	}
	e := newDemo(emulator.Assumptions{})
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			wantFailure(t, do(t, e, request(t, "POST", "/api/v1/sites", test.body)), 400, test.code, test.message)
			wantFailure(t, put(t, e, "/api/v1/sites/"+demo, test.body), 400, test.code, test.message)
		})
	}
	if len(e.Sites()) != 2 || e.Sites()[0].SiteName != "demo" || len(e.Ledger().Effects()) != 0 {
		t.Errorf("what was refused took effect: %+v", e.Sites())
	}
}

func TestSiteLog(t *testing.T) {
	clock := twin.FrozenClock(noon)
	e := emulator.New(emulator.Options{Clock: clock, Assumptions: emulator.Assumptions{CreationDelay: time.Second}})
	site := do(t, e, request(t, "POST", "/api/v1/sites", `{"siteName":"logged","policyId":0}`)).site(t)
	id, _ := site["siteId"].(string)
	clock.Advance(time.Second)
	put(t, e, "/api/v1/sites/"+id+"/on", "").site(t)
	clock.Advance(time.Second)
	put(t, e, "/api/v1/sites/"+id+"/off", "").site(t)
	got := get(t, e, "/api/v1/sites/siteLog?pageSize=2&siteId="+id)
	wantJSON(t, got.Text, `{"success":true,"total":3,"content":[
		{"siteId":"`+id+`","description":"Site logged disabled.","timestamp":1700740802000},
		{"siteId":"`+id+`","description":"Site logged enabled.","timestamp":1700740801000}]}`)
	got = get(t, e, "/api/v1/sites/siteLog?pageSizeNo=2&pageNo=2&siteId="+id)
	wantJSON(t, string(got.Content),
		`[{"siteId":"`+id+`","description":"Site logged created.","timestamp":1700740800000}]`)
	wantFailure(t, get(t, e, "/api/v1/sites/siteLog?siteId=none"), 404, "281003", "none")
	e.PutSites(emulator.Site{SiteID: "siteLog"})
	wantFailure(t, get(t, e, "/api/v1/sites/siteLog"), 400, "280003", "missing parameter siteId")
}
