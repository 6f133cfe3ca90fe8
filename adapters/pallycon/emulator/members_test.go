package emulator_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/adapters/twin/twintest"
)

const (
	membersPath = "/api/v2/account/member"
	codeMember  = "UA010700200"
)

func members(t *testing.T, e *emulator.Emulator, query string) reply {
	t.Helper()
	return get(t, e, membersPath, "api_code="+codeMember+"&"+query)
}

// withMembers is an emulator with one sub-member of each group, in 2026.
func withMembers(assumed emulator.Assumptions) *emulator.Emulator {
	e := emulator.New(emulator.Options{Assumptions: assumed, Clock: twin.FrozenClock(at("2026-01-02 20:00:00"))})
	e.PutMembers(
		emulator.Member{MemberSeq: 40, MemberEmail: "biz@acme.example", GroupSeq: emulator.GroupBusiness, RegTime: at("2025-12-31 23:59:59")},
		emulator.Member{MemberSeq: 20, MemberEmail: "ts@acme.example", GroupSeq: emulator.GroupTechnicalSupport, StatusCode: emulator.MemberInactive},
	)
	e.PutMembers(emulator.Member{MemberEmail: "client@acme.example"})
	return e
}

const (
	tsRow     = `{"group_name":"TS Group","group_seq":1001,"member_seq":20,"member_email":"ts@acme.example","status_code":"MT002","reg_date":"2026-01-02"}`
	bizRow    = `{"group_name":"BIZ Group","group_seq":1000,"member_seq":40,"member_email":"biz@acme.example","status_code":"MT001","reg_date":"2025-12-31"}`
	clientRow = `{"group_name":"Clients Group","group_seq":1014,"member_seq":41,"member_email":"client@acme.example","status_code":"MT001","reg_date":"2026-01-02"}`
)

func TestMemberList(t *testing.T) {
	korea := time.FixedZone("KST", 9*3600)
	for _, test := range []struct {
		assumed     emulator.Assumptions
		query, want string
		count       int
	}{
		{query: "", want: tsRow + "," + bizRow + "," + clientRow, count: 3},
		{query: "page_unit=2", want: tsRow + "," + bizRow, count: 3},
		{query: "page_unit=2&page_index=2", want: clientRow, count: 3},
		{query: "page_unit=2&page_index=3", want: "", count: 3},
		{emulator.Assumptions{CountIsPage: true, ZeroBasedPages: true}, "page_unit=2&page_index=1", clientRow, 1},
		{emulator.Assumptions{Zone: korea}, "page_unit=1&page_index=2", strings.Replace(bizRow, "2025-12-31", "2026-01-01", 1), 3},
	} {
		got := members(t, withMembers(test.assumed), test.query)
		if string(got.Data) != "["+test.want+"]" || got.count() != test.count || got.ErrorCode != "0000" {
			t.Errorf("%s: got %s\nwant %s of %d", test.query, got.Text, test.want, test.count)
		}
	}
	many := emulator.New(emulator.Options{})
	if got := members(t, many, ""); string(got.Data) != "[]" || got.count() != 0 {
		t.Errorf("no members: %s", got.Text)
	}
	for i := range 30 {
		many.PutMembers(emulator.Member{MemberEmail: fmt.Sprintf("m%d@acme.example", i)})
	}
	if got := members(t, many, ""); len(strings.Fields(got.rows(t, "member_email"))) != 25 || got.count() != 30 {
		t.Errorf("a page of the default size: %s", got.Text)
	}
}

func TestMembersChange(t *testing.T) {
	e := withMembers(emulator.Assumptions{})
	write := func(method, path string, parameters ...string) reply {
		t.Helper()
		given := map[string]string{"api_code": codeMember}
		for i := 0; i < len(parameters); i += 2 {
			given[parameters[i]] = parameters[i+1]
		}
		return send(t, e, method, membersPath+path, given)
	}
	if got := write("POST", "", "member_email", "new@acme.example"); string(got.Data) != `{"member_seq":42}` || got.ErrorCode != "0000" || got.Count != nil {
		t.Errorf("%s", got.Text)
	}
	if got := write("POST", "", "member_email", "new2@acme.example", "group_seq", "1000"); string(got.Data) != `{"member_seq":43}` {
		t.Errorf("%s", got.Text)
	}
	const done = `{"_links":{"self":{"href":"http://service.pallycon.com/api/v2/account/member%s"}},"error_code":"0000"}`
	for _, test := range []struct {
		path       string
		parameters []string
	}{
		{"", []string{"member_seq", "20", "member_status", "MT001"}},
		{"", []string{"member_seq", "40", "group_seq", "1014"}},
		{"", []string{"member_seq", "41", "group_seq", "1001", "member_status", "MT002"}},
		{"", []string{"member_seq", "43"}}, // names nothing to change
		{"/repw", []string{"member_seq", "41"}},
	} {
		if got := write("PUT", test.path, test.parameters...); strings.TrimSpace(got.Text) != fmt.Sprintf(done, test.path) {
			t.Errorf("%v: %s, want the default response", test.parameters, got.Text)
		}
	}
	want := "20 ts@acme.example 1001 MT001\n40 biz@acme.example 1014 MT001\n41 client@acme.example 1001 MT002\n" +
		"42 new@acme.example 1014 MT001\n43 new2@acme.example 1000 MT001\n"
	got := ""
	for _, m := range e.Members() {
		got += fmt.Sprintf("%d %s %d %s\n", m.MemberSeq, m.MemberEmail, m.GroupSeq, m.StatusCode)
	}
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	effects := ""
	for _, f := range e.Ledger().Effects() {
		effects += fmt.Sprintf("%s %s %s %s %s\n", f.Kind, f.Key, f.Details["member_email"], f.Details["group_seq"], f.Details["status_code"])
	}
	if want := "memberCreated 42 new@acme.example 1014 MT001\nmemberCreated 43 new2@acme.example 1000 MT001\n" +
		"memberUpdated 20 ts@acme.example 1001 MT001\nmemberUpdated 40 biz@acme.example 1014 MT001\n" +
		"memberUpdated 41 client@acme.example 1001 MT002\nmemberUpdated 43 new2@acme.example 1000 MT001\n" +
		"memberPasswordReset 41 client@acme.example 1001 MT002\n"; effects != want {
		t.Errorf("effects\n%swant\n%s", effects, want)
	}
}

func TestMemberRequestsAreRefused(t *testing.T) {
	e := withMembers(emulator.Assumptions{})
	before := members(t, e, "").Text
	for name, test := range map[string]struct {
		method, path string
		parameters   map[string]string
		code         string
	}{
		"e-mail address held":              {"POST", "", map[string]string{"member_email": "ts@acme.example"}, "1302"},
		"e-mail address in another case":   {"POST", "", map[string]string{"member_email": "TS@Acme.example"}, "1302"},
		"no e-mail address":                {"POST", "", map[string]string{"member_email": "acme.example"}, "9002"},
		"e-mail address with a name":       {"POST", "", map[string]string{"member_email": "New <new@acme.example>"}, "9002"},
		"create without an e-mail address": {"POST", "", map[string]string{"group_seq": "1000"}, "9001"},
		"create in an unknown group":       {"POST", "", map[string]string{"member_email": "new@acme.example", "group_seq": "1002"}, "1303"},
		"group is a word":                  {"POST", "", map[string]string{"member_email": "new@acme.example", "group_seq": "BIZ"}, "9002"},
		"create with a status":             {"POST", "", map[string]string{"member_email": "new@acme.example", "member_status": "MT001"}, "9003"},
		"update of nobody":                 {"PUT", "", map[string]string{"member_seq": "99", "member_status": "MT001"}, "1301"},
		"update without a seq":             {"PUT", "", map[string]string{"member_status": "MT001"}, "9001"},
		"update to an unknown group":       {"PUT", "", map[string]string{"member_seq": "20", "group_seq": "1", "member_status": "MT001"}, "1303"},
		"update to an unknown status":      {"PUT", "", map[string]string{"member_seq": "20", "member_status": "MT003"}, "9002"},
		"update of the e-mail address":     {"PUT", "", map[string]string{"member_seq": "20", "member_email": "new@acme.example"}, "9003"},
		"new password for nobody":          {"PUT", "/repw", map[string]string{"member_seq": "99"}, "1301"},
		"new password without a seq":       {"PUT", "/repw", map[string]string{}, "9001"},
		"new password of one's own":        {"PUT", "/repw", map[string]string{"member_seq": "20", "password": "x"}, "9003"},
	} {
		test.parameters["api_code"] = codeMember
		if got := send(t, e, test.method, membersPath+test.path, test.parameters); got.Status != 200 || got.ErrorCode != test.code || got.Data != nil {
			t.Errorf("%s: %d %s, want code %s", name, got.Status, got.Text, test.code)
		}
	}
	if n := len(e.Ledger().Effects()); n != 0 || members(t, e, "").Text != before {
		t.Errorf("%d effects of refused requests, and %s", n, members(t, e, "").Text)
	}
}

func TestMembersCanBeReplaced(t *testing.T) {
	e := withMembers(emulator.Assumptions{})
	e.PutMembers(emulator.Member{MemberSeq: 20, MemberEmail: "other@acme.example"})
	if got := members(t, e, "").rows(t, "member_email"); got != "other@acme.example biz@acme.example client@acme.example" {
		t.Errorf("%s", got)
	}
	for _, mistake := range []emulator.Member{{GroupSeq: 1002}, {StatusCode: "active"}} {
		twintest.WantPanic(t, fmt.Sprint(mistake), "", func() { e.PutMembers(mistake) })
	}
}
