package ncp_test

import (
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/adaptertest/listtest"
	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/ncp"
	"github.com/drmhub/drmhub/adapters/ncp/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

func TestStreams(t *testing.T) {
	listtest.Streams{
		Connect: longHistory, Page: getLicenses, Pages: 10, MostPages: 82, FailFrom: 17,
		Filter: &pb.LicenseFilter{DeviceId: "d", ContentId: "29999"}, // The vendor searches the device only.
		Failures: map[string]listtest.Failure{
			"the rest":  {Order: wiretest.Answer(200, rows(at("2024-03-01")).Body), Outcome: unreadable},
			"a refusal": {Order: wiretest.Answer(400, refusal(400, "289999").Body), Outcome: rejected},
		},
	}.Run(t)
}

func longHistory(t *testing.T, n int) (adapters.LicenseStreamer, wiretest.Twin) {
	t.Helper()
	vendor := emulator.New(emulator.Options{})
	vendor.PutSites(emulator.Site{SiteID: "DEMO", SiteName: "Demo_site", Enabled: true})
	var all []emulator.License
	listtest.NumberedLicenses(n, func(content string, at time.Time) {
		all = append(all, emulator.License{ContentID: content, DeviceID: "d", CreatedTime: at})
	})
	vendor.PutLicenses("DEMO", all...)
	return adapterTo(t, twinConfig(), twin.Transport(vendor)), vendor
}

func stream(t *testing.T, a *ncp.Adapter, filter *pb.LicenseFilter) ([]*pb.StreamLicensesResponse, error) {
	t.Helper()
	return listtest.Receive(t.Context(), a, &pb.StreamLicensesRequest{Parent: demo, Filter: filter}, nil)
}

func TestAStreamAsksAsListLicensesDoes(t *testing.T) {
	a, vendor := serve(t, config(), map[string][]answer{getLicenses: {rows(row), rows()}, getSite: {siteOn}})
	filter := &pb.LicenseFilter{DeviceId: "d", UserId: "u", Status: pb.License_SUCCESS}
	filter.StartTime, filter.EndTime = instant(t, "2024-03-01T00:00:00Z"), instant(t, "2024-03-01T00:00:01Z")
	messages, err := stream(t, a, filter)
	if err != nil || len(messages) != 1 || len(messages[0].GetLicenses()) != 1 {
		t.Fatalf("%v, %v", messages, err)
	}
	const want = "endTime=1709251201000&searchCondition=deviceId&searchKeyword=d&startTime=1709251199999&status=success"
	if got := asked(vendor.Made(getLicenses)[0]); got != want {
		t.Errorf("the stream asks for %s, want %s", got, want)
	}
	messages, err = stream(t, a, nil) // The vendor has no rows any more.
	if err != nil || len(messages) != 1 {
		t.Fatalf("%v, %v", messages, err)
	}
	same(t, "the message", messages[0], &pb.StreamLicensesResponse{})
}
