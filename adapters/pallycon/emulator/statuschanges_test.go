package emulator_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
)

const statusPath = "/api/v2/plan/request/status/"

func newChange(t *testing.T, e *emulator.Emulator, site, service, kind string) reply {
	t.Helper()
	return send(t, e, "POST", statusPath+site, map[string]string{
		"api_code": codeSite, "service_code": service, "request_type": kind, "request_message": "please",
	})
}

func cancel(t *testing.T, e *emulator.Emulator, site, service, id string) reply {
	t.Helper()
	return send(t, e, "PUT", statusPath+site, map[string]string{
		"api_code": codeSite, "service_code": service, "request_type": "SM004", "request_group_id": id,
	})
}

func latest(t *testing.T, e *emulator.Emulator, site, service string) reply {
	t.Helper()
	return get(t, e, statusPath+site, "api_code="+codeSite+"&service_code="+service)
}

// field is one value of an answer whose data is an object.
func (r reply) field(name string) string {
	var data map[string]string
	_ = json.Unmarshal(r.Data, &data) // a wrong shape shows as a missing value
	return data[name]
}

func serviceStates(e *emulator.Emulator) string {
	out := ""
	for _, s := range e.Sites() {
		for _, p := range s.Products {
			out += fmt.Sprintf("%s/%s=%s ", s.SiteID, p.ServiceCode, p.StatusCode)
		}
	}
	return strings.TrimSpace(out)
}

const asPut = "DEMO/PD001=SE000 DEMO/PD002=SE000 TEST/PD001=SE001"

func TestStatusChangeFromRequestToApproval(t *testing.T) {
	clock := twin.FrozenClock(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	e := demo(emulator.Options{Clock: clock})
	if got := latest(t, e, "DEMO", "PD001"); got.ErrorCode != "0000" || string(got.Data) != "null" || got.Count != nil {
		t.Errorf("before any request: %s", got.Text)
	}

	asked := newChange(t, e, "DEMO", "PD001", "SM002")
	id := asked.field("req_group_id")
	want := `{"site_id":"DEMO","req_group_id":"` + id + `","reg_type":"SM002","reg_message":"please","reg_id":"sandbox","reg_dt":"20260102030405"}`
	if id == "" || string(asked.Data) != want {
		t.Errorf("got  %s\nwant %s", asked.Data, want)
	}
	pending := `{"site_id":"DEMO","req_group_id":"` + id + `","reg_type":"SM002","reg_status":"ST001","reg_message":"please","reg_id":"sandbox","reg_dt":"20260102030405","update_dt":"20260102030405"}`
	if got := latest(t, e, "DEMO", "PD001"); string(got.Data) != pending {
		t.Errorf("got  %s\nwant %s", got.Data, pending)
	}
	if got := latest(t, e, "DEMO", "PD002"); string(got.Data) != "null" {
		t.Errorf("the other service has a request too: %s", got.Text)
	}
	if again := newChange(t, e, "DEMO", "PD001", "SM001"); again.ErrorCode != "1201" || !strings.Contains(again.ErrorMessage, id) {
		t.Errorf("a second request: %s", again.Text)
	}
	if other := newChange(t, e, "DEMO", "PD002", "SM002"); other.ErrorCode != "0000" || other.field("req_group_id") == id {
		t.Errorf("a request for the other service: %s", other.Text)
	}
	if got := serviceStates(e); got != asPut {
		t.Errorf("before the approval: %s", got)
	}

	clock.Advance(time.Hour)
	change, err := e.Approve("DEMO", "PD001")
	if err != nil || change.ReqGroupID != id || change.RegStatus != emulator.ChangeApproved {
		t.Errorf("Approve: %+v, %v", change, err)
	}
	if got := serviceStates(e); got != strings.Replace(asPut, "PD001=SE000", "PD001=SE001", 1) {
		t.Errorf("after the approval: %s", got)
	}
	if got := latest(t, e, "DEMO", "PD001"); got.field("reg_status") != "ST003" || got.field("update_dt") != "20260102040405" {
		t.Errorf("after the approval: %s", got.Text)
	}
	if _, err := e.Approve("DEMO", "PD001"); err == nil {
		t.Error("approved twice")
	}
	if got := cancel(t, e, "DEMO", "PD001", id); got.ErrorCode != "1203" {
		t.Errorf("canceled after the approval: %s", got.Text)
	}
	if next := newChange(t, e, "DEMO", "PD001", "SM001"); next.ErrorCode != "0000" || next.field("req_group_id") == id {
		t.Errorf("a new request after the approval: %s", next.Text)
	}
}

func TestApprovalSetsTheServicesState(t *testing.T) {
	for _, test := range []struct{ site, kind, want string }{
		{"DEMO", "SM001", emulator.StateInService},
		{"DEMO", "SM002", emulator.StateSuspended},
		{"DEMO", "SM003", emulator.StateInService},
		{"TEST", "SM001", emulator.StateInService},
		{"TEST", "SM002", emulator.StateSuspended},
		{"TEST", "SM003", emulator.StateSuspended},
	} {
		e := demo(emulator.Options{})
		newChange(t, e, test.site, "PD001", test.kind)
		if _, err := e.Approve(test.site, "PD001"); err != nil {
			t.Fatal(err)
		}
		if want := test.site + "/PD001=" + test.want; !strings.Contains(serviceStates(e), want) {
			t.Errorf("after %s: %s, want %s", test.kind, serviceStates(e), want)
		}
	}
}

func TestStatusChangeIsCanceled(t *testing.T) {
	clock := twin.FrozenClock(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	e := demo(emulator.Options{Clock: clock})
	id := newChange(t, e, "DEMO", "PD001", "SM002").field("req_group_id")
	clock.Advance(time.Minute)
	if got := cancel(t, e, "DEMO", "PD002", id); got.ErrorCode != "1202" {
		t.Errorf("canceled for another service: %s", got.Text)
	}
	if got := cancel(t, e, "DEMO", "PD001", id+"0"); got.ErrorCode != "1202" {
		t.Errorf("canceled by another id: %s", got.Text)
	}
	got := cancel(t, e, "DEMO", "PD001", id)
	want := `{"site_id":"DEMO","req_group_id":"` + id + `","reg_type":"SM002","reg_status":"ST002","reg_message":"please","reg_id":"sandbox","reg_dt":"20260102030405","update_dt":"20260102030505"}`
	if got.ErrorCode != "0000" || string(got.Data) != want {
		t.Errorf("got  %s\nwant %s", got.Text, want)
	}
	if got := cancel(t, e, "DEMO", "PD001", id); got.ErrorCode != "1203" {
		t.Errorf("canceled twice: %s", got.Text)
	}
	if _, err := e.Approve("DEMO", "PD001"); err == nil {
		t.Error("a canceled request was approved")
	}
	if serviceStates(e) != asPut {
		t.Errorf("services: %s", serviceStates(e))
	}
	if again := newChange(t, e, "DEMO", "PD001", "SM002"); again.ErrorCode != "0000" {
		t.Errorf("a new request after the cancellation: %s", again.Text)
	}
}

func TestStatusChangeRequestsAreRefused(t *testing.T) {
	e := demo(emulator.Options{})
	good := map[string]string{"api_code": codeSite, "service_code": "PD001", "request_type": "SM002"}
	with := func(name, value string) map[string]string {
		changed := maps.Clone(good)
		changed[name] = value
		return changed
	}
	for name, test := range map[string]struct {
		method, site string
		parameters   map[string]string
		code         string
	}{
		"unknown site":            {"POST", "NONE", good, "1003"},
		"service it lacks":        {"POST", "TEST", with("service_code", "PD002"), "1101"},
		"no type":                 {"POST", "DEMO", with("request_type", ""), "9001"},
		"type of the cancel call": {"POST", "DEMO", with("request_type", "SM004"), "9002"},
		"unknown parameter":       {"POST", "DEMO", with("message", "x"), "9003"},
		"cancel without id":       {"PUT", "DEMO", with("request_type", "SM004"), "9001"},
		"cancel of a wrong type":  {"PUT", "DEMO", with("request_group_id", "1"), "9002"},
		"cancel with a message":   {"PUT", "DEMO", with("request_message", "x"), "9003"},
	} {
		if got := send(t, e, test.method, statusPath+test.site, test.parameters); got.Status != 200 || got.ErrorCode != test.code {
			t.Errorf("%s: %d %s, want code %s", name, got.Status, got.Text, test.code)
		}
	}
	if n := len(e.Ledger().Effects()); n != 0 {
		t.Errorf("%d effects of refused requests", n)
	}
}

func TestLedgerShowsWhatChanged(t *testing.T) {
	e := demo(emulator.Options{})
	id := newChange(t, e, "DEMO", "PD001", "SM002").field("req_group_id")
	cancel(t, e, "DEMO", "PD001", id)
	id2 := newChange(t, e, "DEMO", "PD001", "SM003").field("req_group_id")
	if _, err := e.Approve("DEMO", "PD001"); err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, effect := range e.Ledger().Effects() {
		got += fmt.Sprintf("%d %s %s %s\n", effect.Request, effect.Kind, effect.Key, effect.Details["reg_type"])
	}
	want := "1 statusChangeRequested DEMO/PD001/" + id + " SM002\n" +
		"2 statusChangeCanceled DEMO/PD001/" + id + " SM002\n" +
		"3 statusChangeRequested DEMO/PD001/" + id2 + " SM003\n" +
		"0 statusChangeApproved DEMO/PD001/" + id2 + " SM003\n"
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestLostAnswerStillTakesEffect(t *testing.T) {
	e := demo(emulator.Options{})
	e.Faults().Add(twin.Fault{Kind: twin.FaultLoseAnswer, Method: "POST", Times: 1})
	body := `{"api_code":"UC011004100","service_code":"PD001","request_type":"SM002"}`
	if _, err := twin.Transport(e).RoundTrip(request(t, "POST", statusPath+"DEMO", "application/json", body)); err == nil {
		t.Error("the answer arrived")
	}
	if got := latest(t, e, "DEMO", "PD001"); got.field("reg_status") != "ST001" {
		t.Errorf("%s", got.Text)
	}
}

func TestApprovalByTheAdminPath(t *testing.T) {
	e := demo(emulator.Options{})
	approve := func(body string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		e.ServeHTTP(w, httptest.NewRequest("POST", "/_twin/approve", strings.NewReader(body)))
		return w
	}
	const order = `{"siteId":"DEMO","serviceCode":"PD001"}`
	if w := approve(order); w.Code != 409 || !strings.Contains(w.Body.String(), "pending") {
		t.Errorf("nothing pending: %d %s", w.Code, w.Body)
	}
	if w := approve(`{"site":"DEMO"}`); w.Code != 400 || !strings.Contains(w.Body.String(), "site") {
		t.Errorf("an unknown key: %d %s", w.Code, w.Body)
	}
	newChange(t, e, "DEMO", "PD001", "SM002")
	if w := approve(order); w.Code != 200 || !strings.Contains(w.Body.String(), `"regStatus":"ST003"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if !strings.Contains(serviceStates(e), "DEMO/PD001=SE001") {
		t.Errorf("services: %s", serviceStates(e))
	}
}
