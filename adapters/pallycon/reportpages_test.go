package pallycon_test

import (
	"cmp"
	"io"
	"net/http"
	"slices"
	"strconv"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// numbered is a vendor with a report of so many rows, cut into pages.
type numbered struct {
	report
	rows      int
	ofPage    bool // count is of the page
	ignores   bool // the page's number
	calls     int
	units     []string
	zeroBased bool
}

func (n *numbered) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n.calls++
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Path == "/api/v2/account/siteId" {
		_, _ = io.WriteString(w, `{"error_code":"0000","data":[{"site_id":"DEMO"}]}`)
		return
	}
	q := r.URL.Query()
	n.units = append(n.units, q.Get("page_unit"))
	unit, _ := strconv.Atoi(q.Get("page_unit"))
	index, _ := strconv.Atoi(q.Get("page_index"))
	if !n.zeroBased {
		index--
	}
	if n.ignores {
		index = 0
	}
	data := []string{}
	for i := max(0, unit*index); i < min(unit*(index+1), n.rows); i++ {
		data = append(data, n.row(i))
	}
	count := n.rows
	if n.ofPage {
		count = len(data)
	}
	_, _ = io.WriteString(w, rows(count, data...))
}

func TestReportsArePagedWhateverThePageSizes(t *testing.T) {
	for _, r := range reports {
		for _, ofPage := range []bool{false, true} {
			for _, n := range []int{1, 24, 25, 26, 99, 100, 101, 1000, 1001, 2345} {
				for _, sizes := range [][]int32{{0}, {25}, {1000, 1, 300}, {3, 1000}, {26, 24}} {
					vendor := &numbered{report: r, rows: n, ofPage: ofPage}
					a := adapterTo(t, config(), twin.Transport(vendor))
					var ids []string
					token := ""
					for i := 0; ; i++ {
						size := sizes[i%len(sizes)]
						res, err := r.list(t, a, ask{demo, r.least, size, token})
						if err != nil {
							t.Fatalf("%s of %d rows, page %d: %v", r.name, n, i, err)
						}
						rows, next, total := page(res)
						if most := int(size); most > 0 && len(rows) > most {
							t.Errorf("%d rows for page_size %d", len(rows), most)
						}
						if total != 0 && total != n {
							t.Errorf("total_size %d of %d rows", total, n)
						}
						// a full page may be all there is, or one of many
						unit := max(25, cmp.Or(int(size), 100))
						if !ofPage && i == 0 && n != unit && total != n {
							t.Errorf("%d rows are counted, and total_size is %d", n, total)
						}
						for _, row := range rows {
							ids = append(ids, r.id(row))
						}
						if token = next; token == "" {
							break
						}
					}
					for i, id := range ids {
						if id != strconv.Itoa(i) {
							t.Fatalf("%s of %d rows with page sizes %d: row %d is %s", r.name, n, sizes, i, id)
						}
					}
					if len(ids) != n {
						t.Errorf("%s with page sizes %d: %d rows of %d", r.name, sizes, len(ids), n)
					}
					if slices.ContainsFunc(vendor.units, func(u string) bool { return u != vendor.units[0] }) {
						t.Errorf("page_unit changes from page to page: %v", vendor.units)
					}
				}
			}
		}
	}
}

func TestAReportThatFewRowsMatchReadsABoundedNumberOfPages(t *testing.T) {
	vendor := &numbered{report: reports[0], rows: 30_500}
	a := adapterTo(t, config(), twin.Transport(vendor))
	var found []proto.Message
	calls := 0
	for q := (ask{parent: demo, filter: &pb.ReportFilter{UserId: "30499"}}); calls == 0 || q.token != ""; calls++ {
		before := vendor.calls
		res, err := reports[0].list(t, a, q)
		if err != nil {
			t.Fatal(err)
		}
		if n := vendor.calls - before; n > 13 { // one of them finds the site
			t.Errorf("one call reads %d pages", n)
		}
		var rows []proto.Message
		rows, q.token, _ = page(res)
		found = append(found, rows...)
	}
	if len(found) != 1 || calls < 2 {
		t.Errorf("%d rows in %d calls", len(found), calls)
	}
}

func TestAVendorThatNumbersPagesOtherwiseIsNoticed(t *testing.T) {
	for what, vendor := range map[string]*numbered{
		"the page's number is ignored": {report: reports[0], rows: 1000, ignores: true},
		"pages count from 0":           {report: reports[0], rows: 7, zeroBased: true},
	} {
		a := adapterTo(t, config(), twin.Transport(vendor))
		var err error
		for q, i := (ask{parent: demo, size: 100}), 0; i < 100 && err == nil; i++ {
			var res proto.Message
			if res, err = reports[0].list(t, a, q); err == nil {
				_, q.token, _ = page(res)
			}
		}
		wantError(t, what, err, codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID)
	}
}

func TestAReportsTokenBelongsToItsRequest(t *testing.T) {
	for _, r := range reports {
		a := adapterTo(t, config(), twin.Transport(&numbered{report: r, rows: 300}))
		res, err := r.list(t, a, ask{demo, r.least, 100, ""})
		if err != nil {
			t.Fatal(err)
		}
		_, token, _ := page(res)
		for what, q := range map[string]ask{
			"another period":  {demo, &pb.ReportFilter{StartDate: "2020-03-01", ContentId: r.least.GetContentId()}, 100, token},
			"another site":    {"vendors/acme/sites/TEST", r.least, 100, token},
			"half of a token": {demo, r.least, 100, token[:len(token)/2]},
		} {
			_, err := r.list(t, a, q)
			e := wantError(t, r.name+": "+what, err, codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID)
			if len(e.Violations) != 1 || e.Violations[0].GetField() != "page_token" {
				t.Errorf("%s: %s: violations %v", r.name, what, e.Violations)
			}
		}
	}
}
