package adaptertest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/paging"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var streamPromises = []Promise{
	{"StreamLicenses gives every row exactly once, newest first, in messages of up to 1000",
		needs("StreamLicenses"), streamsEveryRow},
	{"StreamLicenses takes the filter of ListLicenses", needs("StreamLicenses"), streamsFiltered},
	{"StreamLicenses goes on after any message", needs("StreamLicenses"), streamIsResumed},
	{"StreamLicenses leaves the earlier rows in their place when others arrive",
		needs("StreamLicenses"), streamWithArrivals},
	{"StreamLicenses of an unknown site is NOT_FOUND", needs("StreamLicenses"), streamOfUnknownSite},
	{"StreamLicenses stops when nobody receives", needs("StreamLicenses"), streamWithoutReceiver},
	{"StreamLicenses ends with CANCELLED when the caller goes", needs("StreamLicenses"), streamIsCanceled},
	{"StreamLicenses fails if the vendor fails between messages, and goes on afterwards",
		needs("StreamLicenses"), streamFails},
}

// long adds a site with rows for several messages.
func long(t T, h Harness) *site {
	t.Helper()
	s := newSite(t, h)
	s.put(history(2100)...)
	return s
}

// wholeStream streams all rows, and demands that every message but the last has a token.
func (s *site) wholeStream(
	t T, filter *pb.LicenseFilter, token string, got func() error,
) []*pb.StreamLicensesResponse {
	t.Helper()
	messages, err := s.stream(t.Context(), filter, token, got)
	if err != nil {
		t.Fatalf("StreamLicenses, after %d messages: %v", len(messages), err)
	}
	for i, m := range messages {
		if n := len(m.GetLicenses()); n > paging.MaxSize {
			t.Errorf("message %d has %d rows", i, n)
		}
		if last := i == len(messages)-1; last != (m.GetNextPageToken() == "") {
			t.Errorf("message %d of %d has the token %q, want one in all but the last",
				i, len(messages), m.GetNextPageToken())
		}
	}
	return messages
}

func streamsEveryRow(t T, h Harness) {
	s := long(t, h)
	rows := streamed(s.wholeStream(t, nil, "", nil))
	sameRows(t, "StreamLicenses", rows, s.held(nil))
	newestFirst(t, "StreamLicenses", rows)
}

func streamsFiltered(t T, h Harness) {
	s := newSite(t, h)
	s.put(history(60)...)
	for _, filter := range []*pb.LicenseFilter{
		{ContentId: "content-3"}, {ContentId: "content-3", UserId: "Viewer"}, {ContentId: "content"},
	} {
		sameRows(t, filter.String(), streamed(s.wholeStream(t, filter, "", nil)), s.held(filter))
	}
}

func streamIsResumed(t T, h Harness) {
	s := long(t, h)
	messages := s.wholeStream(t, nil, "", nil)
	for i, m := range messages[:len(messages)-1] {
		rest := s.wholeStream(t, nil, m.GetNextPageToken(), nil)
		what := fmt.Sprintf("messages 0 to %d, and the stream resumed after them", i)
		sameRows(t, what, streamed(append(messages[:i+1:i+1], rest...)), s.held(nil))
	}
}

func streamWithArrivals(t T, h Harness) {
	s := long(t, h)
	held, newest := s.held(nil), midnight
	arrive := func() error {
		// or a stream that follows the newest rows would never end
		if newest.Before(midnight.Add(10 * time.Second)) {
			s.put(license("late", newest), license("content-299", newest))
			newest = newest.Add(time.Second)
		}
		return nil
	}
	messages := s.wholeStream(t, nil, "", arrive)
	rest := s.wholeStream(t, nil, messages[0].GetNextPageToken(), arrive)
	late := s.held(nil)[len(held):]
	sameRows(t, "StreamLicenses", streamed(messages), held, late...)
	sameRows(t, "message 0, and the stream resumed after it", streamed(append(messages[:1:1], rest...)), held, late...)
}

func streamOfUnknownSite(t T, h Harness) {
	_, err := newUnknownSite(t, h).stream(t.Context(), nil, "", nil)
	WantError(t, "StreamLicenses", err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
}

func streamWithoutReceiver(t T, h Harness) {
	s := long(t, h)
	messages, err := s.stream(t.Context(), nil, "", func() error { return errors.New("nobody receives") })
	if err == nil || len(messages) != 1 {
		t.Errorf("a stream whose Send fails sends %d messages and ends with %v, want 1 message and an error",
			len(messages), err)
	}
}

func streamIsCanceled(t T, h Harness) {
	s := long(t, h)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := s.stream(ctx, nil, "", func() error { cancel(); return nil })
	WantError(t, "StreamLicenses", err, codes.Canceled, pb.ErrorReason_CALL_CANCELLED)
}

func streamFails(t T, h Harness) {
	s := long(t, h)
	messages, err := s.stream(t.Context(), nil, "", func() error { h.FailReads(Down); return nil })
	h.FailReads(Healthy)
	if len(messages) == 0 {
		t.Fatalf("StreamLicenses sends nothing, and ends with %v", err)
	}
	if err == nil { // it may have read ahead
		sameRows(t, "a stream that ends well", streamed(messages), s.held(nil))
		return
	}
	WantError(t, "StreamLicenses", err, codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE)
	rest := s.wholeStream(t, nil, messages[len(messages)-1].GetNextPageToken(), nil)
	sameRows(t, "before and after the failure", streamed(append(messages, rest...)), s.held(nil))
}
