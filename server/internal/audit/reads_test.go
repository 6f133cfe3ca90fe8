package audit_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/audit"
	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/store"
)

func digest(req proto.Message, method string) string {
	return string(req.ProtoReflect().Descriptor().Name()) + " of " + method
}

// call makes a call through the interceptor, as anybody.
func call(t *testing.T, reads grpc.UnaryServerInterceptor, method string, req, answer any, failure error) (any, error) {
	info := &grpc.UnaryServerInfo{FullMethod: method}
	return auth.None(t.Context(), req, info, func(ctx context.Context, req any) (any, error) {
		return reads(ctx, req, info, func(context.Context, any) (any, error) { return answer, failure })
	})
}

func TestAnAnswerWithASecretIsRecordedFirst(t *testing.T) {
	db := open(t, store.Memory)
	trail := audit.NewTrail("a")
	reads := audit.Reads(func(ctx context.Context, e audit.Event) error {
		_, err := trail.Record(ctx, db, e)
		return err
	}, digest)
	secret := &pb.Integration{Credentials: []*pb.Integration_Credential{{Id: "site_key", Value: "hunter2"}}}
	for _, c := range []struct {
		name, method string
		req, answer  proto.Message
		failure      error
		recorded     string // the resource
	}{
		{"a credential", pb.SiteService_GetIntegration_FullMethodName, &pb.GetIntegrationRequest{Name: "vendors/v/sites/s/integration"}, secret, nil, "vendors/v/sites/s/integration"},
		{"a password in a list", pb.DrmAccountService_ListDrmAccounts_FullMethodName, &pb.ListDrmAccountsRequest{Parent: "vendors/v"},
			&pb.ListDrmAccountsResponse{DrmAccounts: []*pb.DrmAccount{{}, {Password: "hunter2"}}}, nil, "vendors/v"},
		{"no secret", pb.SiteService_GetIntegration_FullMethodName, &pb.GetIntegrationRequest{Name: "n"}, &pb.Integration{Iv: "00"}, nil, ""},
		{"a redacted one", pb.SiteService_GetIntegration_FullMethodName, &pb.GetIntegrationRequest{Name: "n"}, &pb.Integration{Credentials: []*pb.Integration_Credential{{Id: "site_key", Redacted: true}}}, nil, ""},
		{"an error", pb.SiteService_GetIntegration_FullMethodName, &pb.GetIntegrationRequest{Name: "n"}, secret, apierror.NotFound("none"), ""},
		{"a mutation, which the journal records", pb.SiteService_UpdateIntegration_FullMethodName, &pb.UpdateIntegrationRequest{}, secret, nil, ""},
	} {
		exec(t, db, "DELETE FROM audit_events")
		got, err := call(t, reads, c.method, c.req, c.answer, c.failure)
		if err != c.failure || got != c.answer {
			t.Errorf("%s: %v, %v", c.name, got, err)
		}
		res, err := audit.NewService(db).ListAuditEvents(t.Context(), &pb.ListAuditEventsRequest{})
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
		if e.GetSubject() != "anonymous" || e.GetMethod() != method || e.GetResource() != c.recorded || e.GetOutcome() != "OK" || e.GetRequestDigest() != digest(c.req, method) {
			t.Errorf("%s: recorded %v", c.name, e)
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
	got, err := call(t, reads, pb.DrmAccountService_GetDrmAccount_FullMethodName, &pb.GetDrmAccountRequest{}, answer, nil)
	if e := apierror.Convert(err); got != nil || e.Code != codes.Unavailable || !strings.Contains(e.Message, "Response withheld") || strings.Contains(e.Message, "disk") {
		t.Errorf("%v, %v", got, err)
	}
	if !errors.Is(err, full) {
		t.Errorf("%v: the cause is lost for the log", err)
	}
}
