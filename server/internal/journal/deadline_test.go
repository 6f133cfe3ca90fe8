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

// disableWithin is disable with a deadline.
func (r *replica) disableWithin(t *testing.T, deadline time.Duration, requestID string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	_, err := r.sites.DisableSite(ctx, disable(requestID))
	return err
}

func TestTheSameIDWaitsForTheFirstCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := slow(10 * time.Second)
		r := start(t, w, calm)
		go r.disable(t, id)
		time.Sleep(time.Second)
		wantUnknown(t, r.disableWithin(t, time.Second, id))
		ok(t, r.disable(t, id))
		w.wantRuns(t, 1, 1)
	})
}

func TestADeadlineDuringTheWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := slow(10 * time.Second)
		r := start(t, w, calm)
		ok(t, r.Wait(t.Context())) // Nothing runs yet.
		began := time.Now()
		wantUnknown(t, r.disableWithin(t, time.Second, id))
		if took := time.Since(began); took != time.Second {
			t.Errorf("the caller waited %v, want no longer than its deadline of 1s", took)
		}
		// The write goes on without its caller, and Wait waits for it.
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.Wait(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Wait returned %v during a write", err)
		}
		if err := r.Wait(t.Context()); err != nil || time.Since(began) != 10*time.Second {
			t.Errorf("Wait returned %v after %v, want the end of the write", err, time.Since(began))
		}
		ok(t, r.disable(t, id))
		w.wantRuns(t, 1, 1)
	})
}

func TestADeadlineBeforeTheWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{enter: func(ctx context.Context) error {
			<-ctx.Done()
			return apierror.FromContext(ctx)
		}}
		r := start(t, w, calm)
		err := r.disableWithin(t, time.Second, id)
		wantError(t, err, codes.DeadlineExceeded, pb.ErrorReason_DEADLINE_PASSED)
		w.wantRuns(t, 1, 0)
	})
}

func TestACallerWhoHasLeftAlreadyChangesNothing(t *testing.T) {
	w := &world{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	j := newJournal(t, inproc.New(nil, nil), journal.Options{})
	info := &grpc.UnaryServerInfo{FullMethod: pb.SiteService_DisableSite_FullMethodName}
	for range 20 { // Nothing runs under this id, so nothing may be unknown.
		_, err := j.Unary(ctx, disable(id), info, func(ctx context.Context, req any) (any, error) {
			return w.DisableSite(ctx, req.(*pb.DisableSiteRequest))
		})
		wantError(t, err, codes.Canceled, pb.ErrorReason_CALL_CANCELLED)
	}
	w.wantRuns(t, 0, 0)
}

func TestAPanicIsAnErrorAndALogLine(t *testing.T) {
	w := &world{enter: func(context.Context) error { panic("boo") }}
	log := &lockedBuffer{}
	r := start(t, w, journal.Options{Log: slog.New(slog.NewTextHandler(log, nil))})
	for range 2 { // The panic does not block the id.
		wantError(t, r.disable(t, id), codes.Internal, pb.ErrorReason_INTERNAL_FAILURE)
	}
	for _, part := range []string{"a call panicked", "boo", "deadline_test.go", "mutations/"} {
		if !strings.Contains(log.String(), part) {
			t.Errorf("the log lacks %q:\n%s", part, log)
		}
	}
	w.wantRuns(t, 2, 0)
}

// A lockedBuffer is a log that goroutines share.
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
