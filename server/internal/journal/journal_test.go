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
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/inproc"
	"github.com/drmhub/drmhub/server/internal/journal"
	"github.com/drmhub/drmhub/server/internal/store"
)

const id, otherID = "6f1f7c51-6a2b-4a44-9b57-0d9f4f3c2a10", "0b8e0a52-9c1d-4a58-8a0e-3f5a6a1f7e55"

var (
	errDown    = apierror.New(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, "down")
	errRefused = apierror.New(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, "connection refused: not sent")
)

func disable(requestID string) *pb.DisableSiteRequest {
	return &pb.DisableSiteRequest{Name: site, RequestId: requestID}
}

func TestARequestIDIsCarriedOutOnce(t *testing.T) {
	v := &fakeVendor{}
	r := start(t, v, noBackground)
	first, err := r.sites.DisableSite(t.Context(), disable(id))
	ok(t, err)
	for _, same := range []string{id, strings.ToUpper(id)} {
		var header metadata.MD
		again, err := r.sites.DisableSite(t.Context(), disable(same), grpc.Header(&header))
		if err != nil || !proto.Equal(again, first) || !isReplay(header) {
			t.Errorf("%s: %v, %v, %v; want %v", same, again, header, err, first)
		}
	}
	v.wantRuns(t, 1, 1)
	for range 2 { // Calls without an id, and reads, run each time.
		ok(t, r.disable(t, ""))
		_, err := r.sites.GetSite(t.Context(), &pb.GetSiteRequest{Name: site})
		ok(t, err)
	}
	v.wantRuns(t, 5, 3)
}

// isReplay reports whether a response is marked as the outcome of an earlier call.
func isReplay(header metadata.MD) bool {
	return strings.Join(header.Get("drmhub-replayed"), ", ") == "true"
}

// TestASecondCall makes a call, and then the same call again. Its outcome counts as replayed unless
// the second call sent something.
func TestASecondCall(t *testing.T) {
	fails := map[string]bool{"enter": true, "before": true}
	once := func(point string, err error) error {
		if !fails[point] {
			return nil
		}
		fails[point] = false
		return err
	}
	unsent := func(context.Context, string) error { return once("before", errRefused) }
	const unavailable, vendorUnavailable = codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE
	for _, c := range []struct {
		name         string
		vendor       *fakeVendor
		first        codes.Code
		reason       pb.ErrorReason
		second       codes.Code
		runs, writes int
		replayed     bool
	}{
		{"replays a refusal", &fakeVendor{faults: map[int]fault{1: refused}},
			codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE, codes.FailedPrecondition, 1, 1, true},
		{"runs what sent nothing", &fakeVendor{enter: func(context.Context) error { return once("enter", errDown) }},
			unavailable, vendorUnavailable, codes.OK, 2, 1, false},
		{"runs what did not reach the vendor", &fakeVendor{before: unsent},
			unavailable, vendorUnavailable, codes.OK, 2, 1, false},
		{"reads back what is unknown", &fakeVendor{faults: map[int]fault{1: lost}},
			codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN, codes.OK, 2, 1, true},
		{"cannot read back", &fakeVendor{read: func(string) error { return errDown }, faults: map[int]fault{1: lost}},
			codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN, codes.Unknown, 2, 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := start(t, c.vendor, noBackground)
			wantError(t, r.disable(t, id), c.first, c.reason)
			var header metadata.MD
			_, err := r.sites.DisableSite(t.Context(), disable(id), grpc.Header(&header))
			if (err == nil) != (c.second == codes.OK) || isReplay(header) != c.replayed {
				t.Errorf("the second call: %v, %v, want %v", err, header, c.second)
			} else if err != nil {
				wantError(t, err, c.second, c.reason)
			}
			c.vendor.wantRuns(t, c.runs, c.writes)
		})
	}
}

func TestAnIDBelongsToOneRequest(t *testing.T) {
	v := &fakeVendor{}
	r := start(t, v, noBackground)
	ok(t, r.disable(t, id))
	other := disable(id)
	other.Message = "please"
	for _, other.ValidateOnly = range []bool{false, true} {
		var header metadata.MD
		_, err := r.sites.DisableSite(t.Context(), other, grpc.Header(&header))
		wantError(t, err, codes.AlreadyExists, pb.ErrorReason_REQUEST_ID_REUSED)
		named := header.Get("drmhub-mutation")
		if len(named) != 1 || named[0] != apierror.Convert(err).Metadata[apierror.MutationName] {
			t.Errorf("the metadata name %q, want the record that the error names", named)
		}
	}
	same := disable(id)
	same.ValidateOnly = true
	_, err := r.sites.DisableSite(t.Context(), same)
	ok(t, err)
	// EnableSite has the same fields.
	wantError(t, r.enable(t, id), codes.AlreadyExists, pb.ErrorReason_REQUEST_ID_REUSED)
	v.wantRuns(t, 2, 1)
}

func TestAnIDIsRememberedAsLongAsItIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &fakeVendor{}
		r := start(t, v, aDay)
		ok(t, r.disable(t, id))
		time.Sleep(2 * time.Hour)
		ok(t, r.disable(t, otherID))
		time.Sleep(21 * time.Hour)
		ok(t, r.disable(t, id))
		ok(t, r.disable(t, otherID))
		v.wantRuns(t, 2, 2)
		time.Sleep(2*time.Hour + time.Minute)
		ok(t, r.disable(t, id)) // The first call was more than a day ago.
		ok(t, r.disable(t, otherID))
		v.wantRuns(t, 3, 3)
	})
}

func TestAnIDThatIsDeletedJustNowIsANewOne(t *testing.T) {
	v := &fakeVendor{faults: map[int]fault{1: refused}}
	r := start(t, v, noBackground)
	_ = r.disable(t, id)
	deletes := true
	r.db.SetHooks(store.Hooks{AfterCommit: func() (err error) {
		if deletes { // between the write that finds the record and the read of it
			deletes = false
			var gone string // In memory, reads can write.
			err = r.db.Reads().QueryRowContext(t.Context(), "DELETE FROM mutations RETURNING id").Scan(&gone)
		}
		return err
	}})
	ok(t, r.disable(t, id))
	v.want(t, "disable "+site, 1)
}

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
		v := slow(10 * time.Second)
		r := start(t, v, noBackground)
		go r.disable(t, id)
		time.Sleep(time.Second)
		wantUnknown(t, r.disableWithin(t, time.Second, id))
		ok(t, r.disable(t, id))
		v.wantRuns(t, 1, 1)
	})
}

func TestADeadlineDuringTheWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := slow(10 * time.Second)
		r := start(t, v, noBackground)
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
		v.wantRuns(t, 1, 1)
	})
}

func TestADeadlineBeforeTheWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &fakeVendor{enter: func(ctx context.Context) error {
			<-ctx.Done()
			return apierror.FromContext(ctx)
		}}
		r := start(t, v, noBackground)
		err := r.disableWithin(t, time.Second, id)
		wantError(t, err, codes.DeadlineExceeded, pb.ErrorReason_DEADLINE_PASSED)
		v.wantRuns(t, 1, 0)
	})
}

func TestACallerWhoHasLeftAlreadyChangesNothing(t *testing.T) {
	v := &fakeVendor{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	j := newJournal(t, inproc.New(nil, nil), journal.Options{})
	info := &grpc.UnaryServerInfo{FullMethod: pb.SiteService_DisableSite_FullMethodName}
	for range 20 { // Nothing runs under this id, so nothing may be unknown.
		_, err := j.Unary(ctx, disable(id), info, func(ctx context.Context, req any) (any, error) {
			return v.DisableSite(ctx, req.(*pb.DisableSiteRequest))
		})
		wantError(t, err, codes.Canceled, pb.ErrorReason_CALL_CANCELLED)
	}
	v.wantRuns(t, 0, 0)
}

func TestAPanicIsAnErrorAndALogLine(t *testing.T) {
	v := &fakeVendor{enter: func(context.Context) error { panic("boo") }}
	log := &lockedBuffer{}
	r := start(t, v, journal.Options{Log: slog.New(slog.NewTextHandler(log, nil))})
	for range 2 { // The panic does not block the id.
		wantError(t, r.disable(t, id), codes.Internal, pb.ErrorReason_INTERNAL_FAILURE)
	}
	for _, part := range []string{"a call panicked", "boo", "journal_test.go", "mutations/"} {
		if !strings.Contains(log.String(), part) {
			t.Errorf("the log lacks %q:\n%s", part, log)
		}
	}
	v.wantRuns(t, 2, 0)
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

var aDay = journal.Options{Keep: 24 * time.Hour, Lease: time.Hour, FirstPause: time.Hour}

func TestARecordIsKeptFromWhenItIsSettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &fakeVendor{faults: map[int]fault{1: refused}}
		r := start(t, v, aDay)
		_ = r.disable(t, id)
		time.Sleep(20 * time.Hour)
		r.wantResent(t, id, "", pb.Mutation_SUCCEEDED)
		time.Sleep(23 * time.Hour)
		r.wantState(t, id, pb.Mutation_SUCCEEDED)
		time.Sleep(3 * time.Hour)
		for _, table := range []string{"mutations", "steps"} {
			if n := count(t, r, table); n != 0 {
				t.Errorf("%d rows in %s, want what is older than a day gone", n, table)
			}
		}
		if n := count(t, r, "audit_events"); n != 3 {
			t.Errorf("%d audit events, want them kept", n)
		}
	})
}

// A process may die while it looks whether there is something to do.
func TestARecordIsForgottenAlsoWhereADeadReplicaHeldIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, other := pair(t, &fakeVendor{}, aDay)
		ok(t, one.disable(t, id))
		if _, err := one.Lease().Claim(t.Context(), one.id(t, id)); err != nil {
			t.Fatal(err)
		}
		one.Die()
		time.Sleep(27 * time.Hour)
		if n := count(t, other, "mutations"); n != 0 {
			t.Error("it is kept forever")
		}
	})
}
