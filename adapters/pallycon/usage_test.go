package pallycon_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

const getUsage = "GET /api/v2/drm/statistics/targetDate"

const demoUsage = demo + "/usage"

// figures is an answer with this target_date.
func figures(targetDate string) string {
	return `{"error_code":"0000","data":{"license_cnt":1733,"user_acc_cnt":12,"device_acc_cnt":34` + targetDate + `}}`
}

func TestUsageIsReadWhateverTheDateLooksLike(t *testing.T) {
	for targetDate, want := range map[string]string{
		`,"target_date":20260302`:     "2026-03-02",
		`,"target_date":"2026-03-02"`: "2026-03-02",
		`,"target_date":"20260302"`:   "2026-03-02",
		`,"target_date":20260301`:     "2026-03-01", // what was measured is what the vendor says
		`,"target_date":null`:         "2026-03-02",
		``:                            "2026-03-02",
	} {
		a, vendor := serve(t, config(), map[string]string{getUsage: figures(targetDate)})
		usage, err := a.GetUsage(t.Context(), &pb.GetUsageRequest{Name: demoUsage, Date: "2026-03-02"})
		if err != nil {
			t.Errorf("%s: %v", targetDate, err)
			continue
		}
		same(t, targetDate, usage, &pb.Usage{Name: demoUsage, Date: want, MonthlyActiveLicenses: 1733, MonthlyActiveUsers: 12, MonthlyActiveDevices: 34})
		if got, want := fmt.Sprint(single(vendor.Only(getUsage).Query)), "map[api_code:UA003003100 site_id:DEMO target_date:2026-03-02]"; got != want {
			t.Errorf("asks with %s, want %s", got, want)
		}
	}
}

func TestUsageWithoutADateIsOfTodayInTheVendorsZone(t *testing.T) {
	for zone, want := range map[string]string{"UTC": "2000-01-01", "Asia/Seoul": "2000-01-02"} {
		synctest.Test(t, func(t *testing.T) {
			// to three in the afternoon of the first day of the bubble's clock
			time.Sleep(15 * time.Hour)
			s := config()
			var err error
			if s.TimeZone, err = time.LoadLocation(zone); err != nil {
				t.Fatal(err)
			}
			a, vendor := serve(t, s, map[string]string{getUsage: figures("")})
			usage, err := a.GetUsage(t.Context(), &pb.GetUsageRequest{Name: demoUsage})
			if err != nil || usage.GetDate() != want {
				t.Errorf("in %s, usage of %q, want %s; %v", zone, usage.GetDate(), want, err)
			}
			if got := vendor.Only(getUsage).Query.Get("target_date"); got != want {
				t.Errorf("in %s, target_date is %s, want %s", zone, got, want)
			}
		})
	}
}

func TestUsageFailsAsTheVendorDoes(t *testing.T) {
	const (
		others = `{"error_code":"0000","data":[{"site_id":"TEST"}]}`
		zero   = `{"error_code":"0000","data":{"license_cnt":0,"user_acc_cnt":0,"device_acc_cnt":0,"target_date":20260302}}`
	)
	known := fixture(t, "account-siteId.json")
	for what, c := range map[string]struct {
		answer, sites string
		code          codes.Code
		reason        pb.ErrorReason
	}{
		"no usage of an unknown site":  {zero, others, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND},
		"no data of an unknown site":   {`{"error_code":"0000","data":null}`, others, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND},
		"a refusal of an unknown site": {`{"error_code":"1003"}`, others, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND},
		"a refusal of a known site":    {`{"error_code":"4711"}`, known, codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED},
		"no data of a known site":      {`{"error_code":"0000"}`, known, codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID},
		"a date that is none":          {figures(`,"target_date":20260230`), known, codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID},
		"a date of another form":       {figures(`,"target_date":{"day":2}`), known, codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID},
		"a list for the figures":       {none, known, codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID},
	} {
		a, _ := serve(t, config(), map[string]string{getUsage: c.answer, getSites: c.sites})
		_, err := a.GetUsage(t.Context(), &pb.GetUsageRequest{Name: demoUsage, Date: "2026-03-02"})
		wantError(t, what, err, c.code, c.reason)
	}
	a, vendor := serve(t, config(), map[string]string{getUsage: zero, getSites: known})
	usage, err := a.GetUsage(t.Context(), &pb.GetUsageRequest{Name: demoUsage, Date: "2026-03-02"})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "of a site without licenses", usage, &pb.Usage{Name: demoUsage, Date: "2026-03-02"})
	before := len(vendor.All())
	for field, req := range map[string]*pb.GetUsageRequest{"date": {Name: demoUsage, Date: "2026-02-30"}, "name": {Name: demo}} {
		_, err := a.GetUsage(t.Context(), req)
		if e := wantError(t, field, err, codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID); len(e.Violations) != 1 || e.Violations[0].GetField() != field {
			t.Errorf("%s: violations %v", field, e.Violations)
		}
	}
	if len(vendor.All()) != before {
		t.Error("the vendor was asked with what is refused")
	}
}
