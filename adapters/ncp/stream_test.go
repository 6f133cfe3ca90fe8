package ncp_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/ncp"
	"github.com/drmhub/drmhub/adapters/ncp/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// longHistory is an adapter to a twin with n licenses, two in every second. Their contents are
// numbers, and "0" is the newest.
func longHistory(t *testing.T, n int) (*ncp.Adapter, *emulator.Emulator) {
	all := make([]emulator.License, n)
	for i := range all {
		at := time.Date(2024, 3, 1, 0, 0, -(n-1-i)/2, 0, time.UTC)
		all[i] = emulator.License{ContentID: strconv.Itoa(n - 1 - i), DeviceID: "d", CreatedTime: at}
	}
	vendor := emulator.New(emulator.Options{})
	vendor.PutSites(emulator.Site{SiteID: "DEMO", SiteName: "Demo_site", Enabled: true})
	vendor.PutLicenses("DEMO", all...)
	return adapterTo(t, twinConfig(), twin.Transport(vendor)), vendor
}

// client is the client's end of a stream. What it embeds is nil: the adapter needs no more than a
// context and Send.
type client struct {
	grpc.ServerStream
	ctx      context.Context
	sent     func() // called after each message
	messages []*pb.StreamLicensesResponse
}

func (c *client) Context() context.Context { return c.ctx }

func (c *client) Send(m *pb.StreamLicensesResponse) error {
	c.messages = append(c.messages, m)
	c.sent()
	return nil
}

// stream streams DEMO's licenses from a token on, and returns the messages.
func stream(
	ctx context.Context, a *ncp.Adapter, filter *pb.LicenseFilter, token string, sent func(),
) ([]*pb.StreamLicensesResponse, error) {
	c := &client{ctx: ctx, sent: sent}
	err := a.StreamLicenses(&pb.StreamLicensesRequest{Parent: demo, Filter: filter, PageToken: token}, c)
	return c.messages, err
}

// wantWhole demands the rows of contents from first to last, in this order, and a token on all
// messages but the last.
func wantWhole(t *testing.T, what string, messages []*pb.StreamLicensesResponse, first, last int) {
	t.Helper()
	next := first
	for i, m := range messages {
		if len(m.GetLicenses()) > 1000 {
			t.Errorf("%s: message %d has %d rows", what, i, len(m.GetLicenses()))
		}
		for _, l := range m.GetLicenses() {
			if l.GetContentId() != strconv.Itoa(next) {
				t.Fatalf("%s: message %d has row %s, want %d", what, i, l.GetContentId(), next)
			}
			next++
		}
		if (m.GetNextPageToken() == "") != (i == len(messages)-1) {
			t.Errorf("%s: message %d of %d has the token %q", what, i, len(messages), m.GetNextPageToken())
		}
	}
	if next != last+1 {
		t.Errorf("%s: ends before row %d, want %d", what, next, last+1)
	}
}

func TestAStreamGivesEveryRowAndGoesOnAfterAnyMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, vendor := longHistory(t, 7001)
		sent := 0
		messages, err := stream(t.Context(), a, nil, "", func() {
			sent++
			synctest.Wait() // until everything that could go on without this client has
			if read := len(wiretest.Requests(vendor, getLicenses)); read != 1+10*sent && sent < 7 {
				t.Errorf("while message %d is sent, %d pages have been read, want %d", sent, read, 1+10*sent)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		wantWhole(t, "the stream", messages, 0, 7000)
		if read := len(wiretest.Requests(vendor, getLicenses)); len(messages) > 10 || read > 82 {
			t.Errorf("%d messages of %d of the vendor's pages for 7001 rows", len(messages), read)
		}
		passed := 0
		for i, m := range messages[:len(messages)-1] {
			passed += len(m.GetLicenses())
			rest, err := stream(t.Context(), a, nil, m.GetNextPageToken(), func() {})
			if err != nil {
				t.Fatal(err)
			}
			wantWhole(t, fmt.Sprintf("the stream after message %d", i), rest, passed, 7000)
		}
	})
}

func TestAStreamAsksAsListLicensesDoes(t *testing.T) {
	a, vendor := serve(t, config(), map[string][]answer{getLicenses: {rows(row), rows()}, getSite: {siteOn}})
	filter := &pb.LicenseFilter{DeviceId: "d", UserId: "u", Status: pb.License_SUCCESS}
	filter.StartTime, filter.EndTime = instant(t, "2024-03-01T00:00:00Z"), instant(t, "2024-03-01T00:00:01Z")
	messages, err := stream(t.Context(), a, filter, "", func() {})
	if err != nil || len(messages) != 1 || len(messages[0].GetLicenses()) != 1 {
		t.Fatalf("%v, %v", messages, err)
	}
	const want = "endTime=1709251201000&searchCondition=deviceId&searchKeyword=d&startTime=1709251199999&status=success"
	if got := asked(vendor.Made(getLicenses)[0]); got != want {
		t.Errorf("the stream asks for %s, want %s", got, want)
	}
	messages, err = stream(t.Context(), a, nil, "", func() {}) // The vendor has no rows any more.
	if err != nil || len(messages) != 1 {
		t.Fatalf("%v, %v", messages, err)
	}
	same(t, "the message", messages[0], &pb.StreamLicensesResponse{})
}

func TestAStreamThatNothingMatchesTellsHowFarItHasCome(t *testing.T) {
	a, _ := longHistory(t, 30_000)
	filter := &pb.LicenseFilter{DeviceId: "d", ContentId: "29999"} // The vendor searches the device only.
	messages, err := stream(t.Context(), a, filter, "", func() {})
	if err != nil {
		t.Fatal(err)
	}
	var found []*pb.License
	for _, m := range messages {
		found = append(found, m.GetLicenses()...)
	}
	if len(found) != 1 || found[0].GetContentId() != "29999" || len(messages) < 3 {
		t.Errorf("%d messages with %v", len(messages), found)
	}
	again, err := stream(t.Context(), a, filter, messages[0].GetNextPageToken(), func() {})
	if err != nil || len(again) != len(messages)-1 {
		t.Errorf("resumed after a message without rows, %d messages, want %d; %v", len(again), len(messages)-1, err)
	}
	_, err = stream(t.Context(), a, &pb.LicenseFilter{UserId: "u"}, messages[0].GetNextPageToken(), func() {})
	wantField(t, "the token of another filter", err, "page_token")
}

func TestAFailureInTheMiddleIsNeverAnEnd(t *testing.T) {
	for what, c := range map[string]struct {
		fault twin.Fault
		outcome
	}{
		"500":       {wiretest.Answer(500, ""), unavailable},
		"401":       {wiretest.Answer(401, ""), unauthorized},
		"429":       {wiretest.Answer(429, ""), throttled},
		"a cut":     {twin.Fault{Kind: twin.FaultCut}, unavailable},
		"a half":    {twin.Fault{Kind: twin.FaultMalformed}, unreadable},
		"garbage":   {wiretest.Answer(200, "<html>"), unreadable},
		"the rest":  {wiretest.Answer(200, rows(at("2024-03-01")).Body), unreadable},
		"a refusal": {wiretest.Answer(400, refusal(400, "289999").Body), rejected},
	} {
		t.Run(what, func(t *testing.T) {
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			synctest.Test(t, func(t *testing.T) { // for the pauses between attempts
				a, vendor := longHistory(t, 5000)
				c.fault.Skip = 16
				vendor.Faults().Add(c.fault)
				messages, err := stream(t.Context(), a, nil, "", func() {})
				want(t, "StreamLicenses", err, c.outcome)
				if len(messages) != 2 || messages[1].GetNextPageToken() == "" {
					t.Fatalf("%d messages before the third one's pages failed", len(messages))
				}
				vendor.Faults().Clear()
				time.Sleep(time.Minute) // The breaker closes.
				rest, err := stream(t.Context(), a, nil, messages[1].GetNextPageToken(), func() {})
				if err != nil {
					t.Fatal(err)
				}
				passed := len(messages[0].GetLicenses()) + len(messages[1].GetLicenses())
				wantWhole(t, "before and after the failure", append(messages, rest...)[2:], passed, 4999)
			})
		})
	}
}

func TestAStreamEndsWithItsCaller(t *testing.T) {
	canceled := outcome{Code: codes.Canceled, Reason: pb.ErrorReason_CALL_CANCELLED}
	for what, c := range map[string]struct {
		stalls bool // while a page is read
		outcome
	}{
		"canceled, while pages are read":       {true, canceled},
		"canceled, while nothing is read":      {false, canceled},
		"out of time, while pages are read":    {true, deadlinePassed},
		"out of time, while a message is sent": {false, deadlinePassed},
	} {
		t.Run(what, func(t *testing.T) {
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			synctest.Test(t, func(t *testing.T) {
				a, vendor := longHistory(t, 5000)
				if c.stalls {
					vendor.Faults().Add(twin.Fault{Kind: twin.FaultDelay, Delay: time.Hour, Skip: 1})
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				messages, err := stream(ctx, a, nil, "", func() {
					synctest.Wait()
					if c.outcome == canceled {
						cancel()
					} else if !c.stalls {
						time.Sleep(2 * time.Second)
					}
				})
				want(t, "StreamLicenses", err, c.outcome)
				if len(messages) > 2 {
					t.Errorf("%d messages after the caller had gone", len(messages)-1)
				}
			})
		})
	}
}
