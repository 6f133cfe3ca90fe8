package pallycon_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/pallycon"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// instant reads a time such as 2020-03-02T23:59:59.5Z.
func instant(t *testing.T, text string) *timestamppb.Timestamp {
	t.Helper()
	if text == "" {
		return nil
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return timestamppb.New(at)
}

// asked is what a query holds of a search, without what every call has.
func asked(query url.Values) string {
	for _, name := range []string{"api_code", "site_id", "page_unit", "page_index"} {
		query.Del(name)
	}
	return query.Encode()
}

func TestTheMostSelectiveConditionIsSentAndAllAreApplied(t *testing.T) {
	whole := &pb.LicenseFilter{
		DeviceId: "d", UserId: "u", ContentId: "c", DeviceModel: "m", DrmType: pb.License_WIDEVINE, Status: pb.License_SUCCESS,
		StartTime: instant(t, "2020-03-02T23:59:59Z"), EndTime: instant(t, "2020-03-03T00:00:00Z"),
	}
	// What a vendor may answer that matches substrings and days, and takes one condition.
	lookalikes := []string{at("20200302235959")}
	for _, change := range []string{
		`"device_id":"d"→"device_id":"dd"`, `"user_id":"u"→"user_id":"a u"`, `"cid":"c"→"cid":"C"`, `"device_model":"m"→"device_model":"m2"`,
		`Widevine→PlayReady`, `success→fail`,
	} {
		from, to, _ := strings.Cut(change, "→")
		lookalikes = append(lookalikes, strings.Replace(row, from, to, 1))
	}
	lookalikes = append(lookalikes, at("20200302235958"))
	lookalikes = append([]string{at("20200303000000")}, lookalikes...)

	for want, c := range map[string]struct {
		filter *pb.LicenseFilter
		rows   int // of the lookalikes
	}{
		"": {nil, 9},
		"search_condition=device_id&search_keyword=d":       {&pb.LicenseFilter{DeviceId: "d"}, 8},
		"search_condition=user_id&search_keyword=u":         {&pb.LicenseFilter{UserId: "u"}, 8},
		"search_condition=cid&search_keyword=c":             {&pb.LicenseFilter{ContentId: "c"}, 8},
		"search_condition=device_model&search_keyword=m":    {&pb.LicenseFilter{DeviceModel: "m"}, 8},
		"search_condition=drm_type&search_keyword=Widevine": {&pb.LicenseFilter{DrmType: pb.License_WIDEVINE}, 8},
		"search_condition=drm_type&search_keyword=NCG":      {&pb.LicenseFilter{DrmType: pb.License_NCG}, 0},
		"search_status=success":                             {&pb.LicenseFilter{Status: pb.License_SUCCESS}, 8},
		"search_status=fail":                                {&pb.LicenseFilter{Status: pb.License_FAILURE}, 1},
		"from=2020-03-02":                                   {&pb.LicenseFilter{StartTime: whole.StartTime}, 8},
		"to=2020-03-02":                                     {&pb.LicenseFilter{EndTime: whole.EndTime}, 8},
		"from=2020-03-02&search_condition=device_id&search_keyword=d&search_status=success&to=2020-03-02": {whole, 1},
		"search_condition=user_id&search_keyword=a+u&search_status=fail":                                  {&pb.LicenseFilter{UserId: "a u", Status: pb.License_FAILURE, DeviceModel: "m", ContentId: "c"}, 0},
		"search_condition=cid&search_keyword=C":                                                           {&pb.LicenseFilter{ContentId: "C", DeviceModel: "m", DrmType: pb.License_WIDEVINE}, 1},
		"search_condition=device_model&search_keyword=a%2Fb%26c%3D%25+%2B%EC%98%81%ED%99%94":              {&pb.LicenseFilter{DeviceModel: "a/b&c=% +영화", DrmType: pb.License_NCG}, 0},
		"from=2020-03-02&search_condition=device_model&search_keyword=m2":                                 {&pb.LicenseFilter{DeviceModel: "m2", StartTime: whole.StartTime}, 1},
		"search_condition=drm_type&search_keyword=PlayReady&to=2020-03-02":                                {&pb.LicenseFilter{DrmType: pb.License_PLAYREADY, EndTime: whole.EndTime}, 1},
	} {
		a, vendor := serve(t, config(), map[string]string{getLicenses: rows(len(lookalikes), lookalikes...)})
		res, err := list(t, a, c.filter)
		if err != nil || len(res.GetLicenses()) != c.rows {
			t.Errorf("%v gives %d rows of %d lookalikes, want %d; %v", c.filter, len(res.GetLicenses()), len(lookalikes), c.rows, err)
		}
		if got := asked(vendor.Only(getLicenses).Query); got != want {
			t.Errorf("%v is asked for as %s, want %s", c.filter, got, want)
		}
	}
}

func TestTimesBecomeTheVendorsDays(t *testing.T) {
	seoul, err := time.LoadLocation("Asia/Seoul")
	if err != nil {
		t.Fatal(err)
	}
	exclusive := func(c *pallycon.Config) { c.ToInclusive = false }
	inSeoul := func(c *pallycon.Config) { c.TimeZone = seoul }
	for _, c := range []struct {
		start, end string
		setting    func(*pallycon.Config)
		want       string
	}{
		{"2020-03-02T00:00:00Z", "2020-03-03T00:00:00Z", nil, "from=2020-03-02&to=2020-03-02"},
		{"2020-03-02T23:59:59Z", "2020-03-03T00:00:01Z", nil, "from=2020-03-02&to=2020-03-03"},
		// reg_time has whole seconds, so that the first one after a start is the next, and the last
		// one before an end is its own.
		{"2020-03-02T23:59:59.001Z", "2020-03-03T00:00:00.001Z", nil, "from=2020-03-03&to=2020-03-03"},
		{"2020-03-01T23:59:59.5Z", "2020-03-02T23:59:59.5Z", nil, "from=2020-03-02&to=2020-03-02"},
		{"", "2020-03-03T00:00:00Z", exclusive, "to=2020-03-03"},
		{"", "2020-03-03T00:00:00.001Z", exclusive, "to=2020-03-04"},
		{"", "2020-02-29T00:00:00Z", exclusive, "to=2020-02-29"},
		{"2020-03-02T14:59:59Z", "2020-03-02T15:00:00Z", inSeoul, "from=2020-03-02&to=2020-03-02"},
		{"2020-03-02T15:00:00Z", "2020-03-02T15:00:00.001Z", inSeoul, "from=2020-03-03&to=2020-03-03"},
		// A client that means no end says the last instant that the contract can say. The vendor's
		// days have four digits for the year.
		{"0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z", nil, "from=0001-01-01&to=9998-12-31"},
		{"", "9999-12-31T23:59:59.999999999Z", inSeoul, "to=9998-12-31"},
		{"", "9999-12-31T00:00:00Z", exclusive, "to=9999-01-01"},
		{"9999-12-31T23:59:59.999999999Z", "", inSeoul, "from=9999-01-01"},
	} {
		s := config()
		if c.setting != nil {
			c.setting(&s)
		}
		a, vendor := serve(t, s, map[string]string{getLicenses: none, getSites: fixture(t, "account-siteId.json")})
		if _, err := list(t, a, &pb.LicenseFilter{StartTime: instant(t, c.start), EndTime: instant(t, c.end)}); err != nil {
			t.Errorf("from %s to %s: %v", c.start, c.end, err)
			continue
		}
		if got := asked(vendor.Only(getLicenses).Query); got != c.want {
			t.Errorf("from %s to %s is asked for as %s, want %s", c.start, c.end, got, c.want)
		}
	}
}

func TestTimesChooseToTheSecond(t *testing.T) {
	seoul, err := time.LoadLocation("Asia/Seoul")
	if err != nil {
		t.Fatal(err)
	}
	// Midnight in Seoul, and the seconds around it.
	three := rows(3, at("20200303000001"), at("20200303000000"), at("20200302235959"))
	for _, c := range []struct {
		start, end string
		want       int
	}{
		{"2020-03-02T14:59:59Z", "", 3},
		{"2020-03-02T14:59:59.001Z", "", 2},
		{"2020-03-02T15:00:00Z", "", 2},
		{"2020-03-02T15:00:00.999Z", "", 1},
		{"", "2020-03-02T15:00:01.001Z", 3},
		{"", "2020-03-02T15:00:01Z", 2},
		{"", "2020-03-02T15:00:00.001Z", 2},
		{"", "2020-03-02T15:00:00Z", 1},
		{"", "2020-03-02T14:59:59Z", 0},
		{"2020-03-02T14:59:59.999Z", "2020-03-02T15:00:00.001Z", 1},
		{"0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z", 3},
		{"9999-12-31T23:59:59Z", "", 0},
	} {
		s := config()
		s.TimeZone = seoul
		a, _ := serve(t, s, map[string]string{getLicenses: three})
		res, err := list(t, a, &pb.LicenseFilter{StartTime: instant(t, c.start), EndTime: instant(t, c.end)})
		if err != nil || len(res.GetLicenses()) != c.want {
			t.Errorf("from %s to %s: %d rows, want %d; %v", c.start, c.end, len(res.GetLicenses()), c.want, err)
		}
	}
}

func TestNothingIsAskedForBetweenTwoSeconds(t *testing.T) {
	// At the turn of a day, from would be after to.
	for _, c := range [][2]string{
		{"2020-03-02T23:59:59.1Z", "2020-03-02T23:59:59.9Z"},
		{"2020-03-02T12:00:00.1Z", "2020-03-02T12:00:00.2Z"},
		{"9999-12-30T00:00:00Z", "9999-12-31T00:00:00Z"},
	} {
		filter := &pb.LicenseFilter{StartTime: instant(t, c[0]), EndTime: instant(t, c[1])}
		a, vendor := serve(t, config(), map[string]string{getSites: fixture(t, "account-siteId.json")})
		res, err := list(t, a, filter)
		if err != nil {
			t.Errorf("from %s to %s: %v", c[0], c[1], err)
		}
		same(t, "the answer", res, &pb.ListLicensesResponse{})
		vendor.Only(getSites) // still, the site must be there
	}
}
