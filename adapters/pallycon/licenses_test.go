package pallycon_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// rows is an answer with these rows, which matches as many in all.
func rows(count int, rows ...string) string {
	return fmt.Sprintf(`{"error_code":"0000","data":[%s],"count":%d}`, strings.Join(rows, ","), count)
}

// at is the row with this reg_time.
func at(regTime string) string { return strings.Replace(row, "20200302235959", regTime, 1) }

func TestTheGuidesLicensesAreRead(t *testing.T) {
	// the guide prints one brace too many
	sample := strings.TrimSuffix(strings.TrimSpace(fixture(t, "drm-license.json")), "}")
	a, vendor := serve(t, config(), map[string]string{getLicenses: sample})
	res, err := a.ListLicenses(t.Context(), &pb.ListLicensesRequest{Parent: demo, Filter: &pb.LicenseFilter{
		ContentId: "configtest",
		Status:    pb.License_SUCCESS,
		StartTime: timestamppb.New(time.Date(2020, 3, 1, 0, 0, 0, 0, time.UTC)),
		EndTime:   timestamppb.New(time.Date(2020, 3, 3, 0, 0, 0, 0, time.UTC)),
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := func(second int) *pb.License {
		return &pb.License{
			Site: demo, ContentId: "configtest", DrmType: pb.License_FAIRPLAY, VendorDrmType: "FairPlay", Status: pb.License_SUCCESS, VendorStatus: "success",
			ErrorCode: "0000", UserId: "uuu", DeviceId: "13406080a61bef63aaa1d99a32f51e31c804e659", DeviceModel: "iOS-device",
			Platform: "iOS", IntegrationType: "gateway", CreateTime: timestamppb.New(time.Date(2020, 3, 2, 23, 59, second, 0, time.UTC)),
		}
	}
	same(t, "the answer", res, &pb.ListLicensesResponse{Licenses: []*pb.License{want(59), want(56)}})

	query := vendor.Only(getLicenses).Query
	for name, value := range map[string]string{ // those of the guide's request sample
		"api_code": "UA003001100", "site_id": "DEMO", "from": "2020-03-01", "to": "2020-03-02",
		"search_status": "success", "search_condition": "cid", "search_keyword": "configtest", "page_index": "1",
	} {
		if got := query[name]; len(got) != 1 || got[0] != value {
			t.Errorf("%s is sent as %q, want %q once", name, got, value)
		}
	}
}

func TestWhatTheContractHasNoWordForKeepsTheVendors(t *testing.T) {
	unknown := strings.NewReplacer("Widevine", "Marlin", "success", "pending").Replace(row)
	a, _ := serve(t, config(), map[string]string{getLicenses: rows(1, unknown)})
	res, err := list(t, a, nil)
	if err != nil || len(res.GetLicenses()) != 1 {
		t.Fatalf("%v, %v", res, err)
	}
	l := res.GetLicenses()[0]
	if l.GetDrmType() != pb.License_DRM_TYPE_UNSPECIFIED || l.GetVendorDrmType() != "Marlin" || l.GetStatus() != pb.License_STATUS_UNSPECIFIED || l.GetVendorStatus() != "pending" {
		t.Errorf("Marlin and pending are shown as %v", l)
	}
}

func TestRegTimeIsOfTheConfiguredZone(t *testing.T) {
	seoul, err := time.LoadLocation("Asia/Seoul")
	if err != nil {
		t.Fatal(err)
	}
	c := config()
	c.TimeZone = seoul
	a, _ := serve(t, c, map[string]string{getLicenses: rows(1, at("20200303005959"))})
	res, err := list(t, a, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := res.GetLicenses()[0].GetCreateTime().AsTime(), time.Date(2020, 3, 2, 15, 59, 59, 0, time.UTC); !got.Equal(want) {
		t.Errorf("create_time is %s, want %s", got, want)
	}
}

func TestAnUnknownSiteIsNotFound(t *testing.T) {
	const sites = `{"error_code":"0000","data":[{"site_id":"TEST","service_name":"Test","product_list":[]}],"count":1}`
	for what, answer := range map[string]string{
		"the vendor refuses":            `{"error_code":"1003","error_message":"there is no such site"}`,
		"the vendor answers no rows":    none,
		"the vendor answers no data":    `{"error_code":"0000"}`,
		"the vendor answers data: null": `{"error_code":"0000","data":null}`,
	} {
		a, _ := serve(t, config(), map[string]string{getLicenses: answer, getSites: sites})
		_, err := list(t, a, nil)
		wantError(t, what, err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
	}
}

func TestAKnownSiteWithoutRowsIsAnEmptyList(t *testing.T) {
	a, vendor := serve(t, config(), map[string]string{getLicenses: none, getSites: fixture(t, "account-siteId.json")})
	res, err := list(t, a, nil)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the answer", res, &pb.ListLicensesResponse{})
	vendor.Only(getSites)
}

func TestARefusalOfAKnownSiteStaysARefusal(t *testing.T) {
	a, _ := serve(t, config(), map[string]string{
		getLicenses: `{"error_code":"9002","error_message":"the period is too long"}`,
		getSites:    fixture(t, "account-siteId.json"),
	})
	_, err := list(t, a, nil)
	e := wantError(t, "ListLicenses", err, codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED)
	if e.Metadata["vendor_code"] != "9002" || e.Metadata["vendor_message"] != "the period is too long" || e.Metadata["vendor_http_status"] != "200" {
		t.Errorf("the metadata are %v", e.Metadata)
	}
}

func TestTotalSizeIsToldWhereItIsExact(t *testing.T) {
	two := []string{at("20200302235959"), at("20200302235958")}
	full := make([]string, 40)
	for i := range full {
		full[i] = at(fmt.Sprintf("202003022359%02d", 59-i))
	}
	for what, c := range map[string]struct {
		answer string
		filter *pb.LicenseFilter
		size   int32
		want   int32
	}{
		"all rows on one page":                  {rows(2, two...), nil, 0, 2},
		"more rows than on this page":           {rows(50_000, full...), nil, 8, 50_000},
		"as many as on a full page: which one?": {rows(40, full...), nil, 8, 0},
		"of one outcome":                        {rows(2, two...), &pb.LicenseFilter{Status: pb.License_SUCCESS}, 0, 2},
		"of what contains a text":               {rows(2, two...), &pb.LicenseFilter{ContentId: "c"}, 0, 0},
		"of whole days":                         {rows(2, two...), &pb.LicenseFilter{EndTime: timestamppb.New(time.Date(2020, 3, 3, 0, 0, 0, 0, time.UTC))}, 0, 0},
		"more than the field can hold":          {rows(3_000_000_000, full...), nil, 8, 0},
	} {
		a, _ := serve(t, config(), map[string]string{getLicenses: c.answer})
		res, err := a.ListLicenses(t.Context(), &pb.ListLicensesRequest{Parent: demo, Filter: c.filter, PageSize: c.size})
		if err != nil || res.GetTotalSize() != c.want {
			t.Errorf("%s: total_size is %d, want %d; %v", what, res.GetTotalSize(), c.want, err)
		}
	}
}

func TestPageIndexCountsFromItsBase(t *testing.T) {
	for base, want := range map[int]string{0: "0", 1: "1"} {
		c := config()
		c.PageIndexBase = base
		a, vendor := serve(t, c, map[string]string{getLicenses: rows(1, row)})
		if _, err := list(t, a, nil); err != nil {
			t.Fatal(err)
		}
		if got := vendor.Only(getLicenses).Query.Get("page_index"); got != want {
			t.Errorf("with page_index_base %d, the first page_index is %s", base, got)
		}
	}
}

func TestHistoriesThatContradictThemselvesAreNotAnswered(t *testing.T) {
	for what, answer := range map[string]string{
		"rows that are counted and not there": rows(7),
		"oldest first":                        rows(2, at("20200302235958"), at("20200302235959")),
		"no time":                             rows(1, at("")),
		"another form of time":                rows(1, at("2020-03-02 23:59:59")),
		"a day that is none":                  rows(1, at("20200230235959")),
	} {
		a, _ := serve(t, config(), map[string]string{getLicenses: answer})
		_, err := list(t, a, nil)
		wantError(t, what, err, codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID)
	}
}

func TestNamesOfOtherThingsAreRefused(t *testing.T) {
	a, vendor := serve(t, config(), nil)
	_, err := a.ListLicenses(t.Context(), &pb.ListLicensesRequest{Parent: "vendors/acme"})
	wantError(t, "ListLicenses", err, codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID)
	_, err = a.DisableSite(t.Context(), &pb.DisableSiteRequest{Name: "vendors/acme"})
	wantError(t, "DisableSite", err, codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID)
	vendor.WantNothing()
}
