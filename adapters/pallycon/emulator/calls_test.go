package emulator_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/adapters/twin/twintest"
)

func TestSiteList(t *testing.T) {
	got := get(t, demo(emulator.Options{}), "/api/v2/account/siteId", "api_code="+codeSite)
	want := `{"_links":{"self":{"href":"http://service.pallycon.com/api/v2/account/siteId"}},"error_code":"0000","data":[` +
		`{"site_id":"DEMO","service_name":"Demo <site>","product_list":[{"service_code":"PD001","status_code":"SE000"},{"service_code":"PD002","status_code":"SE000"}]},` +
		`{"site_id":"TEST","service_name":"Test","product_list":[{"service_code":"PD001","status_code":"SE001"}]}],"count":2}`
	if strings.TrimSpace(got.Text) != want {
		t.Errorf("got  %s\nwant %s", got.Text, want)
	}
	empty := get(t, emulator.New(emulator.Options{}), "/api/v2/account/siteId", "api_code="+codeSite)
	if string(empty.Data) != "[]" || empty.count() != 0 {
		t.Errorf("without sites: %s", empty.Text)
	}
}

func TestSitesCanBeReplaced(t *testing.T) {
	e := demo(emulator.Options{})
	e.PutSites(emulator.Site{SiteID: "DEMO", ServiceName: "New name"})
	got := get(t, e, "/api/v2/account/siteId", "api_code="+codeSite)
	if names := got.rows(t, "service_name"); names != "New name Test" || !strings.Contains(got.Text, `"product_list":[]`) {
		t.Errorf("%s", got.Text)
	}
}

func TestRequestsThatAreNoCall(t *testing.T) {
	e := demo(emulator.Options{})
	for target, status := range map[string]int{
		"GET /api/v2/drm/licenses":                404,
		"GET /":                                   404,
		"GET /api/v2/plan/request/status":         404,
		"POST /api/v2/drm/license":                405,
		"DELETE /api/v2/plan/request/status/DEMO": 405,
	} {
		method, path, _ := strings.Cut(target, " ")
		if got := do(t, e, request(t, method, path+"?api_code="+codeDRM, "", "")); got.Status != status {
			t.Errorf("%s: %d, want %d", target, got.Status, status)
		}
	}
}

func TestParametersAreRefused(t *testing.T) {
	const license, status = "/api/v2/drm/license?api_code=" + codeDRM, "/api/v2/plan/request/status/DEMO?api_code=" + codeSite
	tests := map[string]struct{ target, code, message string }{
		"required one missing":         {license, "9001", "missing parameter site_id"},
		"required one empty":           {license + "&site_id=", "9001", "missing parameter site_id"},
		"unknown":                      {license + "&site_id=DEMO&page_size=10", "9003", "unknown parameter page_size"},
		"unknown of a call with none":  {"/api/v2/account/siteId?site_id=DEMO&api_code=" + codeSite, "9003", "unknown parameter site_id"},
		"twice":                        {license + "&site_id=DEMO&site_id=DEMO", "9002", "site_id is given 2 times"},
		"in the path and in the query": {status + "&service_code=PD001&site_id=DEMO", "9002", "site_id is given 2 times"},
		"unknown site":                 {license + "&site_id=NONE", "1003", `site "NONE" does not exist`},
		"site in another case":         {license + "&site_id=demo", "1003", `site "demo" does not exist`},
		"from is no day":               {license + "&site_id=DEMO&from=20200301", "9002", "invalid parameter from: 20200301"},
		"from never was":               {license + "&site_id=DEMO&from=2023-02-29", "9002", "invalid parameter from"},
		"to is an instant":             {license + "&site_id=DEMO&to=2020-03-01T00:00:00Z", "9002", "invalid parameter to"},
		"from after to":                {license + "&site_id=DEMO&from=2020-03-02&to=2020-03-01", "9002", "from is after to"},
		"search_status":                {license + "&site_id=DEMO&search_status=SUCCESS", "9002", "invalid parameter search_status"},
		"search_condition":             {license + "&site_id=DEMO&search_condition=platform_name&search_keyword=x", "9002", "invalid parameter search_condition"},
		"condition without keyword":    {license + "&site_id=DEMO&search_condition=cid", "9001", "missing parameter search_keyword"},
		"keyword without condition":    {license + "&site_id=DEMO&search_keyword=cid", "9001", "missing parameter search_condition"},
		"page_unit 0":                  {license + "&site_id=DEMO&page_unit=0", "9002", "invalid parameter page_unit: 0"},
		"page_unit 1001":               {license + "&site_id=DEMO&page_unit=1001", "9002", "invalid parameter page_unit"},
		"page_unit 01":                 {license + "&site_id=DEMO&page_unit=01", "9002", "invalid parameter page_unit"},
		"page_index 0":                 {license + "&site_id=DEMO&page_index=0", "9002", "the first page is 1"},
		"page_index -1":                {license + "&site_id=DEMO&page_index=-1", "9002", "invalid parameter page_index"},
		"bad escape":                   {license + "&site_id=%zz", "9002", "cannot be read"},
		"service_code":                 {status + "&service_code=PD003", "9002", "invalid parameter service_code"},
		"service that the site lacks":  {"/api/v2/plan/request/status/TEST?service_code=PD002&api_code=" + codeSite, "1101", `site "TEST" has no service PD002`},
	}
	e := demo(emulator.Options{})
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := do(t, e, request(t, "GET", test.target, "", ""))
			if got.Status != 200 || got.ErrorCode != test.code || !strings.Contains(got.ErrorMessage, test.message) {
				t.Errorf("%d %s, want code %s and %q", got.Status, got.Text, test.code, test.message)
			}
			if got.Data != nil || got.Count != nil {
				t.Errorf("a failure with data or count: %s", got.Text)
			}
		})
	}
}

func TestPostTakesParametersInEveryEncoding(t *testing.T) {
	const path = "/api/v2/plan/request/status/DEMO"
	parameters := map[string]string{"api_code": codeSite, "service_code": "PD001", "request_type": "SM002", "request_message": "a & b = ü"}
	asJSON, _ := json.Marshal(parameters)
	tests := map[emulator.Encoding]struct{ query, contentType, body string }{
		emulator.EncodingQuery: {"?" + form(parameters), "", ""},
		emulator.EncodingForm:  {"", "application/x-www-form-urlencoded", form(parameters)},
		emulator.EncodingJSON:  {"", "application/json;charset=UTF-8", string(asJSON)},
	}
	for encoding, test := range tests {
		for _, only := range []emulator.Encoding{"", emulator.EncodingQuery, emulator.EncodingForm, emulator.EncodingJSON} {
			e := demo(emulator.Options{Assumptions: emulator.Assumptions{OnlyEncoding: only}})
			got := do(t, e, request(t, "POST", path+test.query, test.contentType, test.body))
			if seen := only == "" || only == encoding; !seen {
				if got.Status != 403 {
					t.Errorf("%s where only %s is seen: %d %s, want 403 for want of an api_code", encoding, only, got.Status, got.Text)
				}
				continue
			}
			if got.ErrorCode != "0000" || !strings.Contains(got.Text, `"reg_message":"a & b = ü"`) {
				t.Errorf("%s where %q is seen: %d %s", encoding, only, got.Status, got.Text)
			}
		}
	}
}

func TestBodiesThatCannotBeRead(t *testing.T) {
	e := demo(emulator.Options{})
	for name, test := range map[string]struct{ contentType, body string }{
		"malformed JSON":  {"application/json", `{"api_code":`},
		"no object":       {"application/json", `["a"]`},
		"null":            {"application/json", `{"api_code":null}`},
		"nested":          {"application/json", `{"api_code":{"a":"b"}}`},
		"bad form":        {"application/x-www-form-urlencoded", `a=%zz`},
		"no content type": {"", `{}`},
		// once more in the query
		"twice": {"application/json", `{"api_code":"UC011004100"}`},
	} {
		got := do(t, e, request(t, "POST", "/api/v2/plan/request/status/DEMO?api_code="+codeSite, test.contentType, test.body))
		if got.Status != 200 || got.ErrorCode != "9002" || got.Data != nil {
			t.Errorf("%s: %d %s", name, got.Status, got.Text)
		}
	}
	if n := len(e.Ledger().Effects()); n != 0 {
		t.Errorf("%d effects", n)
	}
}

func TestSettingsOfTheEnvelope(t *testing.T) {
	e := demo(emulator.Options{Assumptions: emulator.Assumptions{
		SuccessMessage: "Success.", Codes: emulator.Codes{SiteNotFound: "4711"},
	}})
	if got := get(t, e, "/api/v2/account/siteId", "api_code="+codeSite); got.ErrorMessage != "Success." {
		t.Errorf("%s", got.Text)
	}
	if got := get(t, e, "/api/v2/drm/license", "site_id=NONE&api_code="+codeDRM); got.ErrorCode != "4711" {
		t.Errorf("%s", got.Text)
	}
}

func TestFaultsHitTheVendorsCalls(t *testing.T) {
	e := demo(emulator.Options{})
	e.Faults().Add(twin.Fault{Kind: twin.FaultAnswer, Path: "/api/v2/account/siteId", Status: 429, Header: map[string]string{"Retry-After": "5"}, Times: 1})
	if got := get(t, e, "/api/v2/account/siteId", "api_code="+codeSite); got.Status != 429 {
		t.Errorf("%d, want the fault's status", got.Status)
	}
	if got := get(t, e, "/api/v2/account/siteId", "api_code="+codeSite); got.Status != 200 {
		t.Errorf("%d, want the vendor's own answer", got.Status)
	}
}

func TestEndlessAnswerLooksLikeTheVendors(t *testing.T) {
	e := demo(emulator.Options{})
	const head = 7 // { "error_code" "0000" "count" 2147483647 "data" [
	twintest.EndlessRows(t, e, e.Faults(), head, func(row map[string]string) bool { return row["reg_time"] != "" })
}

// TestEveryCallOfTheGuide: each call has its own method, path, api_code and required parameters.
// The call that cancels a status change needs one that is pending, and has a test of its own.
func TestEveryCallOfTheGuide(t *testing.T) {
	certificate, key := fairPlay(t, "FairPlay of Acme")
	prepare := func() *emulator.Emulator {
		e := demo(emulator.Options{})
		e.PutMembers(emulator.Member{MemberSeq: 1, MemberEmail: "one@acme.example"})
		return e
	}
	for _, call := range []struct{ target, code, required string }{
		{"GET /api/v2/account/siteId", "UC011004100", ""},
		{"POST /api/v2/account/siteId/approve", "UA010310200", "service_name=New"},
		{"GET /api/v2/account/siteId/approve", "UA010310100", ""},
		{"GET /api/v2/account/member", "UA010700200", ""},
		{"POST /api/v2/account/member", "UA010700200", "member_email=two@acme.example"},
		{"PUT /api/v2/account/member/repw", "UA010700200", "member_seq=1"},
		{"PUT /api/v2/account/member", "UA010700200", "member_seq=1"},
		{"GET /api/v2/plan/request/status/DEMO", "UC011004100", "service_code=PD001"},
		{"POST /api/v2/plan/request/status/DEMO", "UC011004100", "service_code=PD001 request_type=SM002"},
		{"GET /api/v2/drm/license", "UA003001100", "site_id=DEMO"},
		{"GET /api/v2/drm/user", "UA003001100", "site_id=DEMO"},
		{"GET /api/v2/drm/device", "UA003001100", "site_id=DEMO"},
		{"GET /api/v2/drm/cid-drmLicense", "UA003001100", "site_id=DEMO"},
		{"GET /api/v2/drm/cid-user", "UA003001100", "site_id=DEMO cid=a"},
		{"GET /api/v2/drm/pack", "UA003001100", "site_id=DEMO"},
		{"GET /api/v2/drm/setting/DEMO", "UA003004100", ""},
		{"PUT /api/v2/drm/setting/DEMO", "UA003004100", ""},
		{"POST /api/v2/drm/setting/fpscert/DEMO", "UA003004200", "ask=" + goodASK + " key_pw=x fps_cert=FILE private_key=FILE"},
		{"GET /api/v2/drm/statistics/targetDate", "UA003003100", "site_id=DEMO target_date=2026-01-01"},
	} {
		method, path, _ := strings.Cut(call.target, " ")
		ask := func(apiCode string, required []string) reply {
			query := path + "?api_code=" + apiCode
			var parts []part
			for _, pair := range required {
				name, value, _ := strings.Cut(pair, "=")
				switch name {
				case "fps_cert":
					parts = append(parts, part{name, "a.cer", certificate})
				case "private_key":
					parts = append(parts, part{name, "a.pem", key})
				default:
					query += "&" + name + "=" + value
				}
			}
			if len(parts) == 0 {
				return do(t, prepare(), request(t, method, query, "", ""))
			}
			contentType, body := multipartBody(t, parts...)
			return do(t, prepare(), request(t, method, query, contentType, body))
		}
		required := strings.Fields(call.required)
		if got := ask(call.code, required); got.ErrorCode != "0000" {
			t.Errorf("%s: %d %s", call.target, got.Status, got.Text)
		}
		if got := ask("UC000000000", required); got.Status != 403 {
			t.Errorf("%s with another api_code: %d %s", call.target, got.Status, got.Text)
		}
		for i, pair := range required {
			rest := append(append([]string{}, required[:i]...), required[i+1:]...)
			name, _, _ := strings.Cut(pair, "=")
			if got := ask(call.code, rest); got.ErrorCode != "9001" || got.ErrorMessage != "missing parameter "+name {
				t.Errorf("%s without %s: %d %s", call.target, name, got.Status, got.Text)
			}
		}
	}
}
