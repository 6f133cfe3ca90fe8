package emulator_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/adapters/twin/twintest"
)

const (
	ordersPath    = "/api/v2/account/siteId/approve"
	codeOrder     = "UA010310200"
	codeOrderList = "UA010310100"
)

func order(t *testing.T, e *emulator.Emulator, name string) reply {
	t.Helper()
	return send(t, e, "POST", ordersPath, map[string]string{"api_code": codeOrder, "service_name": name})
}

func orders(t *testing.T, e *emulator.Emulator, query string) reply {
	t.Helper()
	return get(t, e, ordersPath, "api_code="+codeOrderList+"&"+query)
}

// orderRow is an order as the guide shows it, of the emulator's own account.
func orderRow(seq int, site, name, status, update, reg string) string {
	return fmt.Sprintf(`{"seq":%d,"account_id":"sandbox","site_id":%q,"service_name":%q,"status":%q,"update_time":%q,"reg_time":%q}`, seq, site, name, status, update, reg)
}

func TestSiteOrderFromRequestToApproval(t *testing.T) {
	clock := twin.FrozenClock(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	e := demo(emulator.Options{Clock: clock})
	if got := orders(t, e, ""); string(got.Data) != "[]" || got.count() != 0 {
		t.Errorf("before any order: %s", got.Text)
	}
	for i, name := range []string{"Movie Garden", "Movie Garden"} { // a name may be ordered twice
		if got := order(t, e, name); got.ErrorCode != "0000" || string(got.Data) != fmt.Sprintf(`{"seq":%d}`, i+1) || got.Count != nil {
			t.Errorf("%s", got.Text)
		}
	}
	if len(e.Sites()) != 2 {
		t.Errorf("sites before the approval: %+v", e.Sites())
	}

	clock.Advance(time.Hour)
	approved, err := e.ApproveOrder(1)
	if err != nil || !regexp.MustCompile(`^[A-Z0-9]{4}$`).MatchString(approved.SiteID) || approved.Status != emulator.OrderApproved {
		t.Fatalf("%+v, %v", approved, err)
	}
	if rejected, err := e.RejectOrder(2); err != nil || rejected.Status != emulator.OrderRejected || rejected.SiteID != "" {
		t.Errorf("%+v, %v", rejected, err)
	}
	want := "[" + orderRow(2, "", "Movie Garden", "Reject", "20260102040405", "20260102030405") + "," +
		orderRow(1, approved.SiteID, "Movie Garden", "Approve", "20260102040405", "20260102030405") + "]"
	if got := orders(t, e, ""); string(got.Data) != want || got.count() != 2 {
		t.Errorf("got  %s\nwant %s", got.Text, want)
	}
	if got := serviceStates(e); got != asPut+" "+approved.SiteID+"/PD001=SE000" || e.Sites()[2].ServiceName != "Movie Garden" {
		t.Errorf("after the approval: %s", got)
	}
	if got := latest(t, e, approved.SiteID, "PD001"); got.ErrorCode != "0000" {
		t.Errorf("the new site: %s", got.Text)
	}
	for _, seq := range []int{0, 1, 2, 3} {
		if _, err := e.ApproveOrder(seq); err == nil {
			t.Errorf("approved order %d, which is not pending", seq)
		}
		if _, err := e.RejectOrder(seq); err == nil {
			t.Errorf("rejected order %d, which is not pending", seq)
		}
	}
	effects := ""
	for _, f := range e.Ledger().Effects() {
		effects += fmt.Sprintf("%d %s %s %s %s\n", f.Request, f.Kind, f.Key, f.Details["service_name"], f.Details["site_id"])
	}
	if want := "2 siteOrdered 1 Movie Garden \n3 siteOrdered 2 Movie Garden \n" +
		"0 siteOrderApproved 1 Movie Garden " + approved.SiteID + "\n0 siteOrderRejected 2 Movie Garden \n"; effects != want {
		t.Errorf("effects\n%swant\n%s", effects, want)
	}
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
	if again := issue(1); strings.Join(ids, " ") != strings.Join(again, " ") || strings.Join(ids, " ") == strings.Join(issue(2), " ") {
		t.Errorf("%v and again %v", ids, again)
	}
	if others := issue(1, ids[0], ids[5]); others[0] != ids[1] || strings.Contains(strings.Join(others, " "), ids[5]) {
		t.Errorf("%v were issued though %s and %s are taken", others, ids[0], ids[5])
	}
}

func TestSiteOrderSearches(t *testing.T) {
	seed := func(e *emulator.Emulator) {
		e.PutSiteOrders(
			emulator.SiteOrder{Seq: 7, ServiceName: "seven", RegTime: at("2026-01-03 23:59:59"), AccountID: "reseller"},
			emulator.SiteOrder{Seq: 3, ServiceName: "three", RegTime: at("2026-01-01 00:00:00"), Status: emulator.OrderApproved, SiteID: "ABCD"},
			emulator.SiteOrder{Seq: 5, ServiceName: "five", RegTime: at("2026-01-02 12:00:00"), Status: emulator.OrderRejected, UpdateTime: at("2026-02-02 12:00:00")},
		)
		e.PutSiteOrders(emulator.SiteOrder{ServiceName: "eight", RegTime: at("2026-01-04 00:00:00"), Status: emulator.OrderApproved, SiteID: "ABXY"})
	}
	for _, test := range []struct {
		assumed     emulator.Assumptions
		query, want string
		count       int
	}{
		{query: "", want: "eight seven five three", count: 4},
		{query: "from=2026-01-02&to=2026-01-03", want: "seven five", count: 2},
		{query: "to=2026-01-01", want: "three", count: 1},
		{query: "req_status=Approve", want: "eight three", count: 2},
		{query: "req_status=Request", want: "seven", count: 1},
		{query: "req_status=Reject&from=2026-02-01", want: "", count: 0},
		{query: "search_type=site_id&search_keyword=AB", want: "eight three", count: 2},
		{query: "search_type=site_id&search_keyword=ABCD", want: "three", count: 1},
		{query: "search_type=account_id&search_keyword=sell", want: "seven", count: 1},
		{query: "search_type=account_id&search_keyword=ABCD", want: "", count: 0},
		{query: "page_unit=3&page_index=2", want: "three", count: 4},
		{query: "page_unit=3&page_index=3", want: "", count: 4},
		{emulator.Assumptions{ExactSearch: true}, "search_type=site_id&search_keyword=AB", "", 0},
		{emulator.Assumptions{ExactSearch: true}, "search_type=site_id&search_keyword=ABXY", "eight", 1},
		{emulator.Assumptions{ToExclusive: true}, "from=2026-01-02&to=2026-01-03", "five", 1},
		{emulator.Assumptions{Zone: time.FixedZone("KST", 9*3600)}, "from=2026-01-04&to=2026-01-04", "eight seven", 2},
		{emulator.Assumptions{ZeroBasedPages: true, CountIsPage: true}, "page_unit=3&page_index=1", "three", 1},
		// which is of licenses
		{emulator.Assumptions{Retention: time.Hour}, "", "eight seven five three", 4},
		{emulator.Assumptions{OrderWords: emulator.OrderWords{Approved: "done"}}, "req_status=done", "eight three", 2},
	} {
		e := demo(emulator.Options{Assumptions: test.assumed, Clock: twin.FrozenClock(at("2026-03-01 00:00:00"))})
		seed(e)
		if got := orders(t, e, test.query); got.rows(t, "service_name") != test.want || got.count() != test.count {
			t.Errorf("%s with %+v: %s, want %q of %d", test.query, test.assumed, got.Text, test.want, test.count)
		}
	}
	e := demo(emulator.Options{Assumptions: emulator.Assumptions{OrderWords: emulator.OrderWords{"wait", "done", "no"}, Zone: time.FixedZone("KST", 9*3600)}})
	seed(e)
	if got := orders(t, e, ""); got.rows(t, "status") != "done wait no done" || got.rows(t, "update_time") != "20260104090000 20260104085959 20260202210000 20260101090000" {
		t.Errorf("other words in another zone: %s", got.Text)
	}
	for query, code := range map[string]string{
		"req_status=Approve":                    "9002", // not one of the words set
		"search_type=site_id":                   "9001",
		"search_keyword=AB":                     "9001",
		"search_type=name&search_keyword=AB":    "9002",
		"from=2026-01-02&to=2026-01-01":         "9002",
		"page_index=0":                          "9002",
		"service_name=seven":                    "9003",
		"search_condition=cid&search_keyword=a": "9003",
	} {
		if got := orders(t, e, query); got.Status != 200 || got.ErrorCode != code || got.Data != nil {
			t.Errorf("%s: %d %s, want code %s", query, got.Status, got.Text, code)
		}
	}
}

func TestSiteOrdersCanBeReplaced(t *testing.T) {
	e := demo(emulator.Options{AccountID: "acme", Clock: twin.FrozenClock(at("2026-01-01 00:00:00"))})
	e.PutSiteOrders(emulator.SiteOrder{Seq: 9, ServiceName: "old"}, emulator.SiteOrder{Seq: 9, ServiceName: "new"})
	want := emulator.SiteOrder{
		Seq: 9, AccountID: "acme", ServiceName: "new", Status: "Request",
		RegTime: at("2026-01-01 00:00:00"), UpdateTime: at("2026-01-01 00:00:00"),
	}
	if got := e.SiteOrders(); len(got) != 1 || got[0] != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	twintest.WantPanic(t, "an unknown status", "", func() {
		e.PutSiteOrders(emulator.SiteOrder{Status: "request"})
	})
}

func TestSiteOrdersByTheAdminPaths(t *testing.T) {
	e := demo(emulator.Options{})
	e.PutSiteOrders(emulator.SiteOrder{ServiceName: "one"}, emulator.SiteOrder{ServiceName: "two"})
	for _, test := range []struct {
		path, body string
		status     int
		want       string
	}{
		{"approveOrder", `{"seq":3}`, 409, "site order 3"},
		{"approveOrder", `{"id":1}`, 400, "id"},
		{"approveOrder", `{"seq":1}`, 200, `"serviceName":"one","siteId":"`},
		{"rejectOrder", `{"seq":1}`, 409, "site order 1"},
		{"rejectOrder", `{"seq":2}`, 200, `"seq":2,"serviceName":"two","siteId":"","status":"Reject"`},
	} {
		got := twintest.Admin(t, e, "POST", test.path, test.body)
		if got.Status != test.status || !strings.Contains(got.Text, test.want) {
			t.Errorf("%s %s: %d %s, want %d and %s", test.path, test.body, got.Status, got.Text, test.status, test.want)
		}
	}
	if len(e.Sites()) != 3 {
		t.Errorf("%+v", e.Sites())
	}
}
