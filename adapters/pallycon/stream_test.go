package pallycon_test

import (
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/adaptertest/listtest"
	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/pallycon"
	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

func TestStreams(t *testing.T) {
	const enough = `{"error_code":"9999","error_message":"enough"}`
	listtest.Streams{
		Connect: longHistory, Page: getLicenses, Pages: 1, MostPages: 10, FailFrom: 3,
		Filter: &pb.LicenseFilter{DeviceId: "d", ContentId: "29999"}, // The vendor searches the device only.
		Failures: map[string]listtest.Failure{
			"nothing":   {Order: wiretest.Answer(200, rows(5000)), Outcome: wiretest.Unreadable},
			"the rest":  {Order: wiretest.Answer(200, rows(1, at("2024-03-01"))), Outcome: wiretest.Unreadable},
			"a refusal": {Order: wiretest.Answer(200, enough), Outcome: wiretest.Rejected},
		},
	}.Run(t)
}

func longHistory(t *testing.T, n int) (adapters.LicenseStreamer, wiretest.Twin) {
	t.Helper()
	vendor := emulator.New(emulator.Options{})
	vendor.PutSites(emulator.Site{SiteID: "DEMO"})
	var all []emulator.License
	listtest.NumberedLicenses(n, func(content string, at time.Time) {
		all = append(all, emulator.License{CID: content, DeviceID: "d", RegTime: at})
	})
	vendor.PutLicenses("DEMO", all...)
	return adapterTo(t, twinConfig(), twin.Transport(vendor)), vendor
}

func stream(t *testing.T, a *pallycon.Adapter, filter *pb.LicenseFilter) ([]*pb.StreamLicensesResponse, error) {
	t.Helper()
	return listtest.Receive(t.Context(), a, &pb.StreamLicensesRequest{Parent: demo, Filter: filter}, nil)
}

func TestAStreamAsksAsListLicensesDoes(t *testing.T) {
	a, vendor := serve(t, config(), map[string]string{getLicenses: rows(1, row)})
	filter := &pb.LicenseFilter{
		DeviceId: "d", UserId: "u", Status: pb.License_SUCCESS,
		StartTime: instant(t, "2020-03-02T00:00:00Z"), EndTime: instant(t, "2020-03-03T00:00:00Z"),
	}
	messages, err := stream(t, a, filter)
	if err != nil || len(messages) != 1 {
		t.Fatalf("%v, %v", messages, err)
	}
	listed, err := list(t, a, filter)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the row", messages[0].GetLicenses()[0], listed.GetLicenses()[0])
	calls := vendor.Made(getLicenses)
	for i, c := range calls {
		q := c.Query
		if q.Get("api_code") != "UA003001100" || q.Get("site_id") != "DEMO" || q.Get("page_index") != "1" {
			t.Errorf("call %d: %v", i, q)
		}
		if i == 0 && q.Get("page_unit") != "1000" {
			t.Errorf("a stream begins with page_unit %s, want 1000", q.Get("page_unit"))
		}
		const want = "from=2020-03-02&search_condition=device_id&search_keyword=d&search_status=success&to=2020-03-02"
		if got := asked(q); got != want {
			t.Errorf("call %d asks for %s, want %s", i, got, want)
		}
	}
}

func TestAStreamWithoutRowsIsOneMessage(t *testing.T) {
	a, _ := serve(t, config(), map[string]string{getLicenses: none, getSites: fixture(t, "account-siteId.json")})
	messages, err := stream(t, a, nil)
	if err != nil || len(messages) != 1 {
		t.Fatalf("%v, %v", messages, err)
	}
	same(t, "the message", messages[0], &pb.StreamLicensesResponse{})
}

func TestAStreamOfAnUnknownSiteIsNotFound(t *testing.T) {
	const refusal = `{"error_code":"1003","error_message":"no such site"}`
	for what, answer := range map[string]string{"no rows": none, "a refusal": refusal} {
		a, _ := serve(t, config(), map[string]string{getLicenses: answer, getSites: `{"error_code":"0000","data":[]}`})
		messages, err := stream(t, a, nil)
		wantError(t, what, err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
		if len(messages) != 0 {
			t.Errorf("%s: messages %v", what, messages)
		}
	}
	nameOfVendor := &pb.StreamLicensesRequest{Parent: "vendors/acme"}
	_, err := listtest.Receive(t.Context(), adapterTo(t, config(), nil), nameOfVendor, nil)
	wantError(t, "the name of a vendor", err, codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID)
}
