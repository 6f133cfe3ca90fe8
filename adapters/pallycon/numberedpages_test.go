package pallycon_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/pallycon"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// orderedSites is a vendor with so many orders, which it lists as another reading of the guide has
// it.
type orderedSites struct {
	orders int
	base   int // page_index of the first page
	// rows of a page at most, whatever is asked for; 0 does not limit them
	most  int
	count func(page, all int) int   // nil is of all
	stuck bool                      // page_index is ignored
	asked []string                  // page_unit and page_index of every call
	named func(seq int) (id string) // account_id
}

func (v *orderedSites) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	v.asked = append(v.asked, q.Get("page_unit")+"/"+q.Get("page_index"))
	unit, _ := strconv.Atoi(q.Get("page_unit"))
	index, _ := strconv.Atoi(q.Get("page_index"))
	if v.most > 0 {
		unit = min(unit, v.most)
	}
	if v.stuck {
		index = v.base
	}
	var rows []string
	for i := max(index-v.base, 0) * unit; i < v.orders && len(rows) < unit; i++ {
		account := "acme"
		if v.named != nil {
			account = v.named(i)
		}
		rows = append(rows, fmt.Sprintf(`{"seq":%d,"account_id":%q,"service_name":"s","status":"Request","reg_time":"20240302080000"}`, v.orders-i, account))
	}
	count := v.orders
	if v.count != nil {
		count = v.count(len(rows), v.orders)
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"error_code":"0000","data":[%s],"count":%d}`, strings.Join(rows, ","), count)
}

// listAll pages through the orders, with these page sizes in turn, and answers their numbers.
func listAll(t *testing.T, v http.Handler, c pallycon.Config, filter *pb.SiteOrderFilter, sizes ...int32) (ids []string, totals map[int32]bool, err error) {
	t.Helper()
	a := adapterTo(t, c, twin.Transport(v))
	req := &pb.ListSiteOrdersRequest{Parent: "vendors/acme", Filter: filter}
	totals = map[int32]bool{}
	for page := range 1000 {
		req.PageSize = sizes[page%len(sizes)]
		res, err := a.ListSiteOrders(t.Context(), req)
		if err != nil {
			return ids, totals, err
		}
		if n := len(res.GetSiteOrders()); n > int(req.GetPageSize()) {
			t.Errorf("%d rows for page_size %d", n, req.GetPageSize())
		}
		totals[res.GetTotalSize()] = true
		for _, o := range res.GetSiteOrders() {
			ids = append(ids, strings.TrimPrefix(o.GetName(), "vendors/acme/siteOrders/"))
		}
		if req.PageToken = res.GetNextPageToken(); req.GetPageToken() == "" {
			return ids, totals, nil
		}
	}
	t.Fatal("the list does not end")
	return nil, nil, nil
}

func TestANumberedListIsWholeWhateverCountAndPagesMean(t *testing.T) {
	ofPage := func(page, _ int) int { return page }
	for _, n := range []int{0, 1, 24, 25, 26, 50, 100, 101} {
		for what, vendor := range map[string]*orderedSites{
			"count is of all":              {base: 1},
			"count is of the page":         {base: 1, count: ofPage},
			"count is missing":             {base: 1, count: func(int, int) int { return 0 }},
			"pages begin at 0":             {base: 0},
			"pages are shorter than asked": {base: 1, most: 10},
		} {
			c := config()
			c.PageIndexBase, vendor.orders = vendor.base, n
			for _, sizes := range [][]int32{{1000}, {25}, {1}, {7, 1000, 3}} {
				ids, totals, err := listAll(t, vendor, c, nil, sizes...)
				if err != nil || len(ids) != n {
					t.Errorf("%s, %d rows, page sizes %d: got %d, %v", what, n, sizes, len(ids), err)
				}
				for i, id := range ids {
					if id != strconv.Itoa(n-i) {
						t.Fatalf("%s, %d rows, page sizes %d: row %d is %s", what, n, sizes, i, id)
					}
				}
				for total := range totals {
					if total != 0 && total != int32(n) {
						t.Errorf("%s, %d rows, page sizes %d: total_size is %d", what, n, sizes, total)
					}
				}
			}
		}
	}
}

func TestThePageUnitStaysWhileTheListIsRead(t *testing.T) {
	vendor := &orderedSites{orders: 120, base: 1}
	if _, _, err := listAll(t, vendor, config(), nil, 50, 7, 1000); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(vendor.asked, " "); got != "50/1 50/2 50/2 50/3" {
		t.Errorf("the vendor was asked for the pages %s", got)
	}
}

func TestAListThatContradictsItselfIsAnError(t *testing.T) {
	for what, vendor := range map[string]*orderedSites{
		"every page is the first":           {orders: 120, base: 1, stuck: true},
		"page_index_base is 1, and 0 here":  {orders: 120, base: 0},
		"one page, which is asked for past": {orders: 20, base: 0},
	} {
		for _, sizes := range [][]int32{{1000}, {50}, {1}} {
			_, _, err := listAll(t, vendor, config(), nil, sizes...)
			if what == "every page is the first" && sizes[0] == 1000 {
				continue // it is the only one
			}
			wantError(t, what, err, codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID)
		}
	}
	a := adapterTo(t, config(), twin.Transport(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"error_code":"0000","count":0,"data":[`+strings.Repeat(`{"seq":1},`, 25)+`{"seq":1}]}`)
	})))
	_, err := a.ListSiteOrders(t.Context(), &pb.ListSiteOrdersRequest{PageSize: 25})
	wantError(t, "more rows than asked for", err, codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID)
}

func TestASearchThatFindsLittleAnswersShort(t *testing.T) {
	vendor := &orderedSites{orders: 15_500, base: 1, named: func(i int) string {
		if i == 15_499 {
			return "acme-kr"
		}
		return "acme"
	}}
	a := adapterTo(t, config(), twin.Transport(vendor))
	req := &pb.ListSiteOrdersRequest{Filter: &pb.SiteOrderFilter{AccountId: "acme-kr"}}
	first, err := a.ListSiteOrders(t.Context(), req)
	if err != nil || len(first.GetSiteOrders()) > 0 || first.GetNextPageToken() == "" || len(vendor.asked) > 20 {
		t.Fatalf("%v after %d calls, %v", first, len(vendor.asked), err)
	}
	req.PageToken = first.GetNextPageToken()
	second, err := a.ListSiteOrders(t.Context(), req)
	if err != nil || len(second.GetSiteOrders()) != 1 || second.GetNextPageToken() != "" {
		t.Errorf("%v, %v", second, err)
	}
}

func TestALookForOneThingEndsSomewhere(t *testing.T) {
	vendor := &orderedSites{orders: 10_000_000, base: 1}
	a := adapterTo(t, config(), twin.Transport(vendor))
	_, err := a.GetSiteOrder(t.Context(), &pb.GetSiteOrderRequest{Name: "vendors/acme/siteOrders/1"})
	wantError(t, "in a list without an end", err, codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID)
}
