package audit_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/audit"
	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/store"
	"github.com/drmhub/drmhub/server/internal/store/storetest"
)

// listed are the names of all events that a request chooses, page by page; the pages are divided by
// bars.
func listed(t *testing.T, s *audit.Service, req *pb.ListAuditEventsRequest) string {
	t.Helper()
	var pages []string
	for {
		res, err := s.ListAuditEvents(auth.WithCaller(t.Context(), auth.Anyone), req)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, e := range res.GetAuditEvents() {
			names = append(names, strings.TrimPrefix(e.GetName(), "auditEvents/"))
		}
		pages = append(pages, strings.Join(names, " "))
		if res.GetNextPageToken() == "" {
			return strings.Join(pages, " | ")
		}
		req.PageToken = res.GetNextPageToken()
	}
}

func TestTheNewestEventsComeFirst(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		db := storetest.Open(t, dsn)
		s := audit.NewService(db)
		if got := listed(t, s, &pb.ListAuditEventsRequest{}); got != "" {
			t.Error(got)
		}
		appendAt(t, db, "a", 0, ordinary)
		appendAt(t, db, "b", 1, ordinary)
		appendAt(t, db, "b", 1, ordinary)
		appendAt(t, db, "a", 1, ordinary)
		appendAt(t, db, "c", -1, ordinary) // on a machine whose clock is slow
		for size, want := range map[int32]string{
			0: "b-2 b-1 a-2 a-1 c-1", 5: "b-2 b-1 a-2 a-1 c-1", 4: "b-2 b-1 a-2 a-1 | c-1",
			2: "b-2 b-1 | a-2 a-1 | c-1", 1: "b-2 | b-1 | a-2 | a-1 | c-1",
		} {
			if got := listed(t, s, &pb.ListAuditEventsRequest{PageSize: size}); got != want {
				t.Errorf("pages of %d: %s, want %s", size, got, want)
			}
		}
	})
}

func TestEventsThatHappenBetweenPagesDoNotShiftThem(t *testing.T) {
	db := storetest.Open(t, store.Memory)
	for i := range 4 {
		appendAt(t, db, "a", i, ordinary)
	}
	s := audit.NewService(db)
	first, err := s.ListAuditEvents(auth.WithCaller(t.Context(), auth.Anyone), &pb.ListAuditEventsRequest{PageSize: 2})
	if err != nil {
		t.Fatal(err)
	}
	appendAt(t, db, "a", 9, ordinary)
	if got := listed(t, s, &pb.ListAuditEventsRequest{PageToken: first.GetNextPageToken()}); got != "a-2 a-1" {
		t.Error(got)
	}
}

func TestAnEventOverTheWire(t *testing.T) {
	db := storetest.Open(t, store.Memory)
	appendAt(t, db, "a", 0, ordinary)
	e := appendAt(t, db, "a", 1, ordinary)
	ctx := auth.WithCaller(t.Context(), auth.Anyone)
	res, err := audit.NewService(db).ListAuditEvents(ctx, &pb.ListAuditEventsRequest{PageSize: 1})
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprint(&pb.AuditEvent{
		Name: "auditEvents/a-2", Time: timestamppb.New(noon.Add(time.Minute).Truncate(time.Microsecond)),
		Subject: "s", Method: "m", Resource: "r", RequestDigest: "d", Outcome: "OK", VendorCode: "v",
		PreviousHash: e.PreviousHash, Hash: e.Hash,
	})
	if got := fmt.Sprint(res.GetAuditEvents()[0]); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestTheFilter(t *testing.T) {
	storetest.Each(t, func(t *testing.T, dsn string) {
		db := storetest.Open(t, dsn)
		appendAt(t, db, "a", 0, audit.Event{Subject: "ann", Method: "get", Resource: "vendors/v"})
		appendAt(t, db, "a", 1, audit.Event{Subject: "bob", Method: "get", Resource: "vendors/v"})
		appendAt(t, db, "a", 2, audit.Event{Subject: "ann", Method: "put", Resource: "vendors/v"})
		appendAt(t, db, "a", 3, audit.Event{Subject: "ann", Method: "put", Resource: "vendors/w"})
		appendAt(t, db, "a", 4, audit.Event{Subject: "Ann%", Method: "put", Resource: "vendors/w"})
		appendAt(t, db, "a", 5, audit.Event{Subject: "a\x00n", Method: "put", Resource: "vendors/w"})
		s := audit.NewService(db)
		// at is the instant of the event of that minute, give or take; events stand at whole
		// microseconds.
		at := func(minutes int, more time.Duration) *timestamppb.Timestamp {
			return timestamppb.New(noon.Truncate(time.Microsecond).Add(time.Duration(minutes)*time.Minute + more))
		}
		for _, c := range []struct {
			filter *pb.AuditEventFilter
			want   string
		}{
			{&pb.AuditEventFilter{}, "a-6 a-5 | a-4 a-3 | a-2 a-1"},
			{&pb.AuditEventFilter{Subject: "ann"}, "a-4 a-3 | a-1"},
			{&pb.AuditEventFilter{Subject: "Ann"}, ""},
			{&pb.AuditEventFilter{Subject: "an"}, ""},
			{&pb.AuditEventFilter{Subject: "Ann%"}, "a-5"},
			{&pb.AuditEventFilter{Subject: "' OR ''='"}, ""},
			{&pb.AuditEventFilter{Subject: "a\x00n"}, "a-6"},
			{&pb.AuditEventFilter{Method: "get"}, "a-2 a-1"},
			{&pb.AuditEventFilter{Resource: "vendors/w"}, "a-6 a-5 | a-4"},
			{&pb.AuditEventFilter{Subject: "ann", Method: "put", Resource: "vendors/v"}, "a-3"},
			{&pb.AuditEventFilter{StartTime: at(4, 0)}, "a-6 a-5"},
			{&pb.AuditEventFilter{StartTime: at(4, 1)}, "a-6"},
			{&pb.AuditEventFilter{StartTime: at(4, -1)}, "a-6 a-5"},
			{&pb.AuditEventFilter{EndTime: at(1, 0)}, "a-1"},
			{&pb.AuditEventFilter{EndTime: at(1, 1)}, "a-2 a-1"},
			{&pb.AuditEventFilter{EndTime: at(1, -1)}, "a-1"},
			{&pb.AuditEventFilter{Subject: "ann", StartTime: at(2, 0), EndTime: at(3, 0)}, "a-3"},
		} {
			if got := listed(t, s, &pb.ListAuditEventsRequest{PageSize: 2, Filter: c.filter}); got != c.want {
				t.Errorf("%v: %s, want %s", c.filter, got, c.want)
			}
		}
	})
}

func TestListsThatCannotBeAnswered(t *testing.T) {
	db, err := store.Open(t.Context(), store.Memory)
	if err != nil {
		t.Fatal(err)
	}
	s := audit.NewService(db)
	for _, req := range []*pb.ListAuditEventsRequest{
		{PageToken: "next, please"},
		{Filter: &pb.AuditEventFilter{StartTime: &timestamppb.Timestamp{Seconds: 1 << 60}}},
		{Filter: &pb.AuditEventFilter{EndTime: &timestamppb.Timestamp{Nanos: -1}}},
	} {
		_, err := s.ListAuditEvents(auth.WithCaller(t.Context(), auth.Anyone), req)
		if err == nil || apierror.Convert(err).Code != codes.InvalidArgument {
			t.Errorf("%v: %v", req, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = s.ListAuditEvents(auth.WithCaller(t.Context(), auth.Anyone), &pb.ListAuditEventsRequest{})
	if e := apierror.Convert(err); e.Code != codes.Unavailable || !strings.Contains(e.Message, "is unavailable") {
		t.Errorf("a store that cannot be read: %v", err)
	}
}
