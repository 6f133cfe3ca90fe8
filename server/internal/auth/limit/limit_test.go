package limit

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/auth"
)

// calls are the kinds of calls, by what they cost.
var calls = map[string]func(ctx context.Context, l *Limiter) error{
	"plain":         unary(&pb.GetSiteRequest{Name: "vendors/pc/sites/A"}),
	"wide":          unary(&pb.ListSitesRequest{Parent: "vendors/-"}),
	"wide, escaped": unary(&pb.ListLicensesRequest{Parent: "vendors/pc/sites/%2D"}),
	"wide, by REST": early(pb.SiteService_ListSites_FullMethodName, "vendors/-",
		unary(&pb.ListSitesRequest{Parent: "vendors/-"})),
	"stream":          oneStream,
	"stream, by REST": early(pb.LicenseService_StreamLicenses_FullMethodName, "vendors/pc/sites/A", oneStream),
}

// costOfKind returns what a call of a kind costs.
func costOfKind(kind string) int {
	if kind == "plain" {
		return 1
	}
	return 5
}

func early(method, parent string, call func(context.Context, *Limiter) error) func(context.Context, *Limiter) error {
	return func(ctx context.Context, l *Limiter) error {
		ctx, err := l.Early(ctx, method, parent)
		if err != nil {
			return err
		}
		return call(ctx, l)
	}
}

func oneStream(ctx context.Context, l *Limiter) error {
	return l.Stream(nil, served{ctx: ctx}, nil, func(any, grpc.ServerStream) error { return nil })
}

func unary(req any) func(ctx context.Context, l *Limiter) error {
	return func(ctx context.Context, l *Limiter) error {
		_, err := l.Unary(ctx, req, nil, func(context.Context, any) (any, error) { return nil, nil })
		return err
	}
}

type served struct {
	grpc.ServerStream
	ctx context.Context
}

func (s served) Context() context.Context { return s.ctx }

func as(ctx context.Context, subject string) context.Context {
	return auth.WithCaller(ctx, &auth.Caller{Identity: auth.Identity{Subject: subject}})
}

// wait returns how long a refused call must wait.
func wait(t *testing.T, err error) time.Duration {
	t.Helper()
	e := apierror.Convert(err)
	if e.Code != codes.ResourceExhausted || e.Reason != pb.ErrorReason_CALLER_RATE_LIMITED || e.RetryAfter <= 0 {
		t.Fatalf("the call is not refused as too fast: %+v", e)
	}
	return e.RetryAfter
}

func TestACallerWhoWaitsIsServed(t *testing.T) {
	for name, call := range calls {
		for _, o := range []Options{{Rate: 50, Burst: 100}, {Rate: 3, Burst: 7}, {Rate: 0.7, Burst: 1}} {
			synctest.Test(t, func(t *testing.T) {
				l, ctx := New(o), as(t.Context(), "a")
				served := 0
				for ; call(ctx, l) == nil; served++ {
				}
				if want := o.Burst / min(costOfKind(name), o.Burst); served != want {
					t.Errorf("%s, %+v: %d calls at once, want %d", name, o, served, want)
				}
				for range 20 {
					pause := wait(t, call(ctx, l))
					time.Sleep(pause - 2*time.Microsecond)
					time.Sleep(wait(t, call(ctx, l)))
					if err := call(ctx, l); err != nil {
						t.Fatalf("%s, %+v: refused after the wait: %v", name, o, err)
					}
				}
				if err := call(as(t.Context(), "b"), l); err != nil {
					t.Errorf("%s: another caller is refused: %v", name, err)
				}
			})
		}
	}
}

func TestWithoutALimit(t *testing.T) {
	for name, call := range calls {
		for _, l := range []*Limiter{nil, New(Options{})} {
			for range 1000 {
				if err := call(as(t.Context(), "a"), l); err != nil {
					t.Fatal(name, err)
				}
			}
		}
	}
	l := New(Options{Rate: 1, Burst: 1})
	for range 10 { // Health needs no identity.
		if err := calls["plain"](t.Context(), l); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAFloodOfSubjects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, known := New(Options{Rate: 1, Burst: 2}), as(t.Context(), "known")
		call := calls["plain"]
		for call(known, l) == nil {
		}
		before := heap()
		refused := 0
		for i := range 100_000 {
			if call(as(t.Context(), fmt.Sprint("stranger-", i)), l) != nil {
				refused++
			}
		}
		if n, size := l.remembered.Len(), heap()-before; n != maxRemembered || size > 16<<20 {
			t.Errorf("%d callers are remembered, in %d bytes", n, size)
		}
		if want := 100_000 - maxRemembered - 2*sharedBuckets + 1; refused < want {
			t.Errorf("%d strangers were refused, want %d at least", refused, want)
		}
		wait(t, call(known, l))
		time.Sleep(time.Hour) // All buckets are full, so each can be forgotten.
		for i := range 100_000 {
			if err := call(as(t.Context(), fmt.Sprint("stranger-", i)), l); err != nil && i < maxRemembered {
				t.Fatal(err)
			}
		}
	})
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestStreamsInFlight(t *testing.T) {
	l := New(Options{Streams: 2, TotalStreams: 3})
	var end []func()
	read := func(subject string) error {
		began, over := make(chan error, 1), make(chan struct{})
		left := make(chan struct{})
		go func() {
			defer close(left)
			began <- l.Stream(nil, served{ctx: as(t.Context(), subject)}, nil, func(any, grpc.ServerStream) error {
				began <- nil
				<-over
				return nil
			})
		}()
		err := <-began
		if err == nil {
			end = append(end, func() { close(over); <-left })
		}
		return err
	}
	for _, subject := range []string{"a", "a", "b"} {
		if err := read(subject); err != nil {
			t.Fatal(err)
		}
	}
	for _, subject := range []string{"a", "b", "c"} {
		if pause := wait(t, read(subject)); pause != time.Second {
			t.Errorf("%s waits %s", subject, pause)
		}
	}
	end[0]()
	if err := read("c"); err != nil {
		t.Error(err)
	}
	for _, over := range end[1:] {
		over()
	}
	if l.streams.open != 0 || len(l.streams.of) != 0 {
		t.Errorf("streams are counted that have ended: %+v", l.streams.of)
	}
}
