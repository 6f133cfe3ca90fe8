package ncp_test

import (
	"slices"
	"strings"
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

func TestALicenseThatCannotBeReadHidesNoOther(t *testing.T) {
	bad := strings.Replace(row, `"m"`, `{"model":"m"}`, 1)
	page := rows(at("20240301000002"), strings.Replace(bad, "301000000", "301000001", 1), at("20240229000000"))
	for what, c := range map[string]struct {
		filter *pb.LicenseFilter
		rows   int // -1 is an error
	}{
		"no filter":         {nil, -1},
		"of the row":        {&pb.LicenseFilter{DeviceId: "d", Status: pb.License_SUCCESS}, -1},
		"of its value":      {&pb.LicenseFilter{DeviceModel: "m"}, -1},
		"of other contents": {&pb.LicenseFilter{ContentId: "d"}, 0},
		"of other devices":  {&pb.LicenseFilter{DeviceId: "e", DeviceModel: "m"}, 0},
		"of later times":    {&pb.LicenseFilter{StartTime: instant(t, "2024-03-01T00:00:02Z")}, 1},
		"of earlier times":  {&pb.LicenseFilter{EndTime: instant(t, "2024-03-01T00:00:00Z")}, 1},
	} {
		a, _ := serve(t, config(), map[string][]answer{getLicenses: {page, rows(), page, rows()}, getSite: {siteOn}})
		res, err := list(t, a, c.filter)
		messages, streamed := stream(t, a, c.filter)
		if c.rows >= 0 {
			if err != nil || len(res.GetLicenses()) != c.rows || streamed != nil || len(messages) != 1 {
				t.Errorf("%s: %v, %v; %v, %v", what, res, err, messages, streamed)
			}
			continue
		}
		wantSaid(t, what, want(t, what, err, unreadable),
			"content[1].deviceModel: expected text, got an object", "2024-03-01T00:00:01Z")
		want(t, what+", streamed", streamed, unreadable)
	}
}

func TestAFilterThatARowCannotAnswerIsAnError(t *testing.T) {
	for field, filter := range map[string]*pb.LicenseFilter{
		"contentId": {ContentId: "c"}, "userId": {UserId: "u"}, "deviceId": {DeviceId: "d"},
		"deviceModel": {DeviceModel: "m"}, "drmType": {DrmType: pb.License_WIDEVINE},
		"licenseStatus": {Status: pb.License_FAILURE},
	} {
		silent := strings.Replace(row, `"`+field+`"`, `"another"`, 1)
		a, _ := serve(t, config(), map[string][]answer{getLicenses: {rows(silent), rows()}})
		_, err := list(t, a, filter)
		wantSaid(t, field, want(t, field, err, unreadable), "content[0]."+field+": expected text")
		a, _ = serve(t, config(), map[string][]answer{getLicenses: {rows(silent), rows()}})
		if res, err := list(t, a, nil); err != nil || len(res.GetLicenses()) != 1 {
			t.Errorf("%s, without a filter: %v, %v", field, res, err)
		}
	}
}

func TestRepeatedPagesEndListsAndStreams(t *testing.T) {
	const n = 250
	for _, kind := range []twin.Fault{
		{Kind: twin.FaultIgnore, Names: []string{"pageNo"}}, {Kind: twin.FaultLastPage, Names: []string{"pageNo"}},
	} {
		vendor := demoTwin()
		for i := range n - 3 {
			created := time.Date(2024, 2, 1, 12, 0, i/2, 0, time.UTC)
			vendor.PutLicenses("DEMO", emulator.License{ContentID: "c", DRMType: "Widevine", CreatedTime: created})
		}
		vendor.Faults().Add(kind)
		a := adapterTo(t, twinConfig(), twin.Transport(vendor))
		req, got := &pb.ListLicensesRequest{Parent: demo, PageSize: 40}, 0
		for calls := 0; calls == 0 || req.GetPageToken() != ""; calls++ {
			res, err := a.ListLicenses(t.Context(), req)
			if err != nil || calls > n/40+1 {
				t.Fatalf("%s: after %d calls: %v", kind.Kind, calls, err)
			}
			got, req.PageToken = got+len(res.GetLicenses()), res.GetNextPageToken()
		}
		messages, err := stream(t, a, nil)
		for _, m := range messages {
			got += len(m.GetLicenses())
		}
		if err != nil || got != 2*n {
			t.Errorf("%s: %d rows of a list and a stream, %v; want %d", kind.Kind, got, err, 2*n)
		}
	}
}

// A stream sends the conditions of a list to the vendor.
func TestAStreamHasTheFiltersOfAList(t *testing.T) {
	of := map[string][]string{}
	a := adapterTo(t, twinConfig(), twin.Transport(emulator.New(emulator.Options{})))
	for _, filter := range a.Describe().Limits.GetPushedDownFilters() {
		method, field, _ := strings.Cut(filter, ":")
		of["/"+method] = append(of["/"+method], field)
	}
	list := of[pb.LicenseService_ListLicenses_FullMethodName]
	stream := of[pb.LicenseService_StreamLicenses_FullMethodName]
	if len(list) == 0 || !slices.Equal(list, stream) {
		t.Errorf("the vendor filters %q of a list, and %q of a stream", list, stream)
	}
}
