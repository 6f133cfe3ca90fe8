package audit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/internal/panics"
	"github.com/drmhub/drmhub/server/internal/audit"
	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/store"
	"github.com/drmhub/drmhub/server/internal/store/storetest"
)

func digest(_ context.Context, req proto.Message, method string) string {
	return string(req.ProtoReflect().Descriptor().Name()) + " of " + method
}

// call makes a call through the interceptor, as anybody.
func call(t *testing.T, reads grpc.UnaryServerInterceptor, method string, req, answer any, failure error) (any, error) {
	info := &grpc.UnaryServerInfo{FullMethod: method}
	return auth.None().Unary(t.Context(), req, info, func(ctx context.Context, req any) (any, error) {
		return reads(ctx, req, info, func(context.Context, any) (any, error) { return answer, failure })
	})
}

func TestAnAnswerWithASecretIsRecordedFirst(t *testing.T) {
	db := storetest.Open(t, store.Memory)
	trail := audit.NewTrail("a")
	reads := audit.Reads(func(ctx context.Context, e audit.Event) error {
		_, err := trail.Record(ctx, db, e)
		return err
	}, digest)
	secret := &pb.Integration{Credentials: []*pb.Integration_Credential{{Id: "site_key", Value: "hunter2"}}}
	redacted := &pb.Integration{Credentials: []*pb.Integration_Credential{{Id: "site_key", Redacted: true}}}
	list := &pb.ListDrmAccountsResponse{DrmAccounts: []*pb.DrmAccount{{}, {Password: "hunter2"}}}
	const get, update = pb.SiteService_GetIntegration_FullMethodName, pb.SiteService_UpdateIntegration_FullMethodName
	const integration, listAll = "vendors/v/sites/s/integration", pb.DrmAccountService_ListDrmAccounts_FullMethodName
	one := &pb.GetIntegrationRequest{Name: integration}
	for _, c := range []struct {
		name, method string
		req, answer  proto.Message
		failure      error
		recorded     string // the resource
	}{
		{"a credential", get, one, secret, nil, integration},
		{"a password in a list", listAll, &pb.ListDrmAccountsRequest{Parent: "vendors/v"}, list, nil, "vendors/v"},
		{"no secret", get, one, &pb.Integration{Iv: "00"}, nil, ""},
		{"a redacted one", get, one, redacted, nil, ""},
		{"an error", get, one, secret, apierror.NotFound("none"), ""},
		{"a mutation, which the journal records", update, &pb.UpdateIntegrationRequest{}, secret, nil, ""},
	} {
		storetest.Exec(t, db, "DELETE FROM audit_events")
		got, err := call(t, reads, c.method, c.req, c.answer, c.failure)
		if err != c.failure || got != c.answer {
			t.Errorf("%s: %v, %v", c.name, got, err)
		}
		ctx := auth.WithCaller(t.Context(), auth.Anyone)
		res, err := audit.NewService(db).ListAuditEvents(ctx, &pb.ListAuditEventsRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if c.recorded == "" {
			if len(res.GetAuditEvents()) > 0 {
				t.Errorf("%s: recorded %v", c.name, res)
			}
			continue
		}
		if len(res.GetAuditEvents()) != 1 {
			t.Errorf("%s: %d events", c.name, len(res.GetAuditEvents()))
			continue
		}
		e, method := res.GetAuditEvents()[0], strings.TrimPrefix(c.method, "/")
		want := &pb.AuditEvent{
			Name: e.GetName(), Time: e.GetTime(), Subject: "anonymous", Method: method, Resource: c.recorded,
			RequestDigest: digest(t.Context(), c.req, method), Outcome: "OK", Hash: e.GetHash(),
		}
		if !proto.Equal(e, want) {
			t.Errorf("%s: recorded %v, want %v", c.name, e, want)
		}
		if strings.Contains(e.String(), "hunter2") {
			t.Errorf("the record holds the secret: %v", e)
		}
	}
}

func TestNoRecordNoAnswer(t *testing.T) {
	full := errors.New("the disk is full")
	reads := audit.Reads(func(context.Context, audit.Event) error { return full }, digest)
	answer := &pb.DrmAccount{Password: "hunter2"}
	const method = pb.DrmAccountService_GetDrmAccount_FullMethodName
	got, err := call(t, reads, method, &pb.GetDrmAccountRequest{}, answer, nil)
	e := apierror.Convert(err)
	withheld := e.Code == codes.Unavailable && strings.Contains(e.Message, "Response withheld")
	if got != nil || !withheld || strings.Contains(e.Message, "disk") {
		t.Errorf("%v, %v", got, err)
	}
	if !errors.Is(err, full) {
		t.Errorf("%v: the cause is lost for the log", err)
	}
}

// TestTheTrailForgetsViewers checks that the trail does not keep the id of an erased viewer.
func TestTheTrailForgetsViewers(t *testing.T) {
	var recorded []audit.Event
	acts := audit.Acts(func(_ context.Context, e audit.Event) error {
		recorded = append(recorded, e)
		return nil
	}, digest, quiet)
	const erase = pb.ViewerService_EraseViewer_FullMethodName
	_, err := call(t, acts, erase, &pb.EraseViewerRequest{Name: "viewers/alice"}, &pb.EraseViewerResponse{}, nil)
	if err != nil || len(recorded) != 1 || recorded[0].Resource != "viewers/-" || recorded[0].RequestDigest == "" ||
		strings.Contains(fmt.Sprintf("%+v", recorded), "alice") {
		t.Errorf("%+v, %v", recorded, err)
	}
}

func TestACallThatChangesTheArchiveIsRecorded(t *testing.T) {
	var recorded []audit.Event
	var down error
	var log bytes.Buffer
	acts := audit.Acts(func(_ context.Context, e audit.Event) error {
		recorded = append(recorded, e)
		return down
	}, digest, slog.New(slog.NewTextHandler(&log, nil)))
	const sync, get = pb.ArchiveService_SyncArchive_FullMethodName, pb.ArchiveService_GetArchive_FullMethodName
	req := &pb.SyncArchiveRequest{Name: "vendors/v/sites/s/archive"}
	for _, c := range []struct {
		method  string
		failure error
		outcome string // of the event, or ""
		down    error
		code    codes.Code
	}{
		{sync, nil, "OK", nil, codes.OK},
		{sync, apierror.NotFound("none"), "NOT_FOUND", nil, codes.NotFound},
		{sync, apierror.NotFound("none"), "NOT_FOUND", errors.New("down"), codes.NotFound},
		{sync, nil, "OK", errors.New("down"), codes.Unavailable},
		{get, nil, "", nil, codes.OK},
	} {
		recorded, down = nil, c.down
		log.Reset()
		_, err := call(t, acts, c.method, req, &pb.Archive{}, c.failure)
		if got := apierror.Convert(err); err != nil && got.Code != c.code || err == nil && c.code != codes.OK {
			t.Errorf("%+v: %v", c, err)
		}
		var want []audit.Event
		if c.outcome != "" {
			want = []audit.Event{{
				Subject: "anonymous", Method: c.method[1:], Resource: req.GetName(), Outcome: c.outcome,
				RequestDigest: "SyncArchiveRequest of " + c.method[1:],
			}}
		}
		// The error of a call that fails has no room for the missing record.
		unrecorded := c.failure != nil && c.down != nil
		if strings.Contains(log.String(), "could not be recorded") != unrecorded {
			t.Errorf("%+v: logged %q", c, log.String())
		}
		if !slices.Equal(recorded, want) {
			t.Errorf("%+v: recorded %+v, want %+v", c, recorded, want)
		}
	}
}

// The call may have changed something before it panicked.
func TestACallThatChangesTheArchiveAndPanicsIsRecorded(t *testing.T) {
	var recorded []audit.Event
	acts := audit.Acts(func(_ context.Context, e audit.Event) error {
		recorded = append(recorded, e)
		return nil
	}, digest, quiet)
	info := &grpc.UnaryServerInfo{FullMethod: pb.ArchiveService_SyncArchive_FullMethodName}
	boo := func(context.Context, any) (any, error) { panic("boo") }
	p := panics.Catch(func() { _, _ = acts(t.Context(), &pb.SyncArchiveRequest{}, info, boo) })
	if p == nil || p.Value != "boo" {
		t.Errorf("the panic is %v, want that of the call", p)
	}
	if len(recorded) != 1 || recorded[0].Outcome != "INTERNAL" {
		t.Errorf("recorded %+v", recorded)
	}
}
