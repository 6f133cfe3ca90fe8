package listtest

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/adaptertest"
	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// Streams are tests of StreamLicenses at a vendor with a long history.
type Streams struct {
	// Connect returns an adapter to a twin, whose site DEMO holds n licenses. See NumberedLicenses.
	Connect func(t *testing.T, n int) (adapters.LicenseStreamer, wiretest.Twin)
	// Page is the vendor's request for a page of licenses, such as "GET /licenses".
	Page string
	// Pages is how many pages the adapter reads for one message, and MostPages for 7001 licenses.
	Pages, MostPages int
	// FailFrom is a page of the third message.
	FailFrom int
	// Filter chooses the oldest of 30,000 licenses, and the adapter must read the others for it.
	Filter *pb.LicenseFilter
	// Failures are the vendor's own ways to fail a stream.
	Failures map[string]Failure
}

// A Failure is an answer that fails a stream, and the outcome.
type Failure struct {
	Order   twin.Fault
	Outcome wiretest.Outcome
}

// NumberedLicenses calls put for each of n licenses, oldest first. There are two in each second.
// The content of the newest is "0".
func NumberedLicenses(n int, put func(content string, at time.Time)) {
	for i := n - 1; i >= 0; i-- {
		put(strconv.Itoa(i), Start.Add(-time.Duration(i/2)*time.Second))
	}
}

// Run runs the tests.
func (s Streams) Run(t *testing.T) {
	t.Run("every row, and the rest after any message", func(t *testing.T) { synctest.Test(t, s.wholeAndResumed) })
	t.Run("messages without rows", s.messagesWithoutRows)
	failures := map[string]Failure{
		"500":     {wiretest.Answer(500, ""), wiretest.Unavailable},
		"401":     {wiretest.Answer(401, ""), wiretest.Unauthorized},
		"429":     {wiretest.Answer(429, ""), wiretest.Throttled},
		"a cut":   {twin.Fault{Kind: twin.FaultCut}, wiretest.Unavailable},
		"a half":  {twin.Fault{Kind: twin.FaultMalformed}, wiretest.Unreadable},
		"garbage": {wiretest.Answer(200, "<html>"), wiretest.Unreadable},
	}
	for _, some := range []map[string]Failure{failures, s.Failures} {
		for what, f := range some {
			inBubble(t, "in the middle "+what, func(t *testing.T) { s.failsAndGoesOn(t, f) })
		}
	}
	canceled := wiretest.Outcome{Code: codes.Canceled, Reason: pb.ErrorReason_CALL_CANCELLED}
	late := wiretest.Outcome{Code: codes.DeadlineExceeded, Reason: pb.ErrorReason_DEADLINE_PASSED}
	for _, reading := range []bool{true, false} {
		what := fmt.Sprintf("while pages are read: %t", reading)
		inBubble(t, "canceled "+what, func(t *testing.T) { s.callerGoes(t, reading, canceled) })
		inBubble(t, "out of time "+what, func(t *testing.T) { s.callerGoes(t, reading, late) })
	}
}

// inBubble runs a test on the clock of a bubble, and demands that no goroutine is left.
func inBubble(t *testing.T, name string, test func(t *testing.T)) {
	t.Run(name, func(t *testing.T) {
		defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
		synctest.Test(t, test)
	})
}

func (s Streams) wholeAndResumed(t *testing.T) {
	a, vendor := s.Connect(t, 7001)
	sent := 0
	messages, err := Receive(t.Context(), a, after(""), func() {
		sent++
		synctest.Wait() // until everything that can go on without this client has gone on
		want := 1 + s.Pages*sent
		if read := len(wiretest.Requests(vendor, s.Page)); read > want || sent < 7 && read < want {
			t.Errorf("while message %d is sent, %d pages have been read, want %d", sent, read, want)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	wantWhole(t, "the stream", messages, 0, 7000)
	if read := len(wiretest.Requests(vendor, s.Page)); len(messages) > 10 || read > s.MostPages {
		t.Errorf("%d messages of %d of the vendor's pages for 7001 rows", len(messages), read)
	}
	passed := 0
	for i, m := range messages[:len(messages)-1] {
		passed += len(m.GetLicenses())
		rest := receive(t, a, after(m.GetNextPageToken()))
		wantWhole(t, fmt.Sprintf("the stream after message %d", i), rest, passed, 7000)
	}
}

// messagesWithoutRows checks that messages without rows have tokens to go on with.
func (s Streams) messagesWithoutRows(t *testing.T) {
	a, _ := s.Connect(t, 30_000)
	req := &pb.StreamLicensesRequest{Parent: parent, Filter: s.Filter}
	messages := receive(t, a, req)
	var found []*pb.License
	for _, m := range messages {
		found = append(found, m.GetLicenses()...)
	}
	if len(found) != 1 || found[0].GetContentId() != "29999" || len(messages) < 3 {
		t.Errorf("%d messages with %v", len(messages), found)
	}
	req.PageToken = messages[0].GetNextPageToken()
	if again := receive(t, a, req); len(again) != len(messages)-1 {
		t.Errorf("resumed after a message without rows, %d messages, want %d", len(again), len(messages)-1)
	}
	_, err := Receive(t.Context(), a, after(req.GetPageToken()), nil)
	wiretest.WantField(t, "the token of another filter", err, "page_token")
}

func (s Streams) failsAndGoesOn(t *testing.T, f Failure) {
	a, vendor := s.Connect(t, 5000)
	f.Order.Skip = s.FailFrom - 1
	vendor.Faults().Add(s.onPages(f.Order))
	messages, err := Receive(t.Context(), a, after(""), nil)
	adaptertest.WantError(t, "StreamLicenses", err, f.Outcome.Code, f.Outcome.Reason)
	if len(messages) != 2 || messages[1].GetNextPageToken() == "" {
		t.Fatalf("%d messages before the pages of the third one failed", len(messages))
	}
	vendor.Faults().Clear()
	time.Sleep(time.Minute) // The breaker closes.
	passed := len(messages[0].GetLicenses()) + len(messages[1].GetLicenses())
	wantWhole(t, "after the failure", receive(t, a, after(messages[1].GetNextPageToken())), passed, 4999)
}

// callerGoes checks how a stream ends that its caller leaves after the first message.
func (s Streams) callerGoes(t *testing.T, reading bool, want wiretest.Outcome) {
	a, vendor := s.Connect(t, 5000)
	if reading {
		vendor.Faults().Add(s.onPages(twin.Fault{Kind: twin.FaultDelay, Delay: time.Hour, Skip: 1}))
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	messages, err := Receive(ctx, a, after(""), func() {
		synctest.Wait()
		if want.Code == codes.Canceled {
			cancel()
		} else if !reading {
			time.Sleep(2 * time.Second)
		}
	})
	adaptertest.WantError(t, "StreamLicenses", err, want.Code, want.Reason)
	if len(messages) > 2 {
		t.Errorf("%d messages after the caller had gone", len(messages)-1)
	}
}

// onPages returns the order for the vendor's pages alone.
func (s Streams) onPages(order twin.Fault) twin.Fault {
	order.Method, order.Path, _ = strings.Cut(s.Page, " ")
	return order
}

// A receiver is the client's end of a stream. It embeds a nil interface, because an adapter needs
// no more than a context and Send.
type receiver struct {
	grpc.ServerStream
	ctx      context.Context
	got      func()
	messages []*pb.StreamLicensesResponse
}

func (r *receiver) Context() context.Context { return r.ctx }

func (r *receiver) Send(m *pb.StreamLicensesResponse) error {
	r.messages = append(r.messages, m)
	if r.got != nil {
		r.got()
	}
	return nil
}

// Receive streams licenses and returns the messages. It calls got after each of them, if it is set.
func Receive(
	ctx context.Context, a adapters.LicenseStreamer, req *pb.StreamLicensesRequest, got func(),
) ([]*pb.StreamLicensesResponse, error) {
	r := &receiver{ctx: ctx, got: got}
	err := a.StreamLicenses(req, r)
	return r.messages, err
}

// after asks for the licenses that follow a token.
func after(token string) *pb.StreamLicensesRequest {
	return &pb.StreamLicensesRequest{Parent: parent, PageToken: token}
}

// receive streams licenses, and ends the test if the stream fails.
func receive(
	t *testing.T, a adapters.LicenseStreamer, req *pb.StreamLicensesRequest,
) []*pb.StreamLicensesResponse {
	t.Helper()
	messages, err := Receive(t.Context(), a, req, nil)
	if err != nil {
		t.Fatal(err)
	}
	return messages
}

// wantWhole demands the rows from first to last, in this order, and a token on all messages but the
// last.
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
