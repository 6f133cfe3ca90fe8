package ncp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/ncp"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// longHistory is a vendor with so many licenses, two in every second, each of a content of its own:
// "0" is the newest. It searches endTime itself too.
type longHistory struct {
	rows int
	// before each page of licenses, from 1
	hook func(page int, w http.ResponseWriter, r *http.Request) (answered bool)

	mu    sync.Mutex
	pages int
}

var newest = time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC)

func (h *longHistory) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	h.mu.Lock()
	h.pages++
	page, hook := h.pages, h.hook
	h.mu.Unlock()
	if hook != nil && hook(page, w, r) {
		return
	}
	first := 0
	if end, err := strconv.ParseInt(r.URL.Query().Get("endTime"), 10, 64); err == nil {
		first = 2 * max(0, int(newest.Unix()-end/1000))
	}
	number, _ := strconv.Atoi(r.URL.Query().Get("pageNo"))
	var all []string
	for i := first + 100*(number-1); i < min(first+100*number, h.rows); i++ {
		second := newest.Add(-time.Duration(i/2) * time.Second)
		all = append(all, strings.Replace(at(second.Format("20060102150405")), `"contentId":"c"`, fmt.Sprintf(`"contentId":"%d"`, i), 1))
	}
	_, _ = io.WriteString(w, rows(all...).Body)
}

// heal ends what the hook does.
func (h *longHistory) heal() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.hook = nil
}

func (h *longHistory) read() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.pages
}

// client is the client's end of a stream. What it embeds is nil: the adapter needs no more than a
// context and Send.
type client struct {
	grpc.ServerStream
	ctx  context.Context
	send func(*pb.StreamLicensesResponse) error
}

func (c *client) Context() context.Context { return c.ctx }

func (c *client) Send(m *pb.StreamLicensesResponse) error { return c.send(m) }

// stream streams DEMO's licenses from a token on, and answers the messages that came. After each,
// got is called, whose error is Send's.
func stream(ctx context.Context, a *ncp.Adapter, filter *pb.LicenseFilter, token string, got func(*pb.StreamLicensesResponse) error) ([]*pb.StreamLicensesResponse, error) {
	var messages []*pb.StreamLicensesResponse
	err := a.StreamLicenses(&pb.StreamLicensesRequest{Parent: demo, Filter: filter, PageToken: token}, &client{ctx: ctx, send: func(m *pb.StreamLicensesResponse) error {
		messages = append(messages, m)
		if got == nil {
			return nil
		}
		return got(m)
	}})
	return messages, err
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
	vendor := &longHistory{rows: 7001}
	a := adapterTo(t, config(), twin.Transport(vendor))
	messages, err := stream(t.Context(), a, nil, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	wantWhole(t, "the stream", messages, 0, 7000)
	if len(messages) > 10 || vendor.read() > 82 {
		t.Errorf("%d messages of %d of the vendor's pages for 7001 rows", len(messages), vendor.read())
	}
	passed := 0
	for i, m := range messages[:len(messages)-1] {
		passed += len(m.GetLicenses())
		rest, err := stream(t.Context(), a, nil, m.GetNextPageToken(), nil)
		if err != nil {
			t.Fatal(err)
		}
		wantWhole(t, fmt.Sprintf("the stream after message %d", i), rest, passed, 7000)
	}
}

func TestAStreamAsksAsListLicensesDoes(t *testing.T) {
	a, vendor := serve(t, config(), map[string][]answer{getLicenses: {rows(row), rows()}})
	filter := &pb.LicenseFilter{DeviceId: "d", UserId: "u", Status: pb.License_SUCCESS, StartTime: instant(t, "2024-03-01T00:00:00Z"), EndTime: instant(t, "2024-03-01T00:00:01Z")}
	messages, err := stream(t.Context(), a, filter, "", nil)
	if err != nil || len(messages) != 1 || len(messages[0].GetLicenses()) != 1 {
		t.Fatalf("%v, %v", messages, err)
	}
	const want = "endTime=1709251201000&searchCondition=deviceId&searchKeyword=d&startTime=1709251199999&status=success"
	if got := asked(vendor.Made(getLicenses)[0]); got != want {
		t.Errorf("the stream asks for %s, want %s", got, want)
	}
}

func TestAStreamWithoutRowsIsOneMessage(t *testing.T) {
	a, _ := serve(t, config(), map[string][]answer{getLicenses: {rows()}, getSite: {siteOn}})
	messages, err := stream(t.Context(), a, nil, "", nil)
	if err != nil || len(messages) != 1 {
		t.Fatalf("%v, %v", messages, err)
	}
	same(t, "the message", messages[0], &pb.StreamLicensesResponse{})
}

func TestAStreamOfAnUnknownSiteIsNotFound(t *testing.T) {
	for what, page := range map[string]answer{"no rows": rows(), "a refusal": refusal(404, "281003")} {
		a, _ := serve(t, config(), map[string][]answer{getLicenses: {page}, getSite: {refusal(404, "281003")}})
		messages, err := stream(t.Context(), a, nil, "", nil)
		wantError(t, what, err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
		if len(messages) != 0 {
			t.Errorf("%s: messages %v", what, messages)
		}
	}
	err := adapterTo(t, config(), nil).StreamLicenses(&pb.StreamLicensesRequest{Parent: "vendors/acme"}, &client{ctx: t.Context()})
	wantField(t, "the name of a vendor", err, "parent")
}

func TestAStreamRefusesWhatBelongsToAnotherRequest(t *testing.T) {
	a := adapterTo(t, config(), twin.Transport(&longHistory{rows: 3000}))
	listed, err := list(t, a, nil)
	if err != nil {
		t.Fatal(err)
	}
	messages, err := stream(t.Context(), a, nil, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		token  string
		filter *pb.LicenseFilter
	}{
		"a list's token":       {listed.GetNextPageToken(), nil},
		"another filter":       {messages[0].GetNextPageToken(), &pb.LicenseFilter{UserId: "u"}},
		"what is no token":     {"next", nil},
		"a token that was cut": {messages[0].GetNextPageToken()[:20], nil},
	} {
		_, err := stream(t.Context(), a, c.filter, c.token, nil)
		wantField(t, what, err, "page_token")
	}
}

func TestOneMessageIsReadAheadAndNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := &longHistory{rows: 9000}
		a := adapterTo(t, config(), twin.Transport(vendor))
		sent := 0
		_, err := stream(t.Context(), a, nil, "", func(*pb.StreamLicensesResponse) error {
			sent++
			synctest.Wait() // until everything that could go on without this client has
			if read := vendor.read(); read != 1+10*sent && sent < 9 {
				t.Errorf("while message %d is sent, %d pages have been read, want %d", sent, read, 1+10*sent)
			}
			return nil
		})
		if err != nil || sent < 9 {
			t.Errorf("%d messages, %v", sent, err)
		}
	})
}

func TestAStreamThatNothingMatchesTellsHowFarItHasCome(t *testing.T) {
	a := adapterTo(t, config(), twin.Transport(&longHistory{rows: 30_000}))
	filter := &pb.LicenseFilter{ContentId: "29999"}
	messages, err := stream(t.Context(), a, filter, "", nil)
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
	again, err := stream(t.Context(), a, filter, messages[0].GetNextPageToken(), nil)
	if err != nil || len(again) != len(messages)-1 {
		t.Errorf("resumed after a message without rows, %d messages, want %d; %v", len(again), len(messages)-1, err)
	}
}

// fails makes the vendor fail from a page on.
func fails(from int, how func(w http.ResponseWriter)) func(int, http.ResponseWriter, *http.Request) bool {
	return func(page int, w http.ResponseWriter, _ *http.Request) bool {
		if page < from {
			return false
		}
		how(w)
		return true
	}
}

func TestAFailureInTheMiddleIsNeverAnEnd(t *testing.T) {
	says := func(a answer) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			if a.Status != 0 {
				w.WriteHeader(a.Status)
			}
			_, _ = io.WriteString(w, a.Body)
		}
	}
	for what, c := range map[string]struct {
		how func(w http.ResponseWriter)
		outcome
	}{
		"500":       {says(answer{Status: 500}), unavailable},
		"401":       {says(answer{Status: 401}), unauthorized},
		"429":       {says(answer{Status: 429}), throttled},
		"a cut":     {func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, unavailable},
		"a half":    {says(answer{Body: `{"success":true,"content":[` + row}), unreadable},
		"garbage":   {says(answer{Body: "<html>"}), unreadable},
		"the rest":  {says(rows(at("2024-03-01"))), unreadable},
		"a refusal": {says(refusal(400, "289999")), rejected},
	} {
		t.Run(what, func(t *testing.T) {
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			synctest.Test(t, func(t *testing.T) { // for the pauses between attempts
				vendor := &longHistory{rows: 5000, hook: fails(17, c.how)}
				a := adapterTo(t, config(), twin.Transport(vendor))
				messages, err := stream(t.Context(), a, nil, "", nil)
				wantError(t, "StreamLicenses", err, c.Code, c.Reason)
				if len(messages) != 2 || messages[1].GetNextPageToken() == "" {
					t.Fatalf("%d messages before the third one's pages failed", len(messages))
				}
				vendor.heal()
				time.Sleep(time.Minute) // on the bubble's clock: the vendor is trusted again
				rest, err := stream(t.Context(), a, nil, messages[1].GetNextPageToken(), nil)
				if err != nil {
					t.Fatal(err)
				}
				wantWhole(t, "before and after the failure", append(messages, rest...)[2:], len(messages[0].GetLicenses())+len(messages[1].GetLicenses()), 4999)
			})
		})
	}
}

func TestACallerWhoGoesEndsTheStream(t *testing.T) {
	stall := func(page int, _ http.ResponseWriter, r *http.Request) bool {
		if page > 1 {
			<-r.Context().Done()
		}
		return page > 1
	}
	for what, c := range map[string]struct {
		hook func(int, http.ResponseWriter, *http.Request) bool
		code codes.Code
	}{
		"while pages are read":            {stall, codes.Canceled},
		"while nothing is read":           {nil, codes.Canceled},
		"when time is up, within a page":  {stall, codes.DeadlineExceeded},
		"when time is up, between others": {nil, codes.DeadlineExceeded},
	} {
		t.Run(what, func(t *testing.T) {
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			synctest.Test(t, func(t *testing.T) {
				a := adapterTo(t, config(), twin.Transport(&longHistory{rows: 5000, hook: c.hook}))
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				messages, err := stream(ctx, a, nil, "", func(*pb.StreamLicensesResponse) error {
					synctest.Wait()
					if c.code == codes.Canceled {
						cancel()
					} else if c.hook == nil {
						time.Sleep(2 * time.Second)
					}
					return nil
				})
				reason := map[codes.Code]pb.ErrorReason{codes.Canceled: pb.ErrorReason_CALL_CANCELLED, codes.DeadlineExceeded: pb.ErrorReason_DEADLINE_PASSED}[c.code]
				wantError(t, "StreamLicenses", err, c.code, reason)
				if len(messages) > 2 {
					t.Errorf("%d messages after the caller had gone", len(messages)-1)
				}
			})
		})
	}
}

func TestAStreamEndsWithTheErrorOfItsClient(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	vendor := &longHistory{rows: 5000}
	a := adapterTo(t, config(), twin.Transport(vendor))
	broken := errors.New("the connection broke")
	messages, err := stream(t.Context(), a, nil, "", func(*pb.StreamLicensesResponse) error { return broken })
	if !errors.Is(err, broken) || len(messages) != 1 || vendor.read() > 11 {
		t.Errorf("%d messages, %d pages, %v", len(messages), vendor.read(), err)
	}
}

type panicking struct{}

func (panicking) RoundTrip(*http.Request) (*http.Response, error) { panic("a mistake") }

func TestAMistakeShowsInTheCallItself(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	defer func() {
		if p := recover(); p == nil || !strings.Contains(fmt.Sprint(p), "a mistake") {
			t.Errorf("the call panics with %v: whoever calls is to catch it", p)
		}
	}()
	_, err := stream(t.Context(), adapterTo(t, config(), panicking{}), nil, "", nil)
	t.Errorf("StreamLicenses returns %v", err)
}
