package telecomx_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/telecomx"
	"github.com/drmhub/drmhub/adapters/telecomx/emulator"
	"github.com/drmhub/drmhub/adapters/telecomx/telecomxtest"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// The pages' examples, as JSON.
const (
	exampleNormal = `{"offset": 10, "limit": 10, "total": 23, "accounts": [{"username": "donald@duck.com",
		"password": "vgh38gy3uvhebv", "devices": 2, "created": "2016-01-01T00:00:00.000Z"}]}`
	exampleFull = `{"offset": 10, "limit": 10, "total": 23, "accounts": [
		{"username": "donald@duck.com", "password": "vgh38gy3uvhebv", "devices": [
			{"id": "12345678901234567890AAAA", "type": "IOS", "model": "iPhone 6", "name": "Donalds mobile"},
			{"id": "12345678901234567890BBBB", "type": "WEB", "model": "Chrome", "name": ""}],
		"created": "2016-01-01T00:00:00.000Z"}]}`
)

// first returns an example as the first and only page.
func first(example string) string {
	return strings.Replace(example, `"offset": 10, "limit": 10, "total": 23`, `"offset": 0, "limit": 10, "total": 1`, 1)
}

// single is the account of the example alone, where the device's key has another name.
var single = strings.ReplaceAll(
	exampleFull[strings.Index(exampleFull, `{"username"`):len(exampleFull)-2], `"id"`, `"_id"`)

// donaldAccount is the example's account in the contract's words.
func donaldAccount(view pb.DrmAccount_View) *pb.DrmAccount {
	account := &pb.DrmAccount{
		Name: donald, Username: "donald@duck.com", DeviceCount: 2,
		CreateTime: timestamppb.New(time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC)),
	}
	if view == pb.DrmAccount_FULL {
		account.Password, account.Devices = "vgh38gy3uvhebv", donaldDevices()
	}
	return account
}

func donaldDevices() []*pb.DrmAccountDevice {
	return []*pb.DrmAccountDevice{
		{Name: iphone, DeviceId: "12345678901234567890AAAA", Type: pb.DrmAccountDevice_IOS, VendorType: "IOS",
			Model: "iPhone 6", DisplayName: "Donalds mobile"},
		{Name: donald + "/devices/12345678901234567890BBBB", DeviceId: "12345678901234567890BBBB",
			Type: pb.DrmAccountDevice_WEB, VendorType: "WEB", Model: "Chrome"},
	}
}

func TestTheDocumentedList(t *testing.T) {
	for view, c := range map[pb.DrmAccount_View]struct{ example, query string }{
		pb.DrmAccount_BASIC: {exampleNormal, "limit=100&offset=0"},
		pb.DrmAccount_FULL:  {exampleFull, "full=true&limit=100&offset=0"},
	} {
		a, vendor := serve(t, config(), replies{getAccounts: ok(first(c.example))})
		res, err := list(t, a, &pb.ListDrmAccountsRequest{View: view})
		if err != nil {
			t.Fatal(err)
		}
		account := donaldAccount(view)
		account.Customer = own
		same(t, view.String(), res, &pb.ListDrmAccountsResponse{DrmAccounts: []*pb.DrmAccount{account}, TotalSize: 1})
		wantQuery(t, vendor.Only(getAccounts), "the-first-token", c.query)
	}
	a, vendor := serve(t, config(), replies{getAccounts: ok(none)})
	filter := &pb.DrmAccountFilter{Customer: another, UsernameContains: "5665673625+&é"}
	_, err := list(t, a, &pb.ListDrmAccountsRequest{View: pb.DrmAccount_FULL, PageSize: 50, Filter: filter})
	if err != nil {
		t.Fatal(err)
	}
	wantQuery(t, vendor.Only(getAccounts), "the-first-token",
		"customer="+another+"&filter=5665673625%2B%26%C3%A9&full=true&limit=50&offset=0")
}

func TestCallsAreOfTheConfiguredCustomer(t *testing.T) {
	for _, c := range []telecomx.Config{config(), machine()} {
		c.Customer = another
		a, vendor := serve(t, c, replies{getAccounts: ok(first(exampleNormal))})
		res, err := list(t, a, &pb.ListDrmAccountsRequest{})
		if err != nil || res.GetDrmAccounts()[0].GetCustomer() != another {
			t.Errorf("%v, %v", res, err)
		}
		if _, err := a.Check(t.Context()); err != nil {
			t.Error(err)
		}
		for _, made := range vendor.Made(getAccounts) {
			if got := made.Query.Get("customer"); got != another {
				t.Errorf("a list is of the customer %q", got)
			}
		}
	}
}

func TestTheDocumentedAccount(t *testing.T) {
	a, vendor := serve(t, config(), replies{getDonald: ok(single)})
	for _, view := range []pb.DrmAccount_View{pb.DrmAccount_VIEW_UNSPECIFIED, pb.DrmAccount_BASIC, pb.DrmAccount_FULL} {
		got, err := get(t, a, view)
		if err != nil {
			t.Fatal(err)
		}
		want := donaldAccount(pb.DrmAccount_FULL)
		if view != pb.DrmAccount_FULL {
			want.Password = ""
		}
		same(t, view.String(), got, want)
	}
	wantQuery(t, vendor.Made(getDonald)[0], "the-first-token", "")
}

func TestAbsentPropertiesAreNoErrors(t *testing.T) {
	tizen := &pb.DrmAccountDevice{Name: donald + "/devices/a%2Fb", DeviceId: "a/b", VendorType: "TIZEN"}
	for body, c := range map[string]struct {
		count   int32
		devices []*pb.DrmAccountDevice
	}{
		`{}`:                                 {},
		`{"devices":null}`:                   {},
		`{"devices":3}`:                      {count: 3},
		`{"devices":[]}`:                     {},
		`{"created":"yesterday"}`:            {},
		`{"created":"0000-01-01T00:00:00Z"}`: {},
		`{"devices":[{"_id":"a/b","type":"TIZEN","new":{}}]}`: {1, []*pb.DrmAccountDevice{tizen}},
	} {
		a, _ := serve(t, config(), replies{getDonald: ok(body)})
		got, err := get(t, a, pb.DrmAccount_FULL)
		if err != nil {
			t.Errorf("%s: %v", body, err)
		}
		same(t, body, got, &pb.DrmAccount{
			Name: donald, Username: "donald@duck.com", DeviceCount: c.count, Devices: c.devices,
		})
	}
}

func TestAResponseThatContradictsItselfIsUnreadable(t *testing.T) {
	for _, body := range []string{
		`{"username":"daisy@duck.com"}`, `{"devices":-1}`, `{"devices":1.5}`, `{"devices":99999999999}`,
		`{"devices":"2"}`, `{"devices":{}}`, `{"devices":[{"name":"no id"}]}`, `{"username":7}`,
		`{"username":"donald@duck.com"`, `[]`, ``, `null`,
	} {
		a, _ := serve(t, config(), replies{getDonald: ok(body)})
		_, err := get(t, a, pb.DrmAccount_FULL)
		want(t, body, err, wiretest.Unreadable)
	}
	for _, body := range []string{
		`{"total":1,"accounts":[{"password":"nobody's"}]}`, `{"total":3,"accounts":[]}`, `{"total":3}`,
		`{"offset":10,"total":1,"accounts":[{"username":"donald@duck.com"}]}`, `{"accounts":{}}`, `{"total":"1"}`,
		`[]`, `<html>`,
	} {
		a, _ := serve(t, config(), replies{getAccounts: ok(body)})
		_, err := list(t, a, &pb.ListDrmAccountsRequest{})
		want(t, body, err, wiretest.Unreadable)
	}
}

func TestAnAccountOfAnotherCaseIsAnother(t *testing.T) {
	a, _ := serve(t, config(), replies{getDonald: ok(`{"username":"Donald@duck.com"}`)})
	for _, id := range []string{"donald@duck.com", ".", ".."} {
		_, err := a.GetDrmAccount(t.Context(), &pb.GetDrmAccountRequest{Name: "vendors/acme/drmAccounts/" + id})
		want(t, id, err, wiretest.NotFound)
	}
}

// page returns one page of a list of accounts user-0, user-1 and so on.
func page(offset, n, total int) reply {
	var rows []string
	for i := range n {
		rows = append(rows, fmt.Sprintf(`{"username":"user-%d"}`, offset+i))
	}
	return respond(200, fmt.Sprintf(`{"offset":%d,"total":%d,"accounts":[%s]}`, offset, total, strings.Join(rows, ",")))
}

// pages follows a list to its end. It returns the usernames and the number of rows of each page.
func pages(t *testing.T, a *telecomx.Adapter, req *pb.ListDrmAccountsRequest) (usernames []string, sizes []int) {
	t.Helper()
	for range 50 {
		res, err := list(t, a, req)
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, len(res.GetDrmAccounts()))
		for _, account := range res.GetDrmAccounts() {
			usernames = append(usernames, account.GetUsername())
		}
		if req.PageToken = res.GetNextPageToken(); req.PageToken == "" {
			return usernames, sizes
		}
	}
	t.Fatal("the list does not end")
	return nil, nil
}

func TestHowAListIsPaged(t *testing.T) {
	for what, c := range map[string]struct {
		size    int32
		replies []reply
		calls   string // offset and limit of each
		sizes   string
	}{
		"full pages": {1000, []reply{page(0, 500, 1200), page(500, 500, 1200), page(1000, 200, 1200)},
			"0+500 500+500 1000+500", "[1000 200]"},
		"short pages": {1000, []reply{page(0, 300, 700), page(300, 300, 700), page(600, 100, 700)},
			"0+500 300+500 600+400", "[700]"},
		"no total": {1000, []reply{page(0, 500, 0), page(500, 20, 0), page(520, 0, 0)},
			"0+500 500+500 520+480", "[520]"},
		"a total that shrinks":   {1000, []reply{page(0, 500, 600), page(500, 0, 500)}, "0+500 500+500", "[500]"},
		"nothing behind the end": {1000, []reply{page(0, 500, 501), page(500, 0, 0)}, "0+500 500+500", "[500]"},
		"more than requested":    {2, []reply{page(0, 5, 5), page(2, 3, 5), page(4, 1, 5)}, "0+2 2+2 4+2", "[2 2 1]"},
	} {
		a, vendor := serve(t, config(), replies{getAccounts: c.replies})
		usernames, sizes := pages(t, a, &pb.ListDrmAccountsRequest{PageSize: c.size})
		total := 0
		for _, size := range sizes {
			total += size
		}
		for i, u := range usernames {
			if u != "user-"+strconv.Itoa(i) || len(usernames) != total {
				t.Fatalf("%s: row %d of %d is %s", what, i, total, u)
			}
		}
		var calls []string
		for _, made := range vendor.Made(getAccounts) {
			calls = append(calls, made.Query.Get("offset")+"+"+made.Query.Get("limit"))
		}
		if got := strings.Join(calls, " "); got != c.calls || fmt.Sprint(sizes) != c.sizes {
			t.Errorf("%s: the calls are %s, want %s; the pages %v, want %s", what, got, c.calls, sizes, c.sizes)
		}
	}
}

func TestTheTotalIsThatOfTheFilter(t *testing.T) {
	for what, c := range map[string]struct {
		filter string
		total  int
		size   int32
		want   int32
	}{
		"no filter":                                {"", 7, 2, 7},
		"TelecomX ignores case":                    {"donald", 2, 0, 1},
		"of its own search, and more is to come":   {"donald", 9, 1, 0},
		"more accounts than the contract can say":  {"", 1 << 40, 2, 1<<31 - 1},
		"a filter that all of one page's rows fit": {"onald", 2, 2, 2},
	} {
		rows := fmt.Sprintf(`{"total":%d,"accounts":[{"username":"Donald"},{"username":"donald"}]}`, c.total)
		a, _ := serve(t, config(), replies{getAccounts: ok(rows)})
		filter := &pb.DrmAccountFilter{UsernameContains: c.filter}
		res, err := list(t, a, &pb.ListDrmAccountsRequest{PageSize: c.size, Filter: filter})
		if err != nil || res.GetTotalSize() != c.want {
			t.Errorf("%s: total_size is %d, want %d; %v", what, res.GetTotalSize(), c.want, err)
		}
	}
}

func TestASearchThatFindsLittleReturnsAShortPage(t *testing.T) {
	found := []reply{page(0, 7, 15000)} // nothing of it matches
	for i := range 29 {
		found = append(found, page(7+500*i, 500, 15000))
	}
	a, vendor := serve(t, config(), replies{getAccounts: found})
	filter := &pb.DrmAccountFilter{UsernameContains: "USER-"}
	res, err := list(t, a, &pb.ListDrmAccountsRequest{PageSize: 7, Filter: filter})
	if err != nil || len(res.GetDrmAccounts()) != 0 || res.GetNextPageToken() == "" {
		t.Errorf("%v, %v; want an empty page with a token", res, err)
	}
	made := vendor.Made(getAccounts)
	if len(made) != 10 || made[0].Query.Get("limit") != "7" || made[1].Query.Get("limit") != "500" {
		t.Errorf("%d calls were made, want 10, of which the first is for 7 and the others for 500", len(made))
	}
}

func TestTheListOfAnUnknownCustomer(t *testing.T) {
	for _, body := range []string{`{"error":"customer"}`, `{"message":"customer"}`, "customer"} {
		a, _ := serve(t, config(), replies{getAccounts: {respond(404, body)}})
		res, err := list(t, a, &pb.ListDrmAccountsRequest{Filter: &pb.DrmAccountFilter{Customer: another}})
		if err != nil {
			t.Errorf("%s: %v", body, err)
		}
		same(t, body, res, &pb.ListDrmAccountsResponse{})
	}
	c := config()
	c.Customer = another
	for _, body := range []string{`{"error":"customer"}`, "<html>no such page</html>"} {
		a, _ := serve(t, c, replies{getAccounts: {respond(404, body)}})
		_, err := list(t, a, &pb.ListDrmAccountsRequest{})
		want(t, body, err, wiretest.Rejected, "base_url and customer")
	}
}

func TestTheTwinWithSampleDataIsReadToItsEnd(t *testing.T) {
	vendor := emulator.New(emulator.Options{Seed: 7, WithSampleData: true})
	a := adapterTo(t, telecomxtest.Config(), twin.Transport(vendor))
	held := map[string]int{}
	for _, account := range vendor.Accounts() {
		held[account.Customer]++
	}
	for _, customer := range []string{emulator.DefaultCustomerID, emulator.SampleHotel, emulator.SampleHousehold} {
		req := &pb.ListDrmAccountsRequest{PageSize: 1000, View: pb.DrmAccount_FULL}
		req.Filter = &pb.DrmAccountFilter{Customer: customer}
		if usernames, _ := pages(t, a, req); len(usernames) != held[customer] || held[customer] == 0 {
			t.Errorf("of customer %s, %d accounts are listed, want %d", customer, len(usernames), held[customer])
		}
	}
}
