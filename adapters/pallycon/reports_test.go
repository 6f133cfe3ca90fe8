package pallycon_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/adapters/pallycon"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// The calls of the reports.
const (
	getUsers        = "GET /api/v2/drm/user"
	getDevices      = "GET /api/v2/drm/device"
	getContents     = "GET /api/v2/drm/cid-drmLicense"
	getContentUsers = "GET /api/v2/drm/cid-user"
)

// ask is what the requests of all reports have.
type ask struct {
	parent string
	filter *pb.ReportFilter
	size   int32
	token  string
}

// report is one of the four reports, whatever its messages.
type report struct {
	name, call, sample string
	list               func(t *testing.T, a *pallycon.Adapter, q ask) (proto.Message, error)
	takes              []string // the fields of ReportFilter
	least              *pb.ReportFilter
	row                func(id int) string // a row of the vendor's, with an id
	id                 func(row proto.Message) string
}

var reports = []report{
	{
		name: "ListLicenseUsers", call: getUsers, sample: "drm-user.json", takes: []string{"start_date", "end_date", "user_id"},
		list: func(t *testing.T, a *pallycon.Adapter, q ask) (proto.Message, error) {
			return a.ListLicenseUsers(t.Context(), &pb.ListLicenseUsersRequest{Parent: q.parent, Filter: q.filter, PageSize: q.size, PageToken: q.token})
		},
		row: func(id int) string {
			return fmt.Sprintf(`{"user_id":"%d","license_cnt":3,"device_cnt":1,"success":2,"fail":1}`, id)
		},
		id: func(row proto.Message) string { return row.(*pb.LicenseUser).GetUserId() },
	},
	{
		name: "ListLicenseDevices", call: getDevices, sample: "drm-device.json", takes: []string{"start_date", "end_date", "device_id", "device_model"},
		list: func(t *testing.T, a *pallycon.Adapter, q ask) (proto.Message, error) {
			return a.ListLicenseDevices(t.Context(), &pb.ListLicenseDevicesRequest{Parent: q.parent, Filter: q.filter, PageSize: q.size, PageToken: q.token})
		},
		row: func(id int) string {
			return fmt.Sprintf(`{"device_id":"%d","device_model":"m","license_cnt":3,"success":2,"fail":1}`, id)
		},
		id: func(row proto.Message) string { return row.(*pb.LicenseDevice).GetDeviceId() },
	},
	{
		name: "ListLicenseContents", call: getContents, sample: "drm-cid-drmLicense.json", takes: []string{"start_date", "end_date", "content_id", "status"},
		list: func(t *testing.T, a *pallycon.Adapter, q ask) (proto.Message, error) {
			return a.ListLicenseContents(t.Context(), &pb.ListLicenseContentsRequest{Parent: q.parent, Filter: q.filter, PageSize: q.size, PageToken: q.token})
		},
		row: func(id int) string { return fmt.Sprintf(`{"cid":"%d","license_cnt":3}`, id) },
		id:  func(row proto.Message) string { return row.(*pb.LicenseContent).GetContentId() },
	},
	{
		name: "ListContentUsers", call: getContentUsers, sample: "drm-cid-user.json", takes: []string{"content_id", "start_date", "end_date", "user_id", "status"},
		list: func(t *testing.T, a *pallycon.Adapter, q ask) (proto.Message, error) {
			return a.ListContentUsers(t.Context(), &pb.ListContentUsersRequest{Parent: q.parent, Filter: q.filter, PageSize: q.size, PageToken: q.token})
		},
		least: &pb.ReportFilter{ContentId: "bigbuckbunny"},
		row:   func(id int) string { return fmt.Sprintf(`{"cid":"bigbuckbunny","user_id":"%d","license_cnt":3}`, id) },
		id:    func(row proto.Message) string { return row.(*pb.ContentUser).GetUserId() },
	},
}

// page reads what all answers have.
func page(res proto.Message) (rows []proto.Message, token string, total int) {
	m := res.ProtoReflect()
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsList() && f.Message() != nil:
			for i := range v.List().Len() {
				rows = append(rows, v.List().Get(i).Message().Interface())
			}
		case f.Name() == "next_page_token":
			token = v.String()
		case f.Name() == "total_size":
			total = int(v.Int())
		}
		return true
	})
	return rows, token, total
}

// sample is a response sample of the guide, without a brace too many at its end.
func sample(t *testing.T, name string) string {
	t.Helper()
	text := strings.TrimSpace(fixture(t, name))
	if strings.Count(text, "}") > strings.Count(text, "{") {
		text = strings.TrimSuffix(text, "}")
	}
	return text
}

func TestTheGuidesReportsAreRead(t *testing.T) {
	want := map[string]proto.Message{
		getUsers: &pb.ListLicenseUsersResponse{TotalSize: 3, LicenseUsers: []*pb.LicenseUser{
			{Site: demo, UserId: "ta5uwrsw", LicenseCount: 1, DeviceCount: 1, SuccessCount: 1},
			{Site: demo, UserId: "uuu", LicenseCount: 1729, DeviceCount: 1, SuccessCount: 1729},
			{Site: demo, UserId: "5xhsdd36", LicenseCount: 1, DeviceCount: 1, SuccessCount: 1},
		}},
		getDevices: &pb.ListLicenseDevicesResponse{TotalSize: 4, LicenseDevices: []*pb.LicenseDevice{
			{Site: demo, DeviceId: "ea2e698d95b28441422f4997d6ffd5450a", DeviceModel: "ChromeCDM-Windows-2", LicenseCount: 1732, SuccessCount: 1732},
			{Site: demo, DeviceId: "13406080a61bef63aaa1d99a32f51e31c804e659", DeviceModel: "iOS-device", LicenseCount: 1729, SuccessCount: 1729},
			{Site: demo, DeviceId: "ab3dd736cd46607abbd81ec942e07a620a", DeviceModel: "ChromeCDM-Mac-2", LicenseCount: 1, SuccessCount: 1},
			{Site: demo, DeviceId: "d838f619-69e0-4e3a-9b48-5a1b52ce287a", DeviceModel: "playready-device", LicenseCount: 1728, SuccessCount: 1728},
		}},
		getContents: &pb.ListLicenseContentsResponse{TotalSize: 2, LicenseContents: []*pb.LicenseContent{
			{Site: demo, ContentId: "bigbuckbunny", LicenseCount: 1733}, {Site: demo, ContentId: "configtest", LicenseCount: 1729},
		}},
		getContentUsers: &pb.ListContentUsersResponse{TotalSize: 2, ContentUsers: []*pb.ContentUser{
			{Site: demo, ContentId: "bigbuckbunny", UserId: "test-user", LicenseCount: 1728}, {Site: demo, ContentId: "bigbuckbunny", UserId: "rd1z7c08", LicenseCount: 1},
		}},
	}
	for _, r := range reports {
		a, vendor := serve(t, config(), map[string]string{r.call: sample(t, r.sample)})
		filter := &pb.ReportFilter{StartDate: "2020-03-01", EndDate: "2020-03-02", ContentId: r.least.GetContentId()}
		res, err := r.list(t, a, ask{parent: demo, filter: filter})
		if err != nil {
			t.Errorf("%s: %v", r.name, err)
			continue
		}
		same(t, r.name, res, want[r.call])
		query := map[string]string{"api_code": "UA003001100", "site_id": "DEMO", "from": "2020-03-01", "to": "2020-03-02", "page_unit": "100", "page_index": "1"}
		if r.least != nil {
			query["cid"] = "bigbuckbunny"
		}
		if got := single(vendor.Only(r.call).Query); fmt.Sprint(got) != fmt.Sprint(query) {
			t.Errorf("%s asks with %v, want %v", r.name, got, query)
		}
	}
}

func TestEveryConditionOfAReportIsSentAndAppliedExactly(t *testing.T) {
	bodies := map[string]string{
		getUsers:        rows(3, `{"user_id":"test","license_cnt":1}`, `{"user_id":"configtest","license_cnt":2}`, `{"user_id":"Test","license_cnt":3}`),
		getDevices:      rows(4, `{"device_id":"test","device_model":"m","license_cnt":1}`, `{"device_id":"test","device_model":"mm","license_cnt":2}`, `{"device_id":"TEST","device_model":"m","license_cnt":3}`, `{"device_id":"test2","device_model":"m","license_cnt":4}`),
		getContents:     rows(3, `{"cid":"test","license_cnt":1}`, `{"cid":"configtest","license_cnt":2}`, `{"cid":"Test","license_cnt":3}`),
		getContentUsers: rows(4, `{"cid":"test","user_id":"u","license_cnt":1}`, `{"cid":"configtest","user_id":"u","license_cnt":2}`, `{"cid":"test","user_id":"U","license_cnt":3}`, `{"cid":"test","user_id":"uu","license_cnt":4}`),
	}
	for _, c := range []struct {
		report int
		filter *pb.ReportFilter
		query  string // besides those of every call
		unit   string
		want   string // license_cnt of the rows
		total  int
	}{
		{0, nil, "", "100", "[1 2 3]", 3},
		{0, &pb.ReportFilter{UserId: "test"}, "search_keyword=test", "1000", "[1]", 0},
		{0, &pb.ReportFilter{UserId: "a/b&c=% +영화"}, "search_keyword=a%2Fb%26c%3D%25+%2B%EC%98%81%ED%99%94", "1000", "[]", 0},
		{1, nil, "", "100", "[1 2 3 4]", 4},
		{1, &pb.ReportFilter{DeviceId: "test"}, "search_keyword=test", "1000", "[1 2]", 0},
		{1, &pb.ReportFilter{DeviceModel: "m"}, "", "1000", "[1 3 4]", 0},
		{1, &pb.ReportFilter{DeviceId: "test", DeviceModel: "m"}, "search_keyword=test", "1000", "[1]", 0},
		{2, &pb.ReportFilter{ContentId: "test"}, "", "1000", "[1]", 0},
		{2, &pb.ReportFilter{Status: pb.License_SUCCESS}, "search_status=success", "100", "[1 2 3]", 3},
		{2, &pb.ReportFilter{Status: pb.License_FAILURE, ContentId: "Test"}, "search_status=fail", "1000", "[3]", 0},
		{3, &pb.ReportFilter{ContentId: "test"}, "cid=test", "100", "[1 3 4]", 0},
		{3, &pb.ReportFilter{ContentId: "test", UserId: "u", Status: pb.License_FAILURE}, "cid=test&search_status=fail", "1000", "[1]", 0},
	} {
		r := reports[c.report]
		a, vendor := serve(t, config(), map[string]string{r.call: bodies[r.call], getSites: fixture(t, "account-siteId.json")})
		res, err := r.list(t, a, ask{parent: demo, filter: c.filter})
		if err != nil {
			t.Errorf("%s %v: %v", r.name, c.filter, err)
			continue
		}
		got := []int64{}
		rows, _, total := page(res)
		for _, row := range rows {
			m := row.ProtoReflect()
			got = append(got, m.Get(m.Descriptor().Fields().ByName("license_count")).Int())
		}
		if fmt.Sprint(got) != c.want || total != c.total {
			t.Errorf("%s %v: rows %v of %d, want %s of %d", r.name, c.filter, got, total, c.want, c.total)
		}
		query := vendor.Only(r.call).Query
		if query.Get("page_unit") != c.unit {
			t.Errorf("%s %v: page_unit %s, want %s", r.name, c.filter, query.Get("page_unit"), c.unit)
		}
		if got := asked(query); got != c.query {
			t.Errorf("%s %v asks for %s, want %s", r.name, c.filter, got, c.query)
		}
	}
}

func TestAReportRefusesConditionsItDoesNotTake(t *testing.T) {
	values := map[string]func(*pb.ReportFilter){
		"start_date":   func(f *pb.ReportFilter) { f.StartDate = "2020-03-01" },
		"end_date":     func(f *pb.ReportFilter) { f.EndDate = "2020-03-01" },
		"content_id":   func(f *pb.ReportFilter) { f.ContentId = "x" },
		"user_id":      func(f *pb.ReportFilter) { f.UserId = "x" },
		"device_id":    func(f *pb.ReportFilter) { f.DeviceId = "x" },
		"device_model": func(f *pb.ReportFilter) { f.DeviceModel = "x" },
		"drm_type":     func(f *pb.ReportFilter) { f.DrmType = pb.License_NCG },
		"status":       func(f *pb.ReportFilter) { f.Status = pb.License_SUCCESS },
	}
	if n := (&pb.ReportFilter{}).ProtoReflect().Descriptor().Fields().Len(); n != len(values) {
		t.Fatalf("ReportFilter has %d fields, and %d are tried", n, len(values))
	}
	for _, r := range reports {
		for field, set := range values {
			filter := &pb.ReportFilter{}
			if r.least != nil {
				filter = proto.CloneOf(r.least)
			}
			set(filter)
			a, vendor := serve(t, config(), map[string]string{r.call: none, getSites: fixture(t, "account-siteId.json")})
			_, err := r.list(t, a, ask{parent: demo, filter: filter})
			if slices.Contains(r.takes, field) {
				if err != nil {
					t.Errorf("%s with %s: %v", r.name, field, err)
				}
				continue
			}
			e := wantError(t, r.name+" with "+field, err, codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID)
			if len(e.Violations) != 1 || e.Violations[0].GetField() != "filter."+field || !strings.Contains(e.Message, strings.Join(r.takes, ", ")) || !strings.Contains(e.Message, r.name) {
				t.Errorf("%s with %s: it says %q, of the fields %v", r.name, field, e.Message, e.Violations)
			}
			if len(vendor.All()) > 0 {
				t.Errorf("%s with %s: the vendor was asked", r.name, field)
			}
		}
	}
	a, _ := serve(t, config(), nil)
	_, err := a.ListLicenseUsers(t.Context(), &pb.ListLicenseUsersRequest{Parent: demo, Filter: &pb.ReportFilter{DrmType: pb.License_NCG, DeviceId: "d", EndDate: "2020-02-30"}})
	if e := wantError(t, "several mistakes", err, codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID); len(e.Violations) != 3 {
		t.Errorf("of three mistakes, these are told: %v", e.Violations)
	}
	_, err = a.ListContentUsers(t.Context(), &pb.ListContentUsersRequest{Parent: demo, Filter: &pb.ReportFilter{}})
	if e := wantError(t, "no content", err, codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID); len(e.Violations) != 1 || e.Violations[0].GetField() != "filter.content_id" {
		t.Errorf("without a content: %v", e.Violations)
	}
}

func TestDatesAreDaysOfTheCalendarAndBothInclusive(t *testing.T) {
	for _, c := range []struct {
		start, end string
		inclusive  bool
		want       string // "": the field that is refused
		field      string
	}{
		{"2020-02-29", "2020-02-29", true, "from=2020-02-29&to=2020-02-29", ""},
		{"2020-02-29", "2020-02-29", false, "from=2020-02-29&to=2020-03-01", ""},
		{"", "2020-12-31", false, "to=2021-01-01", ""},
		{"2020-12-31", "", false, "from=2020-12-31", ""},
		{"", "9999-12-31", true, "to=9999-12-31", ""},
		{"", "9999-12-31", false, "", ""},
		{"2021-02-29", "", true, "", "filter.start_date"},
		{"", "2020-13-01", true, "", "filter.end_date"},
		{"", "2020-1-1", true, "", "filter.end_date"},
		{"tomorrow", "", true, "", "filter.start_date"},
	} {
		for _, r := range reports {
			s := config()
			s.ToInclusive = c.inclusive
			a, vendor := serve(t, s, map[string]string{r.call: none, getSites: fixture(t, "account-siteId.json")})
			_, err := r.list(t, a, ask{parent: demo, filter: &pb.ReportFilter{StartDate: c.start, EndDate: c.end, ContentId: r.least.GetContentId()}})
			what := fmt.Sprintf("%s from %q to %q", r.name, c.start, c.end)
			if c.field != "" {
				if e := wantError(t, what, err, codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID); len(e.Violations) != 1 || e.Violations[0].GetField() != c.field {
					t.Errorf("%s: violations %v", what, e.Violations)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", what, err)
				continue
			}
			query := vendor.Only(r.call).Query
			query.Del("cid")
			if got := asked(query); got != c.want {
				t.Errorf("%s asks for %s, want %s", what, got, c.want)
			}
		}
	}
}

func TestReportsFailAsTheVendorDoes(t *testing.T) {
	const others = `{"error_code":"0000","data":[{"site_id":"TEST"}]}`
	for _, r := range reports {
		for what, c := range map[string]struct {
			answer, sites string
			code          codes.Code
			reason        pb.ErrorReason
		}{
			"nothing of an unknown site":    {none, others, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND},
			"a refusal of an unknown site":  {`{"error_code":"1003","error_message":"no site"}`, others, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND},
			"a refusal of a known site":     {`{"error_code":"4711","error_message":"no"}`, fixture(t, "account-siteId.json"), codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED},
			"a count that no number holds":  {rows(1, strings.Replace(r.row(1), ":3", ":3000000000", 1)), "", codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID},
			"rows that are no rows":         {rows(1, `"x"`), "", codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID},
			"a brace too many":              {fixture(t, "drm-user.json"), "", codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID},
			"rows that are counted, and no": {rows(9), "", codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID},
		} {
			a, _ := serve(t, config(), map[string]string{r.call: c.answer, getSites: c.sites})
			_, err := r.list(t, a, ask{parent: demo, filter: r.least})
			wantError(t, r.name+": "+what, err, c.code, c.reason)
		}
		a, _ := serve(t, config(), map[string]string{r.call: none, getSites: fixture(t, "account-siteId.json")})
		res, err := r.list(t, a, ask{parent: demo, filter: r.least})
		if err != nil || proto.Size(res) != 0 {
			t.Errorf("%s of a site without rows: %v, %v", r.name, res, err)
		}
		_, err = r.list(t, a, ask{parent: "vendors/acme", filter: r.least})
		wantError(t, r.name, err, codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID)
	}
}
