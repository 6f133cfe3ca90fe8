package refusal_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/peer"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/audit"
	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/auth/refusal"
)

// A book is what a recorder has recorded.
type book struct {
	*refusal.Recorder
	log    strings.Builder
	events []audit.Event
	counts map[string]int
}

func open(record func(context.Context, audit.Event) error) *book {
	b := &book{counts: map[string]int{}}
	b.Recorder = refusal.New(refusal.Options{
		Log: slog.New(slog.NewTextHandler(&b.log, nil)),
		Record: func(ctx context.Context, e audit.Event) error {
			if record != nil {
				if err := record(ctx, e); err != nil {
					return err
				}
			}
			b.events = append(b.events, e)
			return nil
		},
		Count: func(reason string) { b.counts[reason]++ },
	})
	return b
}

func as(ctx context.Context, subject string) context.Context {
	return auth.WithCaller(ctx, &auth.Caller{Identity: auth.Identity{Subject: subject}})
}

const disable = pb.SiteService_DisableSite_FullMethodName

func TestARefusalIsCountedLoggedAndAudited(t *testing.T) {
	address, err := net.ResolveTCPAddr("tcp", "192.0.2.7:1234")
	if err != nil {
		t.Fatal(err)
	}
	grpcCall := peer.NewContext(t.Context(), &peer.Peer{Addr: address})
	restCall := context.WithValue(grpcCall, http.ServerContextKey, &http.Server{})
	b := open(nil)
	b.Refused(restCall, disable, "", auth.Unauthenticated(), "bad_signature")
	refuse := func(context.Context, any) (any, error) { return nil, fmt.Errorf("scope: %w", auth.Denied()) }
	info := &grpc.UnaryServerInfo{FullMethod: disable}
	for _, name := range []string{"vendors/pc/sites/%41%2F", strings.Repeat("x", 1<<20)} {
		_, _ = b.Unary(as(grpcCall, "ann"), &pb.DisableSiteRequest{Name: name}, info, refuse)
	}
	for _, method := range []string{pb.LicenseService_StreamLicenses_FullMethodName, "/x.Y/eyJ"} {
		_ = b.Stream(nil, stream{ctx: as(grpcCall, "ann")}, &grpc.StreamServerInfo{FullMethod: method},
			func(_ any, s grpc.ServerStream) error {
				_ = s.RecvMsg(&pb.StreamLicensesRequest{Parent: "vendors/pc/sites/A"})
				return auth.Denied()
			})
	}
	for _, other := range []error{nil, errors.New("broken"), apierror.NotFound("no site")} {
		b.Refused(grpcCall, disable, "", other, "")
	}
	const erase = pb.ViewerService_EraseViewer_FullMethodName
	b.Refused(as(restCall, "ann"), erase, "viewers/%61lice", auth.Denied(), "")
	b.Close(t.Context())

	want := []audit.Event{
		{Method: disable[1:], Outcome: "UNAUTHENTICATED"},
		{Subject: "ann", Method: disable[1:], Resource: "vendors/pc/sites/A%2F", Outcome: "PERMISSION_DENIED"},
		{Subject: "ann", Method: disable[1:], Outcome: "PERMISSION_DENIED"},
		{
			Subject: "ann", Method: "drmhub.v1.LicenseService/StreamLicenses", Resource: "vendors/pc/sites/A",
			Outcome: "PERMISSION_DENIED",
		},
		{Subject: "ann", Method: "other", Outcome: "PERMISSION_DENIED"},
		{Subject: "ann", Method: erase[1:], Resource: "viewers/-", Outcome: "PERMISSION_DENIED"},
	}
	if fmt.Sprint(b.events) != fmt.Sprint(want) {
		t.Errorf("%+v", b.events)
	}
	if fmt.Sprint(b.counts) != "map[SCOPE_MISSING:5 TOKEN_INVALID:1]" {
		t.Error(b.counts)
	}
	lines := strings.Split(strings.TrimSpace(b.log.String()), "\n")
	for i, ending := range []string{
		"face=rest peer=192.0.2.7:1234 reason=TOKEN_INVALID cause=bad_signature",
		"face=grpc peer=192.0.2.7:1234 reason=SCOPE_MISSING subject=ann",
	} {
		if len(lines) != 6 || !strings.HasSuffix(lines[i], " method="+disable[1:]+" "+ending) {
			t.Errorf("%q", lines)
		}
	}
}

type stream struct {
	grpc.ServerStream
	ctx context.Context
}

func (s stream) Context() context.Context { return s.ctx }
func (s stream) RecvMsg(any) error        { return nil }

func (s stream) SendMsg(any) error { return nil }

// TestAStreamThatOutlastsItsCallerIsRefusedOnce has a service send a message after that.
func TestAStreamThatOutlastsItsCallerIsRefusedOnce(t *testing.T) {
	b := open(nil)
	a := &auth.Authenticator{
		Identify: func(context.Context) (*auth.Caller, error) {
			return &auth.Caller{Identity: auth.Identity{Subject: "ann", Expires: time.Now().Add(-time.Second)}}, nil
		},
		Refused: func(ctx context.Context, method string, cause error) {
			b.Refused(ctx, method, "", auth.Unauthenticated(), auth.CauseOf(cause))
		},
	}
	info := &grpc.StreamServerInfo{FullMethod: pb.LicenseService_StreamLicenses_FullMethodName}
	err := a.Stream(nil, stream{ctx: t.Context()}, info, func(srv any, s grpc.ServerStream) error {
		return b.Stream(srv, s, info, func(_ any, s grpc.ServerStream) error { return s.SendMsg(nil) })
	})
	b.Close(t.Context())
	if err == nil || len(b.events) != 1 || fmt.Sprint(b.counts) != "map[TOKEN_INVALID:1]" {
		t.Errorf("%v, events %+v, counts %v", err, b.events, b.counts)
	}
}

// late is a stream whose request arrives when its call has ended.
type late struct {
	stream
	arrived chan struct{}
}

func (l late) RecvMsg(m any) error {
	go func() {
		m.(*pb.StreamLicensesRequest).Parent = "vendors/pc/sites/A"
		close(l.arrived)
	}()
	return context.Canceled
}

// TestARequestThatArrivesLateIsNotRead is for the race detector.
func TestARequestThatArrivesLateIsNotRead(t *testing.T) {
	b, s := open(nil), late{stream{ctx: t.Context()}, make(chan struct{})}
	info := &grpc.StreamServerInfo{FullMethod: pb.LicenseService_StreamLicenses_FullMethodName}
	_ = b.Stream(nil, s, info, func(_ any, s grpc.ServerStream) error { return s.RecvMsg(&pb.StreamLicensesRequest{}) })
	<-s.arrived
	b.Close(t.Context())
}

func TestAFloodOfRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(nil)
		const seconds, perSecond = 60, 2000
		for i := range seconds * perSecond {
			ctx := t.Context()
			if i%2 == 0 {
				ctx = as(ctx, fmt.Sprint("subject-", i))
			}
			b.Refused(ctx, disable, "vendors/pc/sites/A", auth.Denied(), "")
			if i%10 == 9 {
				time.Sleep(10 * time.Second / perSecond)
			}
		}
		victim := as(t.Context(), "victim")
		time.Sleep(5 * time.Second)
		b.Refused(victim, disable, "vendors/pc/sites/A", auth.Denied(), "")
		b.Close(t.Context())
		if n := len(b.events); n < 500 || n > 540 || b.events[n-1].Subject != "victim" {
			t.Errorf("%d events", n)
		}
		lines := strings.Split(strings.TrimSpace(b.log.String()), "\n")
		if n := len(lines); n < 5*seconds || n > 5*seconds+60 {
			t.Errorf("%d lines", n)
		}
		var lineTotal, eventTotal int
		for _, line := range lines {
			var unlogged, unaudited int
			if at := strings.Index(line, "not_logged="); at >= 0 {
				_, _ = fmt.Sscanf(line[at:], "not_logged=%d not_in_audit_trail=%d", &unlogged, &unaudited)
				lineTotal, eventTotal = lineTotal+unlogged-1, eventTotal+unaudited
			}
		}
		if total := seconds*perSecond + 1; lineTotal+len(lines) != total || eventTotal+len(b.events) != total {
			t.Errorf("%d lines and %d events were left out, beside %d and %d",
				lineTotal, eventTotal, len(lines), len(b.events))
		}
	})
}

func TestASlowStoreDelaysNoCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tries atomic.Int32
		b := open(func(ctx context.Context, _ audit.Event) error {
			tries.Add(1)
			<-ctx.Done()
			return ctx.Err()
		})
		began := time.Now()
		for i := range 1000 {
			b.Refused(as(t.Context(), fmt.Sprint("subject-", i)), disable, "", auth.Denied(), "")
		}
		if time.Since(began) != 0 {
			t.Error("a call waited for the store")
		}
		ctx, cancel := context.WithTimeout(t.Context(), 25*time.Second)
		defer cancel()
		b.Close(ctx)
		if waited := time.Since(began); waited != 25*time.Second || len(b.events) != 0 || tries.Load() < 3 {
			t.Errorf("closed after %s, with %d events", waited, len(b.events))
		}
		b.Refused(t.Context(), disable, "", auth.Denied(), "")
		b.Close(t.Context())
	})
}
