package gateway_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/gateway"
)

const streamPath = "/v1/vendors/v/sites/a%2Fb/licenses:stream"

func rows(from, to int) *pb.StreamLicensesResponse {
	m := &pb.StreamLicensesResponse{NextPageToken: "t"}
	for i := from; i < to; i++ {
		m.Licenses = append(m.Licenses, &pb.License{ContentId: fmt.Sprint("c", i), Status: pb.License_SUCCESS})
	}
	return m
}

// reads checks that each line is a License: the rows from, from+1, and so on.
func reads(t *testing.T, lines []string, from int) {
	t.Helper()
	for i, line := range lines {
		var row pb.License
		if err := protojson.Unmarshal([]byte(line), &row); err != nil || row.GetContentId() != fmt.Sprint("c", from+i) {
			t.Errorf("line %d: %q, %v", i, line, err)
		}
	}
}

// streaming is a backend whose StreamLicenses is this function.
func streaming(stream func(*pb.StreamLicensesRequest, streamServer) error) backend {
	return backend{licenses: licenses{stream: stream}}
}

func TestStreamIsOneLicenseALine(t *testing.T) {
	var got *pb.StreamLicensesRequest
	s := streaming(func(req *pb.StreamLicensesRequest, s streamServer) error {
		got = req
		if err := s.SetHeader(metadata.Pairs("drmhub-mutation", "mutations/1", "other", "x")); err != nil {
			return err
		}
		for i := range 3 {
			if err := s.Send(rows(i*1000, i*1000+1000)); err != nil {
				return err
			}
		}
		return s.Send(rows(0, 0))
	}).serve(t)
	r := send(t, s, "GET", streamPath+"?filter.contentId=c&pageToken=p", "")
	if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != "application/x-ndjson" ||
		r.Header.Get("Drmhub-Mutation") != "mutations/1" {
		t.Errorf("HTTP %d %v", r.StatusCode, r.Header)
	}
	filter := &pb.LicenseFilter{ContentId: "c"}
	want := &pb.StreamLicensesRequest{Parent: "vendors/v/sites/a%2Fb", Filter: filter, PageToken: "p"}
	if !proto.Equal(got, want) {
		t.Errorf("request %v, want %v", got, want)
	}
	lines := strings.Split(strings.TrimSuffix(r.text, "\n"), "\n")
	if len(lines) != 3000 || !strings.Contains(lines[0], "deviceId") {
		t.Errorf("%d lines, the first %s; want 3000 with unset fields shown", len(lines), lines[0])
	}
	reads(t, lines, 0)

	head := send(t, s, "HEAD", streamPath, "")
	if head.StatusCode != http.StatusOK || head.text != "" ||
		head.Header.Get("Content-Type") != "application/x-ndjson" || head.Header.Get("Drmhub-Mutation") == "" {
		t.Errorf("HEAD: HTTP %d %v %q", head.StatusCode, head.Header, head.text)
	}
}

func TestStreamWithoutRowsIsEmpty(t *testing.T) {
	empty := func(_ *pb.StreamLicensesRequest, s streamServer) error { return s.Send(rows(0, 0)) }
	s := streaming(empty).serve(t)
	r := send(t, s, "GET", streamPath, "")
	if r.StatusCode != http.StatusOK || r.text != "" || r.Header.Get("Content-Type") != "application/x-ndjson" {
		t.Errorf("HTTP %d %v %q", r.StatusCode, r.Header, r.text)
	}
}

func TestStreamThatFailsBeforeTheFirstRowIsAnOrdinaryError(t *testing.T) {
	for name, messages := range map[string]int{"before the first message": 0, "after an empty one": 1} {
		t.Run(name, func(t *testing.T) {
			s := streaming(func(_ *pb.StreamLicensesRequest, s streamServer) error {
				s.SetTrailer(metadata.Pairs("drmhub-mutation", "mutations/1"))
				for range messages {
					if err := s.Send(rows(0, 0)); err != nil {
						return err
					}
				}
				e := apierror.New(codes.ResourceExhausted, pb.ErrorReason_VENDOR_RATE_LIMITED, "slow down")
				e.RetryAfter = time.Second
				return e
			}).serve(t)
			r := send(t, s, "GET", streamPath, "")
			r.failed(t, http.StatusTooManyRequests, "RESOURCE_EXHAUSTED", "VENDOR_RATE_LIMITED")
			if r.Header.Get("Retry-After") != "1" || r.Header.Get("Drmhub-Mutation") != "mutations/1" {
				t.Errorf("headers %v", r.Header)
			}
		})
	}
}

func TestStreamThatFailsLaterEndsInAnErrorLine(t *testing.T) {
	for _, c := range []struct {
		err          error
		status, says string
		code         int
	}{
		{status.Error(codes.Unavailable, "the vendor\nis gone"), "UNAVAILABLE", "the vendor\nis gone", 503},
		{fmt.Errorf("password=hunter2"), "INTERNAL", "Internal error in drmhub", 500},
	} {
		s := streaming(func(_ *pb.StreamLicensesRequest, s streamServer) error {
			if err := s.Send(rows(0, 2)); err != nil {
				return err
			}
			return c.err
		}).serve(t)
		r := send(t, s, "GET", streamPath, "")
		lines := strings.Split(strings.TrimSuffix(r.text, "\n"), "\n")
		if r.StatusCode != http.StatusOK || len(lines) != 3 {
			t.Fatalf("HTTP %d: %s", r.StatusCode, r.text)
		}
		reads(t, lines[:2], 0)
		e := parseFailure(t, lines[2])
		if e.Code != c.code || e.Status != c.status || !strings.Contains(e.Message, c.says) {
			t.Errorf("last line %s", lines[2])
		}
	}
}

func TestRowThatCannotBeWrittenEndsTheStream(t *testing.T) {
	ended := make(chan error, 1)
	s := streaming(func(_ *pb.StreamLicensesRequest, s streamServer) error {
		two := []*pb.License{{ContentId: "c0"}, {ContentId: "\xff"}}
		if err := s.Send(&pb.StreamLicensesResponse{Licenses: two}); err != nil {
			return err
		}
		<-s.Context().Done()
		ended <- s.Context().Err()
		return s.Context().Err()
	}).serve(t)
	r := send(t, s, "GET", streamPath, "")
	lines := strings.Split(strings.TrimSuffix(r.text, "\n"), "\n")
	if len(lines) != 2 || parseFailure(t, lines[1]).Status != "INTERNAL" {
		t.Errorf("%q", r.text)
	}
	<-ended
}

func TestRowsComeAsTheyAreSentAndLeavingEndsTheCall(t *testing.T) {
	ended := make(chan error, 1)
	next := make(chan int)
	s := streaming(func(_ *pb.StreamLicensesRequest, s streamServer) error {
		for i := range next {
			if err := s.Send(rows(i, i+1)); err != nil {
				return err
			}
		}
		<-s.Context().Done()
		ended <- s.Context().Err()
		return nil
	}).serve(t)
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, "GET", s.URL+streamPath, nil)
	if err != nil {
		t.Fatal(err)
	}
	go func() { next <- 0 }()
	r, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	lines := bufio.NewScanner(r.Body)
	for i := range 3 { // Each row arrives before the next one is sent.
		if !lines.Scan() {
			t.Fatal(lines.Err())
		}
		reads(t, []string{lines.Text()}, i)
		if i < 2 {
			next <- i + 1
		}
	}
	close(next)
	cancel()
	if err := <-ended; err != context.Canceled {
		t.Errorf("the handler's context ended with %v", err)
	}
}

func TestSlowClientsSlowTheCallDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := 0
		h := streaming(func(_ *pb.StreamLicensesRequest, s streamServer) error {
			for i := range 5 {
				if err := s.Send(rows(i, i+1)); err != nil {
					return err
				}
				sent++
			}
			return nil
		}).handler(t, gateway.Options{})
		w := &recorded{header: http.Header{}, onWrite: func(w *recorded) {
			synctest.Wait()
			if written := strings.Count(w.body.String(), "\n"); sent > written+1 {
				t.Errorf("%d messages sent while %d rows are written", sent, written)
			}
		}}
		h.ServeHTTP(w, httptest.NewRequest("GET", streamPath, nil))
		if strings.Count(w.body.String(), "\n") != 5 || w.flushes != 5 {
			t.Errorf("%d flushes of %q, want one a message", w.flushes, w.body.String())
		}
	})
}

func TestRowsOfALargeMessageAreFlushedInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ten := func(_ *pb.StreamLicensesRequest, s streamServer) error { return s.Send(rows(0, 10)) }
		h := streaming(ten).handler(t, gateway.Options{})
		// It is the bubble's clock: 50 ms pass with every third row.
		w := &recorded{header: http.Header{}, onWrite: func(*recorded) { time.Sleep(20 * time.Millisecond) }}
		h.ServeHTTP(w, httptest.NewRequest("GET", streamPath, nil))
		if w.flushes != 4 {
			t.Errorf("%d flushes, want 3 on the way and 1 at the end", w.flushes)
		}
	})
}
