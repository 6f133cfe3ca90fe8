package app_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

const licenses = "/api/v2/drm/license"

// busy is a server whose vendor holds so many licenses of DEMO: of two contents, in turn.
func busy(t *testing.T, rows int) *testServer {
	t.Helper()
	h := start(t)
	held := make([]emulator.License, rows-120) // start has put the others
	for i := range held {
		held[i] = emulator.License{
			CID: fmt.Sprintf("content-%d", i%2), DRMType: "PlayReady", UserID: fmt.Sprintf("user-%d", i), DeviceID: "d", DeviceModel: "m",
			LicenseType: "token", PlatformName: "Windows", RegTime: time.Date(2026, 3, 2, 1, 0, i/3, 0, time.UTC),
		}
	}
	h.twin.PutLicenses("DEMO", held...)
	return h
}

// stream streams licenses over gRPC, to the end.
func (h *testServer) stream(ctx context.Context, req *pb.StreamLicensesRequest) (messages []*pb.StreamLicensesResponse, err error) {
	stream, err := pb.NewLicenseServiceClient(h.conn).StreamLicenses(ctx, req, grpc.WaitForReady(true))
	for err == nil {
		var m *pb.StreamLicensesResponse
		if m, err = stream.Recv(); err == nil {
			messages = append(messages, m)
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return messages, err
}

func streamed(messages []*pb.StreamLicensesResponse) []*pb.License {
	var rows []*pb.License
	for _, m := range messages {
		rows = append(rows, m.GetLicenses()...)
	}
	return rows
}

// lines streams licenses over REST, to the end: the rows, and the error that the last line holds.
func (h *testServer) lines(t *testing.T, query string) (rows []*pb.License, failure map[string]any) {
	t.Helper()
	code, header, answer := h.rest(t, "GET /v1/"+demo+"/licenses:stream"+query, "")
	if code != http.StatusOK || header.Get("Content-Type") != "application/x-ndjson" {
		t.Fatalf("REST: %d %s: %.300s", code, header.Get("Content-Type"), answer)
	}
	for line := range strings.Lines(answer) {
		if failure != nil {
			t.Fatalf("after the error comes %s", line)
		}
		if strings.HasPrefix(line, `{"error":`) {
			var last struct{ Error map[string]any }
			if err := json.Unmarshal([]byte(line), &last); err != nil {
				t.Fatalf("%v: %s", err, line)
			}
			failure = last.Error
			continue
		}
		var row pb.License
		if err := protojson.Unmarshal([]byte(line), &row); err != nil || !strings.HasSuffix(line, "}\n") {
			t.Fatalf("%v: %q", err, line)
		}
		rows = append(rows, &row)
	}
	return rows, failure
}

func equal(a, b []*pb.License) bool {
	return slices.EqualFunc(a, b, func(a, b *pb.License) bool { return proto.Equal(a, b) })
}

func TestBothFacesStreamEveryRow(t *testing.T) {
	h := busy(t, 3500)
	messages, err := h.stream(t.Context(), &pb.StreamLicensesRequest{Parent: demo})
	if err != nil {
		t.Fatal(err)
	}
	all := streamed(messages)
	held := h.twin.Licenses("DEMO")
	if len(all) != len(held) {
		t.Fatalf("gRPC: %d rows of %d", len(all), len(held))
	}
	for i, l := range held { // newest first, as the twin has them
		if all[i].GetUserId() != l.UserID || !all[i].GetCreateTime().AsTime().Equal(l.RegTime) {
			t.Fatalf("gRPC: row %d is %v, want %v", i, all[i], l)
		}
	}
	if rows, failure := h.lines(t, ""); !equal(rows, all) || failure != nil {
		t.Errorf("REST: %d rows of %d, %v", len(rows), len(all), failure)
	}
	gone := 0
	for i, m := range messages {
		gone += len(m.GetLicenses())
		if last := i == len(messages)-1; last || m.GetNextPageToken() == "" {
			if !last || m.GetNextPageToken() != "" {
				t.Errorf("message %d of %d has the token %q", i, len(messages), m.GetNextPageToken())
			}
			break
		}
		rest, err := h.stream(t.Context(), &pb.StreamLicensesRequest{Parent: demo, PageToken: m.GetNextPageToken()})
		if err != nil || !equal(streamed(rest), all[gone:]) {
			t.Errorf("gRPC, after message %d: %d rows, want %d; %v", i, len(streamed(rest)), len(all)-gone, err)
		}
		if rows, failure := h.lines(t, "?pageToken="+m.GetNextPageToken()); !equal(rows, all[gone:]) || failure != nil {
			t.Errorf("REST, after message %d: %d rows, want %d; %v", i, len(rows), len(all)-gone, failure)
		}
	}
}

func TestBothFacesStreamWhatTheFilterChooses(t *testing.T) {
	h := busy(t, 2000)
	filter := &pb.LicenseFilter{ContentId: "content-1", DrmType: pb.License_PLAYREADY}
	messages, err := h.stream(t.Context(), &pb.StreamLicensesRequest{Parent: demo, Filter: filter})
	if err != nil || len(streamed(messages)) != 940 {
		t.Errorf("gRPC: %d rows, want 940; %v", len(streamed(messages)), err)
	}
	rows, failure := h.lines(t, "?filter.contentId=content-1&filter.drmType=PLAYREADY")
	if !equal(rows, streamed(messages)) || failure != nil {
		t.Errorf("REST: %d rows, %v", len(rows), failure)
	}
	if rows, failure := h.lines(t, "?filter.contentId=content-3"); len(rows) != 0 || failure != nil {
		t.Errorf("REST, of nothing: %d rows, %v", len(rows), failure)
	}
}

func TestAStreamThatTheVendorBreaksEndsWithAnError(t *testing.T) {
	for name, c := range map[string]struct {
		fault  twin.Fault
		code   codes.Code
		http   float64
		status string
		reason pb.ErrorReason
	}{
		"500":        {twin.Fault{Kind: twin.FaultAnswer, Status: 500}, codes.Unavailable, 503, "UNAVAILABLE", pb.ErrorReason_VENDOR_UNAVAILABLE},
		"cut":        {twin.Fault{Kind: twin.FaultCut}, codes.Unavailable, 503, "UNAVAILABLE", pb.ErrorReason_VENDOR_UNAVAILABLE},
		"cut amid":   {twin.Fault{Kind: twin.FaultCutBody}, codes.Unavailable, 503, "UNAVAILABLE", pb.ErrorReason_VENDOR_UNAVAILABLE},
		"half":       {twin.Fault{Kind: twin.FaultMalformed}, codes.Internal, 500, "INTERNAL", pb.ErrorReason_VENDOR_RESPONSE_INVALID},
		"throttled":  {twin.Fault{Kind: twin.FaultAnswer, Status: 429}, codes.ResourceExhausted, 429, "RESOURCE_EXHAUSTED", pb.ErrorReason_VENDOR_RATE_LIMITED},
		"refused":    {twin.Fault{Kind: twin.FaultAnswer, Body: `{"error_code":"4711","error_message":"no luck"}`}, codes.FailedPrecondition, 400, "FAILED_PRECONDITION", pb.ErrorReason_VENDOR_REJECTED},
		"no access":  {twin.Fault{Kind: twin.FaultAnswer, Status: 403}, codes.FailedPrecondition, 400, "FAILED_PRECONDITION", pb.ErrorReason_VENDOR_PERMISSION_DENIED},
		"never ends": {twin.Fault{Kind: twin.FaultEndless}, codes.Internal, 500, "INTERNAL", pb.ErrorReason_VENDOR_RESPONSE_INVALID},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // it waits between the attempts
			h := busy(t, 3500)
			c.fault.Path, c.fault.Skip = licenses, 2
			h.twin.Faults().Add(c.fault)
			messages, err := h.stream(t.Context(), &pb.StreamLicensesRequest{Parent: demo})
			if e := apierror.Convert(err); status.Code(err) != c.code || e.Reason != c.reason || e.Metadata[apierror.Vendor] != "acme" {
				t.Errorf("gRPC: %v (%v), want %v (%v)", err, e.Reason, c.code, c.reason)
			}
			if len(messages) != 2 || messages[1].GetNextPageToken() == "" {
				t.Fatalf("gRPC: %d messages before the third page", len(messages))
			}
			h.twin.Faults().Clear()
			rest, err := h.stream(t.Context(), &pb.StreamLicensesRequest{Parent: demo, PageToken: messages[1].GetNextPageToken()})
			if n := len(streamed(messages)) + len(streamed(rest)); err != nil || n != 3500 {
				t.Errorf("gRPC: %d rows before and after the failure, want 3500; %v", n, err)
			}
			h.twin.Faults().Add(c.fault)
			rows, failure := h.lines(t, "")
			if !equal(rows, streamed(messages)) || failure == nil {
				t.Fatalf("REST: %d rows, then %v; gRPC had %d", len(rows), failure, len(streamed(messages)))
			}
			details, _ := failure["details"].([]any)
			if failure["code"] != c.http || failure["status"] != c.status || len(details) == 0 || details[0].(map[string]any)["reason"] != c.reason.String() {
				t.Errorf("REST: the last line is %v", failure)
			}
		})
	}
}

func TestAStreamThatCannotBeginIsAnOrdinaryError(t *testing.T) {
	h := start(t)
	for _, c := range []struct {
		parent, token string
		code          codes.Code
		http          int
	}{
		{"vendors/acme/sites/NONE", "", codes.NotFound, 404},
		{"vendors/other/sites/DEMO", "", codes.NotFound, 404},
		{"vendors/-/sites/DEMO", "", codes.InvalidArgument, 400},
		{"vendors/acme/sites/-", "", codes.InvalidArgument, 400},
		{demo, "next", codes.InvalidArgument, 400},
	} {
		messages, err := h.stream(t.Context(), &pb.StreamLicensesRequest{Parent: c.parent, PageToken: c.token})
		if status.Code(err) != c.code || len(messages) != 0 {
			t.Errorf("gRPC: %s %s: %v, want %v", c.parent, c.token, err, c.code)
		}
		code, header, answer := h.rest(t, "GET /v1/"+c.parent+"/licenses:stream?pageToken="+url.QueryEscape(c.token), "")
		if code != c.http || !strings.HasPrefix(answer, `{"error":`) || header.Get("Content-Type") != "application/json" {
			t.Errorf("REST: %s %s: %d %s %s, want %d", c.parent, c.token, code, header.Get("Content-Type"), answer, c.http)
		}
	}
	h.twin.Faults().Add(twin.Fault{Kind: twin.FaultAnswer, Status: 500, Path: licenses})
	if code, _, answer := h.rest(t, "GET /v1/"+demo+"/licenses:stream", ""); code != 503 || !strings.Contains(answer, "VENDOR_UNAVAILABLE") {
		t.Errorf("REST: %d %s", code, answer)
	}
}

func TestACallerWhoGoesEndsTheVendorsCalls(t *testing.T) {
	h := busy(t, 3500)
	h.twin.Faults().Add(twin.Fault{Kind: twin.FaultDelay, Delay: time.Hour, Path: licenses, Skip: 1})
	ctx, cancel := context.WithCancel(t.Context())
	stream, err := pb.NewLicenseServiceClient(h.conn).StreamLicenses(ctx, &pb.StreamLicensesRequest{Parent: demo}, grpc.WaitForReady(true))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil { // comes although the next page does not
		t.Fatal(err)
	}
	cancel()
	if _, err := stream.Recv(); status.Code(err) != codes.Canceled {
		t.Errorf("gRPC: %v", err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+h.HTTPAddr()+"/v1/"+demo+"/licenses:stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	h.twin.Faults().Clear()
	h.twin.Faults().Add(twin.Fault{Kind: twin.FaultDelay, Delay: time.Hour, Path: licenses, Skip: 1})
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	// so do the first rows over REST
	if _, err := io.ReadFull(res.Body, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	begun := time.Now()
	if err := h.stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(begun); took > 30*time.Second {
		t.Errorf("the server took %s to stop: a call was still waiting for the vendor", took)
	}
}
