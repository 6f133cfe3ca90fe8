package pallycon_test

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

	"github.com/drmhub/drmhub/adapters/pallycon"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// longHistory is a vendor with so many licenses, two in every second, each of a content of its own:
// "0" is the newest.
type longHistory struct {
	rows int
	// before each page of licenses, from 1
	hook func(page int, w http.ResponseWriter, r *http.Request) (answered bool)

	mu    sync.Mutex
	pages int
}

func (h *longHistory) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Path == "/api/v2/account/siteId" {
		_, _ = io.WriteString(w, `{"error_code":"0000","data":[{"site_id":"DEMO"}]}`)
		return
	}
	h.mu.Lock()
	h.pages++
	page := h.pages
	h.mu.Unlock()
	if h.hook != nil && h.hook(page, w, r) {
		return
	}
	unit, _ := strconv.Atoi(r.URL.Query().Get("page_unit"))
	index, _ := strconv.Atoi(r.URL.Query().Get("page_index"))
	var data []string
	for i := unit * (index - 1); i < min(unit*index, h.rows); i++ {
		second := time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC).Add(-time.Duration(i/2) * time.Second)
		data = append(data, strings.Replace(at(second.Format("20060102150405")), `"cid":"c"`, fmt.Sprintf(`"cid":"%d"`, i), 1))
	}
	_, _ = io.WriteString(w, rows(h.rows, data...))
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
func stream(ctx context.Context, a *pallycon.Adapter, filter *pb.LicenseFilter, token string, got func(*pb.StreamLicensesResponse) error) ([]*pb.StreamLicensesResponse, error) {
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
	if vendor.read() > 10 {
		t.Errorf("%d of the vendor's pages were read for 7001 rows", vendor.read())
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
	a, vendor := serve(t, config(), map[string]string{getLicenses: rows(1, row)})
	filter := &pb.LicenseFilter{DeviceId: "d", UserId: "u", Status: pb.License_SUCCESS, StartTime: instant(t, "2020-03-02T00:00:00Z"), EndTime: instant(t, "2020-03-03T00:00:00Z")}
	messages, err := stream(t.Context(), a, filter, "", nil)
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
		if got, want := asked(q), "from=2020-03-02&search_condition=device_id&search_keyword=d&search_status=success&to=2020-03-02"; got != want {
			t.Errorf("call %d asks for %s, want %s", i, got, want)
		}
	}
}

func TestAStreamWithoutRowsIsOneMessage(t *testing.T) {
	a, _ := serve(t, config(), map[string]string{getLicenses: none, getSites: fixture(t, "account-siteId.json")})
	messages, err := stream(t.Context(), a, nil, "", nil)
	if err != nil || len(messages) != 1 {
		t.Fatalf("%v, %v", messages, err)
	}
	same(t, "the message", messages[0], &pb.StreamLicensesResponse{})
}

func TestAStreamOfAnUnknownSiteIsNotFound(t *testing.T) {
	for what, answer := range map[string]string{"no rows": none, "a refusal": `{"error_code":"1003","error_message":"no such site"}`} {
		a, _ := serve(t, config(), map[string]string{getLicenses: answer, getSites: `{"error_code":"0000","data":[]}`})
		messages, err := stream(t.Context(), a, nil, "", nil)
		wantError(t, what, err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
		if len(messages) != 0 {
			t.Errorf("%s: messages %v", what, messages)
		}
	}
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
		e := wantError(t, what, err, codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID)
		if len(e.Violations) != 1 || e.Violations[0].GetField() != "page_token" {
			t.Errorf("%s: violations %v", what, e.Violations)
		}
	}
	err = a.StreamLicenses(&pb.StreamLicensesRequest{Parent: "vendors/acme"}, &client{ctx: t.Context()})
	wantError(t, "the name of a vendor", err, codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID)
}

func TestOnePageIsReadAheadAndNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := &longHistory{rows: 9000}
		a := adapterTo(t, config(), twin.Transport(vendor))
		sent := 0
		_, err := stream(t.Context(), a, nil, "", func(*pb.StreamLicensesResponse) error {
			sent++
			synctest.Wait() // until everything that could go on without this client has
			if ahead := vendor.read() - sent; ahead > 1 || sent < 9 && ahead < 1 {
				t.Errorf("while message %d is sent, %d pages are read ahead, want 1", sent, ahead)
			}
			return nil
		})
		if err != nil || sent < 9 {
			t.Errorf("%d messages, %v", sent, err)
		}
	})
}

func TestAStreamThatNothingMatchesTellsHowFarItHasCome(t *testing.T) {
	vendor := &longHistory{rows: 30_000}
	a := adapterTo(t, config(), twin.Transport(vendor))
	messages, err := stream(t.Context(), a, &pb.LicenseFilter{ContentId: "29999"}, "", nil)
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
	again, err := stream(t.Context(), a, &pb.LicenseFilter{ContentId: "29999"}, messages[0].GetNextPageToken(), nil)
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
	for what, c := range map[string]struct {
		how    func(w http.ResponseWriter)
		code   codes.Code
		reason pb.ErrorReason
	}{
		"500":      {func(w http.ResponseWriter) { w.WriteHeader(500) }, codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE},
		"401":      {func(w http.ResponseWriter) { w.WriteHeader(401) }, codes.FailedPrecondition, pb.ErrorReason_VENDOR_CREDENTIALS_REJECTED},
		"429":      {func(w http.ResponseWriter) { w.WriteHeader(429) }, codes.ResourceExhausted, pb.ErrorReason_VENDOR_RATE_LIMITED},
		"a cut":    {func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE},
		"a half":   {func(w http.ResponseWriter) { _, _ = io.WriteString(w, `{"error_code":"0000","data":[`+row) }, codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID},
		"garbage":  {func(w http.ResponseWriter) { _, _ = io.WriteString(w, "<html>") }, codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID},
		"nothing":  {func(w http.ResponseWriter) { _, _ = io.WriteString(w, rows(5000)) }, codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID},
		"the rest": {func(w http.ResponseWriter) { _, _ = io.WriteString(w, rows(1, at("2024-03-01"))) }, codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID},
		"a refusal": {func(w http.ResponseWriter) {
			_, _ = io.WriteString(w, `{"error_code":"9999","error_message":"enough"}`)
		},
			codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED},
	} {
		t.Run(what, func(t *testing.T) {
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			synctest.Test(t, func(t *testing.T) { // for the pauses between attempts
				vendor := &longHistory{rows: 5000, hook: fails(3, c.how)}
				a := adapterTo(t, config(), twin.Transport(vendor))
				messages, err := stream(t.Context(), a, nil, "", nil)
				wantError(t, "StreamLicenses", err, c.code, c.reason)
				if len(messages) != 2 || messages[1].GetNextPageToken() == "" {
					t.Fatalf("%d messages before the third page failed, the last with the token %q", len(messages), messages[len(messages)-1].GetNextPageToken())
				}
				vendor.hook = nil
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
		if page == 2 {
			<-r.Context().Done()
		}
		return page == 2
	}
	for what, c := range map[string]struct {
		hook func(int, http.ResponseWriter, *http.Request) bool
		code codes.Code
		end  func(context.Context) (context.Context, context.CancelFunc)
	}{
		"while a page is read":  {stall, codes.Canceled, context.WithCancel},
		"while nothing is read": {nil, codes.Canceled, context.WithCancel},
		"when time is up, within a page": {stall, codes.DeadlineExceeded, func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Second)
		}},
		"when time is up, between others": {nil, codes.DeadlineExceeded, func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Second)
		}},
	} {
		t.Run(what, func(t *testing.T) {
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			synctest.Test(t, func(t *testing.T) {
				a := adapterTo(t, config(), twin.Transport(&longHistory{rows: 5000, hook: c.hook}))
				ctx, cancel := c.end(t.Context())
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
	if !errors.Is(err, broken) || len(messages) != 1 || vendor.read() > 2 {
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
