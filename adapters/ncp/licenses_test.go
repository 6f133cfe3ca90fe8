package ncp_test

import (
	"crypto/md5"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/ncp"
	"github.com/drmhub/drmhub/adapters/ncp/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// row is a row as the vendor shows it. Its user is u.
const row = `{"contentId":"c","licenseStatus":"success","drmType":"Widevine","userId":"7b774effe4a349c6dd82ad4f4f21d34c","deviceId":"d","deviceModel":"m",` +
	`"platformName":"p","licenseCreatedTime":"20240301000000"}`

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
	a, vendor := serve(t, config(), map[string][]answer{getLicenses: {{Body: fixture(t, "license-history.json")}, rows()}})
	res, err := list(t, a, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := &pb.ListLicensesResponse{TotalSize: 5}
	// two rows are equal
	for _, when := range []string{"09:57:32", "08:56:58", "08:56:58", "08:56:25", "08:56:03"} {
		want.Licenses = append(want.Licenses, &pb.License{
			Site: demo, ContentId: "myFirst-Drm-cnt", DrmType: pb.License_WIDEVINE, VendorDrmType: "Widevine", Status: pb.License_SUCCESS, VendorStatus: "success",
			UserIdMd5: "d41d8cd98f00b204e9800998ecf8427e", DeviceId: "23abfd802575758cb3bfdc147e819fc6", DeviceModel: "ChromeCDM-Mac-ARM64-9",
			Platform: "PLATFORM_MAC_OS", CreateTime: instant(t, "2023-11-20T"+when+"Z"),
		})
	}
	same(t, "the answer", res, want)
	if got := vendor.Made(getLicenses)[0].Query.Encode(); got != "pageNo=1&pageSize=100&siteId=DEMO" {
		t.Errorf("the first page is asked for with %s", got)
	}
}

func TestWordsAreReadWithoutRegardToCase(t *testing.T) {
	for said, want := range map[string]*pb.License{
		"SUCCESS WIDEVINE":  {Status: pb.License_SUCCESS, DrmType: pb.License_WIDEVINE},
		"Fail playready":    {Status: pb.License_FAILURE, DrmType: pb.License_PLAYREADY},
		"FAIL FairPlay":     {Status: pb.License_FAILURE, DrmType: pb.License_FAIRPLAY},
		"pending Marlin":    {},
		"successful NCG":    {},
		"success fairplay ": {Status: pb.License_SUCCESS, DrmType: pb.License_DRM_TYPE_UNSPECIFIED},
	} {
		status, drm, _ := strings.Cut(said, " ")
		if strings.HasSuffix(said, " ") {
			drm = "fairplay "
		}
		page := rows(strings.NewReplacer("success", status, "Widevine", drm, "7b774effe4a349c6dd82ad4f4f21d34c", "7B774EFFE4A349C6DD82AD4F4F21D34C").Replace(row))
		a, _ := serve(t, config(), map[string][]answer{getLicenses: {page, rows()}})
		res, err := list(t, a, nil)
		if err != nil || len(res.GetLicenses()) != 1 {
			t.Fatalf("%v, %v", res, err)
		}
		l := res.GetLicenses()[0]
		if l.GetStatus() != want.GetStatus() || l.GetDrmType() != want.GetDrmType() || l.GetVendorStatus() != status || l.GetVendorDrmType() != drm {
			t.Errorf("%q is shown as %v", said, l)
		}
		if l.GetUserId() != "" || l.GetUserIdMd5() != "7b774effe4a349c6dd82ad4f4f21d34c" {
			t.Errorf("the user is shown as %q and %q", l.GetUserId(), l.GetUserIdMd5())
		}
	}
}

func TestTimesAreOfTheConfiguredZone(t *testing.T) {
	seoul, err := time.LoadLocation("Asia/Seoul")
	if err != nil {
		t.Fatal(err)
	}
	c := config()
	c.TimeZone = seoul
	for said, want := range map[string]string{`"20240301085959"`: "2024-02-29T23:59:59Z", `1709251199000`: "2024-02-29T23:59:59Z", `"1709251199999"`: "2024-02-29T23:59:59Z"} {
		a, _ := serve(t, c, map[string][]answer{getLicenses: {rows(strings.Replace(row, `"20240301000000"`, said, 1)), rows()}})
		res, err := list(t, a, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := res.GetLicenses()[0].GetCreateTime().AsTime().Format(time.RFC3339Nano); got != want {
			t.Errorf("%s is shown as %s, want %s", said, got, want)
		}
	}
}

func TestHistoriesThatContradictThemselvesAreNotAnswered(t *testing.T) {
	for what, page := range map[string]answer{
		"oldest first":           rows(at("20240301000000"), at("20240301000001")),
		"no time":                rows(at("")),
		"another form of time":   rows(at("2024-03-01 00:00:00")),
		"a day that is none":     rows(at("20240230000000")),
		"a time that is a list":  rows(strings.Replace(row, `"20240301000000"`, `[]`, 1)),
		"a row that is a number": rows("7"),
	} {
		a, _ := serve(t, config(), map[string][]answer{getLicenses: {page, rows()}})
		_, err := list(t, a, nil)
		wantError(t, what, err, unreadable.Code, unreadable.Reason)
	}
}

func TestAnEmptyHistoryIsThatOfASiteThatIsThere(t *testing.T) {
	for what, page := range map[string]answer{
		"no rows": rows(), "content null": ok("null"), "no content": {Body: `{"success":true,"total":0}`}, "2810012": refusal(400, "2810012"), "2810012 in HTTP 200": refusal(200, "2810012"),
	} {
		a, vendor := serve(t, config(), map[string][]answer{getLicenses: {page}, getSite: {siteOn}})
		res, err := list(t, a, nil)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		same(t, what, res, &pb.ListLicensesResponse{})
		vendor.WantMade(getSite, 1)
		a, _ = serve(t, config(), map[string][]answer{getLicenses: {page}, getSite: {refusal(404, "281003")}})
		_, err = list(t, a, nil)
		wantError(t, what+" of an unknown site", err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
	}
	a, vendor := serve(t, config(), map[string][]answer{getLicenses: {refusal(400, "281003")}})
	_, err := list(t, a, nil)
	wantError(t, "a refusal", err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
	vendor.WantMade(getLicenses, 1)
}

// asked is what a query holds of a search, without what every call has.
func asked(c wiretest.Request) string {
	for _, name := range []string{"siteId", "pageSize", "pageNo"} {
		c.Query.Del(name)
	}
	return c.Query.Encode()
}

func TestTheMostSelectiveConditionIsSentAndAllAreApplied(t *testing.T) {
	user := fmt.Sprintf("%x", md5.Sum([]byte("u")))
	whole := &pb.LicenseFilter{
		DeviceId: "d", UserId: "u", ContentId: "c", DeviceModel: "m", DrmType: pb.License_WIDEVINE, Status: pb.License_SUCCESS,
		StartTime: instant(t, "2024-03-01T00:00:00Z"), EndTime: instant(t, "2024-03-01T00:00:01Z"),
	}
	// What a vendor may answer that matches substrings and more, and takes one condition.
	lookalikes := []string{at("20240301000001"), at("20240301000000")}
	for _, change := range []string{
		`"d"→"dd"`, `7b774effe4a349c6dd82ad4f4f21d34c→7b774effe4a349c6dd82ad4f4f21d34d`, `"c"→"C"`, `"m"→"m2"`, `Widevine→PlayReady`, `success→fail`,
	} {
		from, to, _ := strings.Cut(change, "→")
		lookalikes = append(lookalikes, strings.Replace(row, from, to, 1))
	}
	lookalikes = append(lookalikes, at("20240229235959"))

	const end, start = "endTime=1709251201000", "startTime=1709251199999"
	for want, c := range map[string]struct {
		filter *pb.LicenseFilter
		rows   int // of the lookalikes
	}{
		"": {nil, 9},
		"searchCondition=deviceId&searchKeyword=d":       {&pb.LicenseFilter{DeviceId: "d"}, 8},
		"searchCondition=userId&searchKeyword=" + user:   {&pb.LicenseFilter{UserId: "u"}, 8},
		"searchCondition=contentId&searchKeyword=c":      {&pb.LicenseFilter{ContentId: "c"}, 8},
		"searchCondition=deviceModel&searchKeyword=m":    {&pb.LicenseFilter{DeviceModel: "m"}, 8},
		"searchCondition=drmType&searchKeyword=Widevine": {&pb.LicenseFilter{DrmType: pb.License_WIDEVINE}, 8},
		"searchCondition=drmType&searchKeyword=FairPlay": {&pb.LicenseFilter{DrmType: pb.License_FAIRPLAY}, 0},
		"status=success": {&pb.LicenseFilter{Status: pb.License_SUCCESS}, 8},
		"status=fail":    {&pb.LicenseFilter{Status: pb.License_FAILURE}, 1},
		start:            {&pb.LicenseFilter{StartTime: whole.StartTime}, 8},
		end:              {&pb.LicenseFilter{EndTime: whole.EndTime}, 8},
		end + "&searchCondition=deviceId&searchKeyword=d&" + start + "&status=success":    {whole, 1},
		"searchCondition=userId&searchKeyword=" + user + "&status=fail":                   {&pb.LicenseFilter{UserId: "u", Status: pb.License_FAILURE, DeviceModel: "m", ContentId: "c"}, 1},
		"searchCondition=contentId&searchKeyword=C":                                       {&pb.LicenseFilter{ContentId: "C", DeviceModel: "m", DrmType: pb.License_WIDEVINE}, 1},
		"searchCondition=deviceModel&searchKeyword=a%2Fb%26c%3D%25+%2B%EC%98%81%ED%99%94": {&pb.LicenseFilter{DeviceModel: "a/b&c=% +영화", DrmType: pb.License_WIDEVINE}, 0},
		"searchCondition=drmType&searchKeyword=PlayReady&" + start:                        {&pb.LicenseFilter{DrmType: pb.License_PLAYREADY, StartTime: whole.StartTime}, 1},
	} {
		a, vendor := serve(t, config(), map[string][]answer{getLicenses: {rows(lookalikes...), rows()}})
		res, err := list(t, a, c.filter)
		if err != nil || len(res.GetLicenses()) != c.rows || c.filter != nil && res.GetTotalSize() != 0 {
			t.Errorf("%v gives %d rows of %d lookalikes, of %d in all, want %d; %v", c.filter, len(res.GetLicenses()), len(lookalikes), res.GetTotalSize(), c.rows, err)
		}
		if got := asked(vendor.Made(getLicenses)[0]); got != want {
			t.Errorf("%v is asked for as %s, want %s", c.filter, got, want)
		}
	}
}

func TestNamesAndNumbersAreTheConfiguredOnes(t *testing.T) {
	c := config()
	c.PageSizeParameter, c.PageNumberBase, c.DRMTypeCondition, c.HashUserID, c.RegionCode = ncp.PageSizeNo, 0, ncp.DRMTypeUnderscore, false, "KR"
	for want, filter := range map[string]*pb.LicenseFilter{
		"pageNo=0&pageSizeNo=100&searchCondition=drm_type&searchKeyword=Widevine&siteId=DEMO": {DrmType: pb.License_WIDEVINE},
		"pageNo=0&pageSizeNo=100&searchCondition=userId&searchKeyword=u&siteId=DEMO":          {UserId: "u"},
	} {
		a, vendor := serve(t, c, map[string][]answer{getLicenses: {rows(row), rows()}})
		// the row shows the MD5 all the same
		if res, err := list(t, a, filter); err != nil || len(res.GetLicenses()) != 1 {
			t.Errorf("%v: %v, %v", filter, res, err)
		}
		if got := vendor.Made(getLicenses)[0].Query.Encode(); got != want {
			t.Errorf("%v is asked for with %s, want %s", filter, got, want)
		}
	}
}

func TestNothingIsAskedForWhereNothingCanMatch(t *testing.T) {
	for what, filter := range map[string]*pb.LicenseFilter{
		"between two seconds": {StartTime: instant(t, "2024-03-01T00:00:00.1Z"), EndTime: instant(t, "2024-03-01T00:00:00.9Z")},
		"before 1970":         {EndTime: instant(t, "1969-12-31T23:59:59Z")},
		"NCG":                 {DrmType: pb.License_NCG},
	} {
		a, vendor := serve(t, config(), map[string][]answer{getSite: {siteOn}})
		res, err := list(t, a, filter)
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		same(t, what, res, &pb.ListLicensesResponse{})
		vendor.Only(getSite) // still, the site must be there
	}
	// The whole of time, as a client says it that means no bounds.
	a, vendor := serve(t, config(), map[string][]answer{getLicenses: {rows(row), rows()}})
	res, err := list(t, a, &pb.LicenseFilter{StartTime: instant(t, "0001-01-01T00:00:00Z"), EndTime: instant(t, "9999-12-31T23:59:59.999999999Z")})
	if err != nil || len(res.GetLicenses()) != 1 {
		t.Errorf("%v, %v", res, err)
	}
	if got := asked(vendor.Made(getLicenses)[0]); got != "endTime="+strconv.Itoa(253402300800000) {
		t.Errorf("all of time is asked for as %s", got)
	}
}

func TestTimesChooseExactlyWhateverTheVendorSearches(t *testing.T) {
	for _, zone := range []*time.Location{time.UTC, time.FixedZone("KST", 9*3600), time.FixedZone("odd", -(5*3600 + 45*60))} {
		for _, exclusive := range []bool{false, true} {
			vendor := emulator.New(emulator.Options{Assumptions: emulator.Assumptions{Zone: zone, EndExclusive: exclusive}})
			vendor.PutSites(emulator.Site{SiteID: "DEMO", SiteName: "Demo_site", Enabled: true})
			midnight := time.Date(2024, 3, 1, 0, 0, 0, 0, zone)
			var held []time.Time
			for _, d := range []time.Duration{-24 * time.Hour, -time.Second, 0, time.Second, 2 * time.Second, 24 * time.Hour} {
				held = append(held, midnight.Add(d))
				vendor.PutLicenses("DEMO", emulator.License{ContentID: "c", DRMType: "Widevine", CreatedTime: midnight.Add(d)})
			}
			c := twinConfig()
			c.TimeZone = zone
			a := adapterTo(t, c, twin.Transport(vendor))
			var edges []time.Time
			for _, h := range held {
				edges = append(edges, h.Add(-time.Millisecond), h, h.Add(time.Millisecond))
			}
			for i, start := range edges {
				for _, end := range edges[i+1:] {
					want := 0
					for _, h := range held {
						if !h.Before(start) && h.Before(end) {
							want++
						}
					}
					res, err := list(t, a, &pb.LicenseFilter{StartTime: timestamppb.New(start), EndTime: timestamppb.New(end)})
					if got := len(res.GetLicenses()); err != nil || got != want {
						t.Errorf("%v, exclusive %t, from %s to %s: %d rows, want %d; %v", zone, exclusive, start.Format(time.RFC3339Nano), end.Format(time.RFC3339Nano), got, want, err)
					}
				}
			}
		}
	}
}

func TestATokenGoesOnBelowItsSecond(t *testing.T) {
	a, vendor := serve(t, config(), map[string][]answer{getLicenses: {
		rows(at("20240301000005"), at("20240301000004"), at("20240301000001"), at("20240301000001"), at("20240301000000")),
		rows(), // the second page, behind the end
		// the second behind the pin, too
		rows(at("20240301000002"), at("20240301000001"), at("20240301000001"), at("20240301000000")),
		rows(),
	}})
	first, err := a.ListLicenses(t.Context(), &pb.ListLicensesRequest{Parent: demo, PageSize: 3})
	if err != nil || len(first.GetLicenses()) != 3 || first.GetNextPageToken() == "" {
		t.Fatalf("%v, %v", first, err)
	}
	rest, err := a.ListLicenses(t.Context(), &pb.ListLicensesRequest{Parent: demo, PageSize: 50, PageToken: first.GetNextPageToken()})
	if err != nil || len(rest.GetLicenses()) != 2 || rest.GetNextPageToken() != "" {
		t.Fatalf("%v, %v", rest, err)
	}
	got := []string{}
	for _, l := range rest.GetLicenses() {
		got = append(got, l.GetCreateTime().AsTime().Format("15:04:05"))
	}
	if fmt.Sprint(got) != "[00:00:01 00:00:00]" {
		t.Errorf("the rest is of %v", got)
	}
	for _, c := range vendor.Made(getLicenses) {
		if c.Query.Get("endTime") != "" && asked(c) != "endTime=1709251202000" {
			t.Errorf("the rest is asked for as %s", asked(c))
		}
	}
}
