package app_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
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

// licensesPath is PallyCon's list of licenses.
const licensesPath = "/api/v2/drm/license"

// busy starts a server whose vendor holds so many licenses of DEMO, of two contents in turn.
func busy(t *testing.T, rows int, options ...func(*testing.T, *testServer)) *testServer {
	t.Helper()
	h := start(t, options...)
	held := make([]emulator.License, rows-120) // start has put the others
	for i := range held {
		held[i] = emulator.License{
			CID: fmt.Sprintf("content-%d", i%2), DRMType: "PlayReady", UserID: fmt.Sprintf("user-%d", i),
			DeviceID: "d", DeviceModel: "m", LicenseType: "token", PlatformName: "Windows",
			RegTime: time.Date(2026, 3, 2, 1, 0, i/3, 0, time.UTC),
		}
	}
	h.twin.PutLicenses("DEMO", held...)
	return h
}

// stream streams licenses over gRPC, to the end.
func (h *testServer) stream(ctx context.Context, req *pb.StreamLicensesRequest) (
	messages []*pb.StreamLicensesResponse, err error,
) {
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

// lines streams licenses over REST, to the end. It returns the rows, and the error in the last
// line.
func (h *testServer) lines(t *testing.T, query string) (rows []*pb.License, failed *restError) {
	t.Helper()
	code, header, answer := h.rest(t, "GET /v1/"+demo+"/licenses:stream"+query, "")
	if code != http.StatusOK || header.Get("Content-Type") != "application/x-ndjson" {
		t.Fatalf("REST: %d %s: %.300s", code, header.Get("Content-Type"), answer)
	}
	return linesOf(t, answer)
}

// linesOf returns the rows of a stream over REST, and the error in its last line.
func linesOf(t *testing.T, answer string) (rows []*pb.License, failed *restError) {
	t.Helper()
	for line := range strings.Lines(answer) {
		if failed != nil {
			t.Fatalf("after the error comes %s", line)
		}
		if strings.HasPrefix(line, `{"error":`) {
			last := failure(t, line)
			failed = &last
			continue
		}
		var row pb.License
		if err := protojson.Unmarshal([]byte(line), &row); err != nil || !strings.HasSuffix(line, "}\n") {
			t.Fatalf("%v: %q", err, line)
		}
		rows = append(rows, &row)
	}
	return rows, failed
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
	if rows, failed := h.lines(t, ""); !equal(rows, all) || failed != nil {
		t.Errorf("REST: %d rows of %d, %v", len(rows), len(all), failed)
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
		if rows, failed := h.lines(t, "?pageToken="+m.GetNextPageToken()); !equal(rows, all[gone:]) || failed != nil {
			t.Errorf("REST, after message %d: %d rows, want %d; %v", i, len(rows), len(all)-gone, failed)
		}
	}
}

func TestBothFacesStreamWhatTheFilterChooses(t *testing.T) {
	h := busy(t, 2000)
	for content, want := range map[string]int{"content-1": 940, "content-3": 0} {
		filter := &pb.LicenseFilter{ContentId: content, DrmType: pb.License_PLAYREADY}
		messages, err := h.stream(t.Context(), &pb.StreamLicensesRequest{Parent: demo, Filter: filter})
		if n := len(streamed(messages)); err != nil || n != want {
			t.Errorf("gRPC: %d rows, want %d; %v", n, want, err)
		}
		rows, failed := h.lines(t, "?filter.contentId="+content+"&filter.drmType=PLAYREADY")
		if !equal(rows, streamed(messages)) || failed != nil {
			t.Errorf("REST: %d rows, want %d; %v", len(rows), want, failed)
		}
	}
}

func TestAStreamThatTheVendorBreaksEndsWithAnError(t *testing.T) {
	refusal := `{"error_code":"4711","error_message":"no luck"}`
	for name, c := range map[string]struct {
		fault  twin.Fault
		reason pb.ErrorReason
	}{
		"500":         {twin.Fault{Kind: twin.FaultAnswer, Status: 500}, pb.ErrorReason_VENDOR_UNAVAILABLE},
		"cut":         {twin.Fault{Kind: twin.FaultCut}, pb.ErrorReason_VENDOR_UNAVAILABLE},
		"cut in half": {twin.Fault{Kind: twin.FaultCutBody}, pb.ErrorReason_VENDOR_UNAVAILABLE},
		"malformed":   {twin.Fault{Kind: twin.FaultMalformed}, pb.ErrorReason_VENDOR_RESPONSE_INVALID},
		"throttled":   {twin.Fault{Kind: twin.FaultAnswer, Status: 429}, pb.ErrorReason_VENDOR_RATE_LIMITED},
		"refused":     {twin.Fault{Kind: twin.FaultAnswer, Body: refusal}, pb.ErrorReason_VENDOR_REJECTED},
		"no access":   {twin.Fault{Kind: twin.FaultAnswer, Status: 403}, pb.ErrorReason_VENDOR_PERMISSION_DENIED},
		"never ends":  {twin.Fault{Kind: twin.FaultEndless}, pb.ErrorReason_VENDOR_RESPONSE_INVALID},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // it waits between the attempts
			h := busy(t, 3500)
			fault := c.fault
			fault.Path, fault.Skip = licensesPath, 2
			h.twin.Faults().Add(fault)
			messages, err := h.stream(t.Context(), &pb.StreamLicensesRequest{Parent: demo})
			want, e := public[c.reason], apierror.Convert(err)
			if e.Code != want.code || e.Reason != c.reason || e.Metadata[apierror.Vendor] != "acme" {
				t.Errorf("gRPC: %v (%v), want %v (%v)", err, e.Reason, want.code, c.reason)
			}
			if len(messages) != 2 || messages[1].GetNextPageToken() == "" {
				t.Fatalf("gRPC: %d messages before the third page", len(messages))
			}
			h.twin.Faults().Clear()
			next := &pb.StreamLicensesRequest{Parent: demo, PageToken: messages[1].GetNextPageToken()}
			rest, err := h.stream(t.Context(), next)
			if n := len(streamed(messages)) + len(streamed(rest)); err != nil || n != 3500 {
				t.Errorf("gRPC: %d rows before and after the failure, want 3500; %v", n, err)
			}
			h.twin.Faults().Add(fault)
			rows, failed := h.lines(t, "")
			if !equal(rows, streamed(messages)) {
				t.Errorf("REST: %d rows; gRPC had %d", len(rows), len(streamed(messages)))
			}
			if failed == nil || failed.Code != want.http || failed.Status != code.Code(want.code).String() ||
				len(failed.Details) == 0 || failed.Details[0].Reason != c.reason.String() {
				t.Errorf("REST: the last line is %v", failed)
			}
		})
	}
}

func TestACallerWhoLeavesEndsTheVendorsCalls(t *testing.T) {
	overGRPC, overREST := busy(t, 3500), busy(t, 3500)
	for _, h := range []*testServer{overGRPC, overREST} {
		h.twin.Faults().Add(twin.Fault{Kind: twin.FaultDelay, Delay: time.Hour, Path: licensesPath, Skip: 1})
	}
	ctx, cancel := context.WithCancel(t.Context())
	client, req := pb.NewLicenseServiceClient(overGRPC.conn), &pb.StreamLicensesRequest{Parent: demo}
	stream, err := client.StreamLicenses(ctx, req, grpc.WaitForReady(true))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil { // It comes although the next page does not.
		t.Fatal(err)
	}
	cancel()
	if _, err := stream.Recv(); status.Code(err) != codes.Canceled {
		t.Errorf("gRPC: %v", err)
	}
	res, err := http.Get("http://" + overREST.HTTPAddr() + "/v1/" + demo + "/licenses:stream")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(res.Body, make([]byte, 1000)); err != nil { // So do the first rows over REST.
		t.Fatal(err)
	}
	_ = res.Body.Close()
	began := time.Now()
	if err := errors.Join(overGRPC.stop(), overREST.stop()); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("the server took %s to stop: a call was still waiting for the vendor", took)
	}
}
