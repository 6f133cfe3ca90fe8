package journal_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/inproc"
	"github.com/drmhub/drmhub/server/internal/journal"
)

func sleep(d time.Duration) func() error {
	return func() error {
		time.Sleep(d)
		return nil
	}
}

func TestTheSameIDWaitsForTheFirstCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{write: sleep(10 * time.Second)}
		client, _ := serve(t, v)
		go client.DisableSite(t.Context(), disable(id))
		time.Sleep(time.Second)
		again, err := client.DisableSite(t.Context(), disable(id))
		if err != nil || again.GetMessage() != "call 1" {
			t.Errorf("%v, %v; want the first call's answer", again, err)
		}
		v.want(t, 1, 1)
	})
}

func TestWhoCannotWaitLearnsThatTheOutcomeIsUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{write: sleep(10 * time.Second)}
		client, _ := serve(t, v)
		go client.DisableSite(t.Context(), disable(id))
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := client.DisableSite(ctx, disable(id))
		// and not DEADLINE_EXCEEDED, which reads as "not done"
		wantError(t, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
		v.want(t, 1, 1)
		time.Sleep(time.Minute)
	})
}

func TestADeadlineWhileTheVendorIsAtIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{write: sleep(10 * time.Second)}
		client, j := serve(t, v)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		_, err := client.DisableSite(ctx, disable(id))
		wantError(t, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
		if took := time.Since(began); took != time.Second {
			t.Errorf("the caller waited %v, want no longer than its deadline of 1s", took)
		}

		// The write goes on without its caller, and whoever stops the server waits for it.
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := j.Wait(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Wait answered %v while a write was in flight", err)
		}
		if err := j.Wait(t.Context()); err != nil || time.Since(began) != 10*time.Second {
			t.Errorf("Wait answered %v after %v, want the end of the write", err, time.Since(began))
		}

		settled, err := client.DisableSite(t.Context(), disable(id))
		if err != nil || settled.GetMessage() != "call 1" {
			t.Errorf("the same id: %v, %v; want the first call's answer", settled, err)
		}
		v.want(t, 1, 1)
	})
}

func TestADeadlineBeforeAnythingIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{before: func(ctx context.Context) error {
			<-ctx.Done()
			return apierror.FromContext(ctx)
		}}
		client, _ := serve(t, v)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := client.DisableSite(ctx, disable(id))
		wantError(t, err, codes.DeadlineExceeded, pb.ErrorReason_DEADLINE_PASSED)
		v.want(t, 1, 0)
	})
}

func TestACallerWhoIsGoneAlreadyHasChangedNothing(t *testing.T) {
	v := &vendor{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	j := newJournal(t, inproc.New(nil, nil), journal.Options{})
	for range 20 { // nothing runs under this id, so nothing may be unknown
		_, err := j.Unary(ctx, disable(id), &grpc.UnaryServerInfo{FullMethod: pb.SiteService_DisableSite_FullMethodName}, func(ctx context.Context, req any) (any, error) {
			return v.DisableSite(ctx, req.(*pb.DisableSiteRequest))
		})
		wantError(t, err, codes.Canceled, pb.ErrorReason_CALL_CANCELLED)
	}
	v.want(t, 0, 0)
}

func TestWaitWithNothingInFlight(t *testing.T) {
	_, j := serve(t, &vendor{})
	if err := j.Wait(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAPanicIsAnErrorAndALogLine(t *testing.T) {
	v := &vendor{before: func(context.Context) error { panic("boo") }}
	log := &lockedBuffer{}
	client := start(t, v, journal.Options{Log: slog.New(slog.NewTextHandler(log, nil))}).sites
	for range 2 { // the id is not stuck either
		_, err := client.DisableSite(t.Context(), disable(id))
		wantError(t, err, codes.Internal, pb.ErrorReason_INTERNAL_FAILURE)
	}
	for _, part := range []string{"a call panicked", "boo", "deadline_test.go", "mutations/"} {
		if !strings.Contains(log.String(), part) {
			t.Errorf("the log lacks %q:\n%s", part, log)
		}
	}
	v.want(t, 2, 0)
}

// lockedBuffer is a log that many may write.
type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
