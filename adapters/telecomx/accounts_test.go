package telecomx_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/drmhub/drmhub/adapters/telecomx"
	"github.com/drmhub/drmhub/adapters/telecomx/emulator"
	"github.com/drmhub/drmhub/adapters/telecomx/telecomxtest"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

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
