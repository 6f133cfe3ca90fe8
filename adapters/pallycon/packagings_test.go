package pallycon_test

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/pallycon"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

const getPack = "GET /api/v2/drm/pack"

// packed is a row of the packaging history, by seconds of one day.
type packed struct {
	cid             string
	created, update int
}

func second(n int) string {
	return time.Date(2024, 2, 29, 0, 0, n, 0, time.UTC).Format("20060102150405")
}

// packager is a vendor with a packaging history, in pages that hold so many rows.
type packager struct {
	rows   []packed
	holds  int
	ofPage bool // count is of the page
	// than the cursor; nil is by created_time and then by update_time
	later   func(p packed, c, u string) bool
	before  func() // every answer
	cursors []string
}

func (v *packager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if v.before != nil {
		v.before()
	}
	c, u := r.URL.Query().Get("last_created_time_cid"), r.URL.Query().Get("last_update_time")
	v.cursors = append(v.cursors, c+"/"+u)
	slices.SortStableFunc(v.rows, func(a, b packed) int {
		return cmp.Or(cmp.Compare(a.created, b.created), cmp.Compare(a.update, b.update))
	})
	var data []string
	matching := 0
	for _, p := range v.rows {
		is := second(p.created) > c || second(p.created) == c && second(p.update) > u
		if v.later != nil {
			is = v.later(p, c, u)
		}
		if c != "" && !is || !strings.Contains(p.cid, r.URL.Query().Get("search_keyword")) {
			continue
		}
		if matching++; len(data) < v.holds {
			data = append(data, fmt.Sprintf(`{"site_id":"DEMO","cid":%q,"track":"HD","created_time":%q,"update_time":%q}`, p.cid, second(p.created), second(p.update)))
		}
	}
	if v.ofPage {
		matching = len(data)
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, rows(matching, data...))
}

// packagings pages through DEMO's packagings with these page sizes, and answers the contents.
func packagings(t *testing.T, a *pallycon.Adapter, filter *pb.ReportFilter, sizes ...int32) ([]string, error) {
	t.Helper()
	var contents []string
	req := &pb.ListPackagingsRequest{Parent: demo, Filter: filter}
	for i := range 5000 {
		req.PageSize = sizes[i%len(sizes)]
		res, err := a.ListPackagings(t.Context(), req)
		if err != nil {
			return contents, err
		}
		if n := len(res.GetPackagings()); req.PageSize > 0 && n > int(req.PageSize) {
			t.Errorf("%d rows for page_size %d", n, req.PageSize)
		}
		for _, p := range res.GetPackagings() {
			contents = append(contents, p.GetContentId())
		}
		if req.PageToken = res.GetNextPageToken(); req.PageToken == "" {
			return contents, nil
		}
	}
	t.Fatal("the list does not end")
	return nil, nil
}

// shelf is a history in which up to most rows have the very same times, and contents were packaged
// again long after.
func shelf(n, most int) []packed {
	var all []packed
	for i, s := 0, 0; i < n; s++ {
		for j := range min(1+s%most, n-i) {
			update := s
			if s%3 == 0 {
				update = s + j%2*500
			}
			all = append(all, packed{fmt.Sprintf("content-%d", i), s, update})
			i++
		}
	}
	return all
}

func TestEveryPackagingComesOnce(t *testing.T) {
	for _, holds := range []int{4, 5, 7, 25, 1000} {
		for _, ofPage := range []bool{false, true} {
			for _, sizes := range [][]int32{{1}, {3}, {0}, {1000}, {2, 7, 1}} {
				most := 4 // rows with the very same times
				if ofPage {
					// a page of them alone, of a vendor that does not tell how many there are,
					// might be a part of them
					most = 3
				}
				vendor := &packager{rows: shelf(60, most), holds: holds, ofPage: ofPage}
				got, err := packagings(t, adapterTo(t, config(), twin.Transport(vendor)), nil, sizes...)
				if err != nil {
					t.Fatalf("pages of %d, page sizes %d: %v", holds, sizes, err)
				}
				var want []string
				for _, p := range vendor.rows {
					want = append(want, p.cid)
				}
				if !slices.Equal(got, want) {
					t.Errorf("pages of %d, page sizes %d: %v, want %v", holds, sizes, got, want)
				}
			}
		}
	}
}

func TestPackagingsThatArriveLeaveTheOthersInTheirPlace(t *testing.T) {
	vendor := &packager{rows: shelf(60, 3), holds: 10}
	held := map[string]int{}
	for _, p := range vendor.rows {
		held[p.cid] = 1
	}
	late := 0
	vendor.before = func() {
		late++
		vendor.rows = append(vendor.rows,
			packed{fmt.Sprintf("late-%d", late), 1000 + late, 1000 + late}, // a new content
			// packaged again: a row among the earlier ones
			packed{fmt.Sprintf("again-%d", late), late % 30, 1000 + late},
		)
		if late > 20 {
			vendor.before = nil
		}
	}
	got, err := packagings(t, adapterTo(t, config(), twin.Transport(vendor)), nil, 7)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, cid := range got {
		seen[cid]++
	}
	for cid := range held {
		if seen[cid] != 1 {
			t.Errorf("%s comes %d times", cid, seen[cid])
		}
	}
}

func TestTheCursorStepsBackOneSecond(t *testing.T) {
	vendor := &packager{rows: []packed{{"a", 0, 0}, {"b", 60, 3600}, {"c", 86_399, 86_400}}, holds: 2}
	a := adapterTo(t, config(), twin.Transport(vendor))
	if got, err := packagings(t, a, nil, 0); err != nil || fmt.Sprint(got) != "[a b c]" {
		t.Fatalf("%v, %v", got, err)
	}
	want := []string{"/", "20240229000059/20240229005959", "20240229235958/20240229235959"}
	if !slices.Equal(vendor.cursors, want) {
		t.Errorf("the cursors are %q, want %q", vendor.cursors, want)
	}
}

func TestAVendorThatWantsEitherTimeToBeLaterLosesNothing(t *testing.T) {
	vendor := &packager{holds: 5, later: func(p packed, c, u string) bool { return second(p.created) > c && second(p.update) > u }}
	var want []string
	for i := range 40 { // two at a time, and none packaged again
		vendor.rows = append(vendor.rows, packed{fmt.Sprint(i), i / 2, i / 2})
		want = append(want, fmt.Sprint(i))
	}
	got, err := packagings(t, adapterTo(t, config(), twin.Transport(vendor)), nil, 3)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestMoreEqualPackagingsThanAPageHolds(t *testing.T) {
	crowd := func(n int, then ...packed) []packed {
		all := []packed{{"first", 0, 0}}
		for i := range n {
			all = append(all, packed{fmt.Sprint(i), 5, 5})
		}
		return append(all, then...)
	}
	for what, c := range map[string]struct {
		vendor *packager
		fails  bool
	}{
		"as many as a page holds":                     {&packager{rows: crowd(3), holds: 3}, false},
		"as many as a page holds, and others":         {&packager{rows: crowd(2, packed{"z", 9, 9}), holds: 3}, false},
		"more, which the count shows":                 {&packager{rows: crowd(5), holds: 3}, true},
		"more, which those behind them show":          {&packager{rows: crowd(5, packed{"z", 9, 9}), holds: 3, ofPage: true}, true},
		"many of one created_time, packaged later":    {&packager{rows: []packed{{"a", 5, 5}, {"b", 5, 6}, {"c", 5, 7}, {"d", 5, 8}, {"e", 5, 9}, {"f", 5, 10}, {"g", 5, 11}}, holds: 3, ofPage: true}, false},
		"many of one created_time, two at a time":     {&packager{rows: []packed{{"a", 5, 5}, {"b", 5, 5}, {"c", 5, 7}, {"d", 5, 7}, {"e", 5, 9}, {"f", 5, 9}, {"g", 5, 11}}, holds: 3}, false},
		"one row alone, and a page that holds no two": {&packager{rows: []packed{{"a", 5, 5}}, holds: 1}, false},
	} {
		got, err := packagings(t, adapterTo(t, config(), twin.Transport(c.vendor)), nil, 2)
		if c.fails {
			wantError(t, what, err, codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID)
		} else if err != nil || len(got) != len(c.vendor.rows) {
			t.Errorf("%s: %v, %v", what, got, err)
		}
	}
}

func TestPackagingsAreReadAsTheGuideDescribesThem(t *testing.T) {
	seoul, err := time.LoadLocation("Asia/Seoul")
	if err != nil {
		t.Fatal(err)
	}
	s := config()
	s.TimeZone, s.ToInclusive = seoul, false
	a, vendor := serve(t, s, map[string]string{getPack: rows(4,
		`{"site_id":"DEMO","cid":"xtest","track":"HD","created_time":"20200302080000","update_time":"20200302080000"}`,
		`{"site_id":"DEMO","cid":"test","track":"SD","created_time":"20200302085959","update_time":"20210302000000"}`,
		`{"site_id":"DEMO","cid":"Test","track":"HD","created_time":"20200302090000","update_time":"20210302000000"}`,
		`{"site_id":"DEMO","cid":"test","track":"AUDIO","created_time":"20200302090000","update_time":""}`)})
	_, err = a.ListPackagings(t.Context(), &pb.ListPackagingsRequest{Parent: demo})
	wantError(t, "rows out of order", err, codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID)

	disordered := `"created_time":"20200302090000","update_time":"20210302000000"`
	ordered := `"created_time":"20200302090000","update_time":"20200302090000"`
	reply := &vendor.Replies[getPack][0]
	reply.Body = strings.Replace(reply.Body, disordered, ordered, 1)
	vendor.Forget()
	res, err := a.ListPackagings(t.Context(), &pb.ListPackagingsRequest{Parent: demo, PageSize: 2, Filter: &pb.ReportFilter{StartDate: "2020-03-01", EndDate: "2020-03-02", ContentId: "test"}})
	if err != nil {
		t.Fatal(err)
	}
	utc := func(hour, minute, sec int) *timestamppb.Timestamp {
		return timestamppb.New(time.Date(2020, 3, 1, hour, minute, sec, 0, time.UTC))
	}
	same(t, "the answer", res, &pb.ListPackagingsResponse{NextPageToken: res.GetNextPageToken(), Packagings: []*pb.Packaging{
		{Site: demo, ContentId: "test", Track: "SD", CreateTime: utc(23, 59, 59), UpdateTime: timestamppb.New(time.Date(2021, 3, 1, 15, 0, 0, 0, time.UTC))},
		{Site: demo, ContentId: "test", Track: "AUDIO", CreateTime: utc(24, 0, 0)},
	}})
	if got, want := fmt.Sprint(single(vendor.Made(getPack)[0].Query)), fmt.Sprint(map[string]string{
		"api_code": "UA003001100", "site_id": "DEMO", "from": "2020-03-01", "to": "2020-03-03", "search_condition": "cid", "search_keyword": "test",
	}); got != want {
		t.Errorf("asks with %s, want %s", got, want)
	}
}

func TestAPackagingsConditionsAreKeptFromPageToPage(t *testing.T) {
	vendor := &packager{rows: []packed{{"test", 0, 0}, {"mytest", 1, 1}, {"other", 2, 2}, {"test", 3, 3}, {"test2", 4, 4}, {"test", 5, 5}}, holds: 2}
	got, err := packagings(t, adapterTo(t, config(), twin.Transport(vendor)), &pb.ReportFilter{ContentId: "test"}, 1)
	if err != nil || fmt.Sprint(got) != "[test test test]" {
		t.Errorf("%v, %v", got, err)
	}
}

func TestPackagingsFailAsTheVendorDoes(t *testing.T) {
	const others = `{"error_code":"0000","data":[{"site_id":"TEST"}]}`
	one := func(created, update string) string {
		return rows(1, fmt.Sprintf(`{"cid":"c","track":"HD","created_time":%q,"update_time":%q}`, created, update))
	}
	for what, c := range map[string]struct {
		answer, sites string
		code          codes.Code
		reason        pb.ErrorReason
	}{
		"nothing of an unknown site":   {none, others, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND},
		"a refusal of an unknown site": {`{"error_code":"1003"}`, others, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND},
		"a refusal of a known site":    {`{"error_code":"4711"}`, fixture(t, "account-siteId.json"), codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED},
		"no created_time":              {one("", "20200302090000"), "", codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID},
		"another form of time":         {one("20200302090000", "2020-03-02"), "", codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID},
	} {
		a, _ := serve(t, config(), map[string]string{getPack: c.answer, getSites: c.sites})
		_, err := a.ListPackagings(t.Context(), &pb.ListPackagingsRequest{Parent: demo})
		wantError(t, what, err, c.code, c.reason)
	}
	a, vendor := serve(t, config(), map[string]string{getPack: none, getSites: fixture(t, "account-siteId.json")})
	res, err := a.ListPackagings(t.Context(), &pb.ListPackagingsRequest{Parent: demo})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "of a site without packagings", res, &pb.ListPackagingsResponse{})
	vendor.Only(getPack)
	for field, filter := range map[string]*pb.ReportFilter{
		"filter.user_id": {UserId: "u"}, "filter.device_id": {DeviceId: "d"}, "filter.device_model": {DeviceModel: "m"},
		"filter.drm_type": {DrmType: pb.License_NCG}, "filter.status": {Status: pb.License_SUCCESS}, "filter.start_date": {StartDate: "2021-02-29"},
	} {
		_, err := a.ListPackagings(t.Context(), &pb.ListPackagingsRequest{Parent: demo, Filter: filter})
		if e := wantError(t, field, err, codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID); len(e.Violations) != 1 || e.Violations[0].GetField() != field {
			t.Errorf("%s: violations %v", field, e.Violations)
		}
	}
	_, err = a.ListPackagings(t.Context(), &pb.ListPackagingsRequest{Parent: "vendors/acme"})
	wantError(t, "the name of a vendor", err, codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID)
	_, err = a.ListPackagings(t.Context(), &pb.ListPackagingsRequest{Parent: demo, PageToken: "next"})
	wantError(t, "what is no token", err, codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID)
}
