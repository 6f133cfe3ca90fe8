package ncp_test

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/ncp"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// md5OfU is the MD5 of the user id u.
const md5OfU = "7b774effe4a349c6dd82ad4f4f21d34c"

// row is a row as the vendor shows it. Its user is u.
const row = `{"contentId":"c","licenseStatus":"success","drmType":"Widevine","userId":"` + md5OfU + `",` +
	`"deviceId":"d","deviceModel":"m","platformName":"p","licenseCreatedTime":"20240301000000"}`

// at is the row with this time.
func at(created string) string { return strings.Replace(row, "20240301000000", created, 1) }

// rows is a page with these rows.
func rows(all ...string) answer { return ok("[" + strings.Join(all, ",") + "]") }

// instant reads a time such as 2024-03-01T23:59:59.5Z.
func instant(t *testing.T, text string) *timestamppb.Timestamp {
	t.Helper()
	if text == "" {
		return nil
	}
	when, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return timestamppb.New(when)
}

func TestTheExampleOfAHistoryIsRead(t *testing.T) {
	pages := []answer{{Body: fixture(t, "license-history.json")}, rows()}
	a, vendor := serve(t, config(), map[string][]answer{getLicenses: pages})
	res, err := list(t, a, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := &pb.ListLicensesResponse{TotalSize: 5}
	// two rows are equal
	for _, when := range []string{"09:57:32", "08:56:58", "08:56:58", "08:56:25", "08:56:03"} {
		want.Licenses = append(want.Licenses, &pb.License{
			Site: demo, ContentId: "myFirst-Drm-cnt", DrmType: pb.License_WIDEVINE, VendorDrmType: "Widevine",
			Status: pb.License_SUCCESS, VendorStatus: "success", UserIdMd5: "d41d8cd98f00b204e9800998ecf8427e",
			DeviceId: "23abfd802575758cb3bfdc147e819fc6", DeviceModel: "ChromeCDM-Mac-ARM64-9",
			Platform: "PLATFORM_MAC_OS", CreateTime: instant(t, "2023-11-20T"+when+"Z"),
		})
	}
	same(t, "the answer", res, want)
	if got := vendor.Made(getLicenses)[0].Query.Encode(); got != "pageNo=1&pageSize=100&siteId=DEMO" {
		t.Errorf("the first page is asked for with %s", got)
	}
}

func TestWordsAreReadWithoutRegardToCase(t *testing.T) {
	for said, want := range map[[2]string]*pb.License{
		{"SUCCESS", "WIDEVINE"}:  {Status: pb.License_SUCCESS, DrmType: pb.License_WIDEVINE},
		{"Fail", "playready"}:    {Status: pb.License_FAILURE, DrmType: pb.License_PLAYREADY},
		{"FAIL", "FairPlay"}:     {Status: pb.License_FAILURE, DrmType: pb.License_FAIRPLAY},
		{"pending", "Marlin"}:    {},
		{"successful", "NCG"}:    {},
		{"success", "fairplay "}: {Status: pb.License_SUCCESS},
	} {
		words := strings.NewReplacer("success", said[0], "Widevine", said[1], md5OfU, strings.ToUpper(md5OfU))
		a, _ := serve(t, config(), map[string][]answer{getLicenses: {rows(words.Replace(row)), rows()}})
		res, err := list(t, a, nil)
		if err != nil || len(res.GetLicenses()) != 1 {
			t.Fatalf("%v, %v", res, err)
		}
		want.VendorStatus, want.VendorDrmType, want.UserIdMd5 = said[0], said[1], md5OfU
		want.Site, want.ContentId, want.DeviceId, want.DeviceModel, want.Platform = demo, "c", "d", "m", "p"
		want.CreateTime = instant(t, "2024-03-01T00:00:00Z")
		same(t, strings.Join(said[:], " "), res.GetLicenses()[0], want)
	}
}

func TestTimesAreOfTheConfiguredZone(t *testing.T) {
	seoul, err := time.LoadLocation("Asia/Seoul")
	if err != nil {
		t.Fatal(err)
	}
	c := config()
	c.TimeZone = seoul
	start, end := instant(t, "2024-02-29T23:59:59Z"), instant(t, "2024-03-01T00:00:00Z")
	for _, said := range []string{`"20240301085959"`, `1709251199000`, `"1709251199999"`} {
		page := rows(strings.Replace(row, `"20240301000000"`, said, 1))
		a, vendor := serve(t, c, map[string][]answer{getLicenses: {page, rows()}})
		res, err := list(t, a, &pb.LicenseFilter{StartTime: start, EndTime: end})
		if err != nil || len(res.GetLicenses()) != 1 {
			t.Fatalf("%s: %v, %v", said, res, err)
		}
		same(t, said, res.GetLicenses()[0].GetCreateTime(), start)
		if got := asked(vendor.Made(getLicenses)[0]); got != "endTime=1709251200000&startTime=1709251198999" {
			t.Errorf("the second is asked for as %s", got)
		}
	}
}

func TestHistoriesThatContradictThemselvesAreRefused(t *testing.T) {
	for what, page := range map[string]answer{
		"oldest first":           rows(at("20240301000000"), at("20240301000001")),
		"no time":                rows(at("")),
		"another form of time":   rows(at("2024-03-01 at noon")),
		"no day of the calendar": rows(at("20240230000000")),
		"a time that is a list":  rows(strings.Replace(row, `"20240301000000"`, `[]`, 1)),
		"a row that is a number": rows("7"),
	} {
		a, _ := serve(t, config(), map[string][]answer{getLicenses: {page, rows()}})
		_, err := list(t, a, nil)
		want(t, what, err, unreadable)
	}
}

func TestAnEmptyHistoryIsThatOfASiteThatIsThere(t *testing.T) {
	for what, page := range map[string]answer{
		"no rows": rows(), "content null": ok("null"), "no content": {Body: `{"success":true,"total":0}`},
		"2810012": refusal(400, "2810012"), "2810012 in HTTP 200": refusal(200, "2810012"),
	} {
		a, vendor := serve(t, config(), map[string][]answer{getLicenses: {page}, getSite: {siteOn}})
		res, err := list(t, a, nil)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		same(t, what, res, &pb.ListLicensesResponse{})
		vendor.WantMade(getSite, 1)
		a, _ = serve(t, config(), map[string][]answer{getLicenses: {page}, getSite: {refusal(404, "281003")}})
		_, err = list(t, a, nil)
		want(t, what+" of an unknown site", err, notFound)
	}
	a, vendor := serve(t, config(), map[string][]answer{getLicenses: {refusal(400, "281003")}})
	_, err := list(t, a, nil)
	want(t, "a refusal", err, notFound)
	vendor.WantMade(getLicenses, 1)
}

// asked is what a query holds of a search, without what every call has.
func asked(c wiretest.Request) string {
	for _, name := range []string{"siteId", "pageSize", "pageNo"} {
		c.Query.Del(name)
	}
	return c.Query.Encode()
}

// lookalikes are rows that a vendor may return if it matches substrings and takes one condition.
func lookalikes() []string {
	alike := []string{at("20240301000001"), at("20240301000000")}
	for from, to := range map[string]string{
		`"d"`: `"dd"`, md5OfU: "7b774effe4a349c6dd82ad4f4f21d34d", `"c"`: `"C"`, `"m"`: `"m2"`,
		"Widevine": "PlayReady", "success": "fail",
	} {
		alike = append(alike, strings.Replace(row, from, to, 1))
	}
	return append(alike, at("20240229235959"))
}

func TestTheMostSelectiveConditionIsSentAndAllAreApplied(t *testing.T) {
	first, second := instant(t, "2024-03-01T00:00:00Z"), instant(t, "2024-03-01T00:00:01Z")
	whole := &pb.LicenseFilter{
		DeviceId: "d", UserId: "u", ContentId: "c", DeviceModel: "m", DrmType: pb.License_WIDEVINE,
		Status: pb.License_SUCCESS, StartTime: first, EndTime: second,
	}
	const end, start = "endTime=1709251201000", "startTime=1709251199999"
	const widevine, playReady = pb.License_WIDEVINE, pb.License_PLAYREADY
	type filter = pb.LicenseFilter
	for _, c := range []struct {
		filter  *filter
		keyword string // condition=keyword of the search
		rest    string // the other parameters
		rows    int    // of the lookalikes
	}{
		{nil, "", "", 9},
		{&filter{DeviceId: "d"}, "deviceId=d", "", 8},
		{&filter{UserId: "u"}, "userId=" + md5OfU, "", 8},
		{&filter{ContentId: "c"}, "contentId=c", "", 8},
		{&filter{DeviceModel: "m"}, "deviceModel=m", "", 8},
		{&filter{DrmType: widevine}, "drmType=Widevine", "", 8},
		{&filter{DrmType: pb.License_FAIRPLAY}, "drmType=FairPlay", "", 0},
		{&filter{Status: pb.License_SUCCESS}, "", "status=success", 8},
		{&filter{Status: pb.License_FAILURE}, "", "status=fail", 1},
		{&filter{StartTime: first}, "", start, 8},
		{&filter{EndTime: second}, "", end, 8},
		{whole, "deviceId=d", end + "&" + start + "&status=success", 1},
		{&filter{UserId: "u", Status: pb.License_FAILURE, DeviceModel: "m", ContentId: "c"},
			"userId=" + md5OfU, "status=fail", 1},
		{&filter{ContentId: "C", DeviceModel: "m", DrmType: widevine}, "contentId=C", "", 1},
		{&filter{DeviceModel: "a/b&c=% +영화", DrmType: widevine}, "deviceModel=a/b&c=% +영화", "", 0},
		{&filter{DrmType: playReady, StartTime: first}, "drmType=PlayReady", start, 1},
	} {
		a, vendor := serve(t, config(), map[string][]answer{getLicenses: {rows(lookalikes()...), rows()}})
		res, err := list(t, a, c.filter)
		if err != nil || len(res.GetLicenses()) != c.rows || c.filter != nil && res.GetTotalSize() != 0 {
			t.Errorf("%v gives %d rows of %d in all, want %d; %v",
				c.filter, len(res.GetLicenses()), res.GetTotalSize(), c.rows, err)
		}
		params, err := url.ParseQuery(c.rest)
		if err != nil {
			t.Fatal(err)
		}
		if condition, keyword, ok := strings.Cut(c.keyword, "="); ok {
			params.Set("searchCondition", condition)
			params.Set("searchKeyword", keyword)
		}
		if got := asked(vendor.Made(getLicenses)[0]); got != params.Encode() {
			t.Errorf("%v is asked for as %s, want %s", c.filter, got, params.Encode())
		}
	}
}

func TestNamesAndNumbersAreTheConfiguredOnes(t *testing.T) {
	c := config()
	c.PageSizeParameter, c.PageNumberBase, c.DRMTypeCondition = ncp.PageSizeNo, 0, ncp.DRMTypeUnderscore
	c.HashUserID, c.RegionCode = false, "KR"
	for search, filter := range map[string]*pb.LicenseFilter{
		"searchCondition=drm_type&searchKeyword=Widevine": {DrmType: pb.License_WIDEVINE},
		"searchCondition=userId&searchKeyword=u":          {UserId: "u"},
	} {
		a, vendor := serve(t, c, map[string][]answer{getLicenses: {rows(row), rows()}})
		// The row shows the MD5 all the same.
		if res, err := list(t, a, filter); err != nil || len(res.GetLicenses()) != 1 {
			t.Errorf("%v: %v, %v", filter, res, err)
		}
		want := "pageNo=0&pageSizeNo=100&" + search + "&siteId=DEMO"
		if got := vendor.Made(getLicenses)[0].Query.Encode(); got != want {
			t.Errorf("%v is asked for with %s, want %s", filter, got, want)
		}
	}
}

func TestNothingIsAskedForWhereNothingCanMatch(t *testing.T) {
	for what, filter := range map[string]*pb.LicenseFilter{
		"between two seconds": {
			StartTime: instant(t, "2024-03-01T00:00:00.1Z"), EndTime: instant(t, "2024-03-01T00:00:00.9Z"),
		},
		"before 1970": {EndTime: instant(t, "1969-12-31T23:59:59Z")},
		"NCG":         {DrmType: pb.License_NCG},
	} {
		a, vendor := serve(t, config(), map[string][]answer{getSite: {siteOn}})
		res, err := list(t, a, filter)
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		same(t, what, res, &pb.ListLicensesResponse{})
		vendor.Only(getSite) // still, the site must be there
	}
	// Some clients say "no bounds" with the whole of time.
	a, vendor := serve(t, config(), map[string][]answer{getLicenses: {rows(row), rows()}})
	always := &pb.LicenseFilter{
		StartTime: instant(t, "0001-01-01T00:00:00Z"), EndTime: instant(t, "9999-12-31T23:59:59.999999999Z"),
	}
	if res, err := list(t, a, always); err != nil || len(res.GetLicenses()) != 1 {
		t.Errorf("%v, %v", res, err)
	}
	if got := asked(vendor.Made(getLicenses)[0]); got != "endTime="+strconv.Itoa(253402300800000) {
		t.Errorf("all of time is asked for as %s", got)
	}
}

func TestATokenGoesOnBelowItsSecond(t *testing.T) {
	second := func(n int) string { return at(fmt.Sprint("2024030100000", n)) }
	a, vendor := serve(t, config(), map[string][]answer{getLicenses: {
		rows(second(5), second(4), second(1), second(1), second(0)),
		rows(), // the second page, behind the end
		rows(second(2), second(1), second(1), second(0)), // with the second after the pin
		rows(),
	}})
	req := &pb.ListLicensesRequest{Parent: demo, PageSize: 3}
	first, err := a.ListLicenses(t.Context(), req)
	if err != nil || len(first.GetLicenses()) != 3 || first.GetNextPageToken() == "" {
		t.Fatalf("%v, %v", first, err)
	}
	req.PageSize, req.PageToken = 50, first.GetNextPageToken()
	rest, err := a.ListLicenses(t.Context(), req)
	if err != nil || len(rest.GetLicenses()) != 2 || rest.GetNextPageToken() != "" {
		t.Fatalf("%v, %v", rest, err)
	}
	for i, l := range rest.GetLicenses() {
		same(t, "the rest", l.GetCreateTime(), instant(t, fmt.Sprintf("2024-03-01T00:00:0%dZ", 1-i)))
	}
	for _, c := range vendor.Made(getLicenses) {
		if c.Query.Get("endTime") != "" && asked(c) != "endTime=1709251202000" {
			t.Errorf("the rest is asked for as %s", asked(c))
		}
	}
}
