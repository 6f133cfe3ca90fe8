package app_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/auth/tokentest"
)

// reflects returns the code that a server returns when it is asked for its services.
func (h *testServer) reflects(t *testing.T) codes.Code {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stream, err := reflectionpb.NewServerReflectionClient(h.conn).ServerReflectionInfo(ctx)
	if err != nil {
		return status.Code(err)
	}
	_ = stream.Send(&reflectionpb.ServerReflectionRequest{
		MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{},
	})
	_, err = stream.Recv()
	return status.Code(err)
}

// TestWhatIsOpen asks for what is no call of the contract, without a token and with one that has no
// scope.
func TestWhatIsOpen(t *testing.T) {
	for _, public := range []bool{true, false} {
		h := start(t, guarded, func(_ *testing.T, h *testServer) { h.cfg.Auth.PublicDocs = public })
		bare := h.as(t, `{"sub":"bare"}`)
		docs, reflection := http.StatusOK, codes.OK
		if !public {
			docs, reflection = http.StatusUnauthorized, codes.Unauthenticated
		}
		if _, err := healthpb.NewHealthClient(h.conn).Check(t.Context(), &healthpb.HealthCheckRequest{}); err != nil {
			t.Errorf("health: %v", err)
		}
		if got := []codes.Code{h.reflects(t), bare.reflects(t)}; got[0] != reflection || got[1] != codes.OK {
			t.Errorf("public docs %t: reflection %v", public, got)
		}
		for call, want := range map[string][2]int{ // without a token, and with one
			"GET /healthz":      {200, 200},
			"GET /livez":        {200, 200},
			"GET /readyz":       {200, 200},
			"GET /openapi.json": {docs, 200},
			"GET /docs":         {docs, 200},
			"HEAD /docs":        {docs, 200},
			"GET /console":      {200, 200},
			"GET /console/x":    {200, 200},
			"GET /v1/explode":   {401, 404},
			"GET /v1/caller/":   {401, 404},
			"DELETE /v1/caller": {401, 405},
			"GET /v1//vendors":  {401, 404},
			"GET /explode":      {404, 404},

			"GET /v1/vendors/acme/sites/DEMO/../OFFL":         {401, 404},
			"GET /v1/vendors/acme/sites/DEMO/%2e%2e/OFFL":     {401, 404},
			"GET /v1/vendors/acme/../../v1/vendors":           {401, 404},
			"GET /v1/vendors/acme/sites/DEMO%2F..%2FOFFL":     {401, 403},
			"POST /v1/vendors/acme/sites/DEMO:disable?x=%zz":  {401, 403},
			"GET /v1/vendors/acme/sites/DEMO/licenses:stream": {401, 403},
		} {
			without, _, _ := h.rest(t, call, "")
			with, _, _ := bare.rest(t, call, "")
			if without != want[0] || with != want[1] {
				t.Errorf("public docs %t: %s: %d and %d, want %v", public, call, without, with, want)
			}
		}
		for _, method := range []string{"/drmhub.v1.SiteService/Explode", "/drmhub.v1.Other/X"} {
			for who, want := range map[*testServer]codes.Code{h: codes.Unauthenticated, bare: codes.Unimplemented} {
				err := who.conn.Invoke(t.Context(), method, &pb.GetSiteRequest{}, &pb.Site{})
				if code := status.Code(err); code != want {
					t.Errorf("%s: %v, want %v", method, err, want)
				}
			}
		}
		// A path without its slash must not pass as a method.
		slashless := strings.TrimPrefix(pb.CallerService_GetCaller_FullMethodName, "/")
		if err := bare.conn.Invoke(t.Context(), slashless, &pb.GetCallerRequest{}, &pb.Caller{}); err == nil {
			t.Error("a method without a slash is served")
		}
	}
}

// TestAStreamEndsWithItsToken breaks a stream off when its token ends, and resumes it with a new
// one.
func TestAStreamEndsWithItsToken(t *testing.T) {
	h := busy(t, 3500, guarded, func(_ *testing.T, h *testServer) { h.cfg.Auth.Leeway = 0 })
	all := len(h.twin.Licenses("DEMO"))
	// read calls stream with a token that ends soon, until stream has got a page. It needs a longer
	// life if the machine is slow. The second page comes long after the end.
	read := func(stream func(who *testServer) bool) {
		for life := time.Second; life < time.Minute; life *= 2 {
			h.heal()
			h.twin.Faults().Add(twin.Fault{Kind: twin.FaultDelay, Delay: time.Hour, Path: licensesPath, Skip: 1})
			if stream(h.with(t, "Bearer "+tokentest.Sign("ES256", "es256", map[string]any{
				"exp": float64(time.Now().Add(life).UnixMilli()) / 1000, "roles": []string{"viewer"},
			}))) {
				return
			}
		}
	}
	var messages []*pb.StreamLicensesResponse
	var err error
	read(func(who *testServer) bool {
		messages, err = who.stream(t.Context(), &pb.StreamLicensesRequest{Parent: demo})
		return len(messages) > 0
	})
	rows := len(streamed(messages))
	e := apierror.Convert(err)
	if e.Code != codes.Unauthenticated || e.Reason != pb.ErrorReason_TOKEN_INVALID || rows == 0 || rows >= all {
		t.Fatalf("%d rows of %d, then %v", rows, all, err)
	}
	var answer string
	read(func(who *testServer) bool {
		var code int
		code, _, answer = who.rest(t, "GET /v1/"+demo+"/licenses:stream", "")
		return code == http.StatusOK
	})
	lines, failed := linesOf(t, answer)
	if failed == nil || failed.Code != http.StatusUnauthorized || len(lines) != rows ||
		!strings.Contains(failed.Message, "next_page_token") {
		t.Errorf("REST: %d rows, want %d, then %v", len(lines), rows, failed)
	}
	h.heal()
	req := &pb.StreamLicensesRequest{Parent: demo, PageToken: messages[len(messages)-1].GetNextPageToken()}
	rest, err := h.as(t, everything).stream(t.Context(), req)
	if n := rows + len(streamed(rest)); err != nil || n != all {
		t.Errorf("%d rows in all, want %d: %v", n, all, err)
	}
}
