package pallycon_test

import (
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/adaptertest/listtest"
	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

func TestStreams(t *testing.T) {
	const (
		nothing = `{"error_code":"0000","data":[],"count":5000}`
		rest    = `{"error_code":"0000","data":[{"reg_time":"2024-03-01"}],"count":1}`
		enough  = `{"error_code":"9999","error_message":"enough"}`
	)
	listtest.Streams{
		Connect: longHistory, Page: getLicenses, Pages: 1, MostPages: 10, FailFrom: 3,
		Filter: &pb.LicenseFilter{DeviceId: "d", ContentId: "29999"}, // The vendor searches the device only.
		Failures: map[string]listtest.Failure{
			"nothing":   {Order: wiretest.Answer(200, nothing), Outcome: wiretest.Unreadable},
			"the rest":  {Order: wiretest.Answer(200, rest), Outcome: wiretest.Unreadable},
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

func TestAStreamAsksAsListLicensesDoes(t *testing.T) {
	req := &pb.StreamLicensesRequest{Parent: demo, Filter: &pb.LicenseFilter{
		DeviceId: "d", UserId: "u", Status: pb.License_SUCCESS,
	}}
	a, vendor := serve(t, map[string]string{getLicenses: none, getSites: fixture(t, "account-siteId.json")})
	messages, err := listtest.Receive(t.Context(), a, req, nil)
	if err != nil || len(messages) != 1 {
		t.Fatalf("%v, %v", messages, err)
	}
	same(t, "a stream without rows", messages[0], &pb.StreamLicensesResponse{})
	const want = "api_code=UA003001100&page_index=1&page_unit=1000&search_condition=device_id&search_keyword=d" +
		"&search_status=success&site_id=DEMO"
	if got := vendor.Only(getLicenses).Query.Encode(); got != want {
		t.Errorf("the stream asks with %s, want %s", got, want)
	}
}

func TestAStreamOfAnUnknownSiteIsNotFound(t *testing.T) {
	const refusal = `{"error_code":"1003","error_message":"no such site"}`
	for what, answer := range map[string]string{"no rows": none, "a refusal": refusal} {
		a, _ := serve(t, map[string]string{getLicenses: answer, getSites: none})
		messages, err := listtest.Receive(t.Context(), a, &pb.StreamLicensesRequest{Parent: demo}, nil)
		wantError(t, what, err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
		if len(messages) != 0 {
			t.Errorf("%s: messages %v", what, messages)
		}
	}
}

func TestAStreamRefusesWhatBelongsToAnotherRequest(t *testing.T) {
	a := adapterTo(t, twinConfig(), twin.Transport(demoTwin()))
	listed, err := a.ListLicenses(t.Context(), &pb.ListLicensesRequest{Parent: demo, PageSize: 1})
	if err != nil || listed.GetNextPageToken() == "" {
		t.Fatal(listed, err)
	}
	listToken := listed.GetNextPageToken()
	for what, token := range map[string]string{"a list's token": listToken, "what is no token": "next"} {
		_, err := listtest.Receive(t.Context(), a, &pb.StreamLicensesRequest{Parent: demo, PageToken: token}, nil)
		wiretest.WantField(t, what, err, "page_token")
	}
	_, err = listtest.Receive(t.Context(), a, &pb.StreamLicensesRequest{Parent: "vendors/acme"}, nil)
	wiretest.WantField(t, "the name of a vendor", err, "parent")
}
