package journal_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/journal"
	"github.com/drmhub/drmhub/server/internal/store"
)

const id, otherID = "6f1f7c51-6a2b-4a44-9b57-0d9f4f3c2a10", "0b8e0a52-9c1d-4a58-8a0e-3f5a6a1f7e55"

// vendor is a SiteService that makes one vendor write for each DisableSite, and counts the calls
// and the writes.
type vendor struct {
	pb.UnimplementedSiteServiceServer
	calls, writes atomic.Int32
	before        func(context.Context) error // happens before the write
	write         func() error                // is the write
}

func (v *vendor) DisableSite(ctx context.Context, req *pb.DisableSiteRequest) (*pb.StatusChange, error) {
	call := v.calls.Add(1)
	if v.before != nil {
		if err := v.before(ctx); err != nil {
			return nil, err
		}
	}
	_, err := mutation.Do(ctx, mutation.Write[*wrapperspb.BoolValue]{
		Step: "switch off",
		Send: func(ctx context.Context, _ mutation.Attempt) (*wrapperspb.BoolValue, error) {
			if trial := mutation.DryRunFrom(ctx); trial != nil {
				return nil, trial.Plan("curl --request PUT")
			}
			if err := mutation.RecordSend(ctx, time.Second); err != nil {
				return nil, err
			}
			v.writes.Add(1)
			if v.write != nil {
				return wrapperspb.Bool(true), v.write()
			}
			return wrapperspb.Bool(true), nil
		},
		ReadBack: func(context.Context) (*wrapperspb.BoolValue, bool, error) { return wrapperspb.Bool(true), true, nil },
		Preview:  func() *wrapperspb.BoolValue { return wrapperspb.Bool(true) },
	})
	if err != nil {
		return nil, err
	}
	return &pb.StatusChange{Site: req.GetName(), Message: fmt.Sprintf("call %d", call)}, nil
}

func (v *vendor) GetSite(context.Context, *pb.GetSiteRequest) (*pb.Site, error) {
	v.calls.Add(1)
	return &pb.Site{}, nil
}

func (v *vendor) register(to grpc.ServiceRegistrar) { pb.RegisterSiteServiceServer(to, v) }

func disable(requestID string) *pb.DisableSiteRequest {
	return &pb.DisableSiteRequest{Name: "vendors/v/sites/s", RequestId: requestID}
}

func (v *vendor) want(t *testing.T, calls, writes int32) {
	t.Helper()
	if c, w := v.calls.Load(), v.writes.Load(); c != calls || w != writes {
		t.Errorf("%d calls and %d writes, want %d and %d", c, w, calls, writes)
	}
}

func TestTheSameRequestIDIsCarriedOutOnceAndAnswersTheSame(t *testing.T) {
	v := &vendor{}
	client, _ := serve(t, v)
	first, err := client.DisableSite(t.Context(), disable(id))
	if err != nil {
		t.Fatal(err)
	}
	for _, same := range []string{id, strings.ToUpper(id)} {
		again, err := client.DisableSite(t.Context(), disable(same))
		if err != nil || !proto.Equal(again, first) {
			t.Errorf("%s: %v, %v; want %v", same, again, err, first)
		}
	}
	v.want(t, 1, 1)
}

func TestCallsWithoutAnIDAndReadsRunEachTime(t *testing.T) {
	v := &vendor{}
	client, _ := serve(t, v)
	for range 2 {
		if _, err := client.DisableSite(t.Context(), disable("")); err != nil {
			t.Fatal(err)
		}
	}
	v.want(t, 2, 2)
	for range 2 {
		if _, err := client.GetSite(t.Context(), &pb.GetSiteRequest{Name: "vendors/v/sites/s"}); err != nil {
			t.Fatal(err)
		}
	}
	v.want(t, 4, 2)
}

func TestAnIDBelongsToOneRequest(t *testing.T) {
	v := &vendor{}
	client, _ := serve(t, v)
	if _, err := client.DisableSite(t.Context(), disable(id)); err != nil {
		t.Fatal(err)
	}
	other := disable(id)
	other.Message = "please"
	for _, other.ValidateOnly = range []bool{false, true} {
		var header metadata.MD
		_, err := client.DisableSite(t.Context(), other, grpc.Header(&header))
		wantError(t, err, codes.AlreadyExists, pb.ErrorReason_REQUEST_ID_REUSED)
		if named := header.Get("drmhub-mutation"); len(named) != 1 || named[0] != apierror.Convert(err).Metadata[apierror.MutationName] {
			t.Errorf("the metadata name %q, want the record that the error names", named)
		}
	}
	same := disable(id)
	same.ValidateOnly = true
	if _, err := client.DisableSite(t.Context(), same); err != nil {
		t.Errorf("the same request, tried: %v", err)
	}
	// the same fields, another method
	_, err := client.EnableSite(t.Context(), &pb.EnableSiteRequest{Name: "vendors/v/sites/s", RequestId: id})
	wantError(t, err, codes.AlreadyExists, pb.ErrorReason_REQUEST_ID_REUSED)
	v.want(t, 2, 1)
}

func TestARefusalIsAnsweredFromTheRecord(t *testing.T) {
	v := &vendor{write: func() error { return apierror.New(codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE, "not now") }}
	client, _ := serve(t, v)
	for range 2 {
		_, err := client.DisableSite(t.Context(), disable(id))
		wantError(t, err, codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE)
	}
	v.want(t, 1, 1)
}

func TestWhatSentNothingCanBeTriedAgain(t *testing.T) {
	down := true
	v := &vendor{before: func(context.Context) error {
		if down {
			return apierror.New(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, "down")
		}
		return nil
	}}
	client, _ := serve(t, v)
	_, err := client.DisableSite(t.Context(), disable(id))
	wantError(t, err, codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE)
	down = false
	if _, err := client.DisableSite(t.Context(), disable(id)); err != nil {
		t.Error(err)
	}
	v.want(t, 2, 1)
}

func TestAnUnknownOutcomeIsSettledByTheSameID(t *testing.T) {
	v := &vendor{write: func() error { return apierror.OutcomeUnknown("cut") }}
	client, _ := serve(t, v)
	_, err := client.DisableSite(t.Context(), disable(id))
	wantError(t, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
	if _, err := client.DisableSite(t.Context(), disable(id)); err != nil {
		t.Error(err)
	}
	v.want(t, 2, 1) // it was read back, not sent again
}

func TestManyCallsWithOneID(t *testing.T) {
	v := &vendor{}
	client, _ := serve(t, v)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if change, err := client.DisableSite(t.Context(), disable(id)); err != nil || change.GetMessage() != "call 1" {
				t.Errorf("%v, %v", change, err)
			}
		})
	}
	wg.Wait()
	v.want(t, 1, 1)
}

func TestAnIDIsRememberedAsLongAsItIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{}
		// Long pauses, since every tick of a day that passes at once costs real time.
		client := start(t, v, journal.Options{Keep: 24 * time.Hour, Lease: time.Hour, FirstPause: time.Hour}).sites
		call := func(id string) {
			if _, err := client.DisableSite(t.Context(), disable(id)); err != nil {
				t.Fatal(err)
			}
		}
		call(id)
		time.Sleep(2 * time.Hour)
		call(otherID)
		time.Sleep(21 * time.Hour)
		call(id)
		call(otherID)
		v.want(t, 2, 2)
		time.Sleep(2*time.Hour + time.Minute)
		call(id) // older than a day, and an hour has passed
		call(otherID)
		v.want(t, 3, 3)
	})
}

func TestWhatDidNotReachTheVendorCanBeTriedAgain(t *testing.T) {
	w := &world{before: func(context.Context, string) error {
		return apierror.New(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE, "connection refused: not sent")
	}}
	r := start(t, w, calm)
	_, err := r.sites.DisableSite(t.Context(), disable(id))
	wantError(t, err, codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE)
	w.before = nil
	if _, err := r.sites.DisableSite(t.Context(), disable(id)); err != nil {
		t.Error(err)
	}
	w.want(t, "disable "+site, 1)
}

func TestAnIDThatIsForgottenJustNowIsANewOne(t *testing.T) {
	w := &world{faults: map[int]fault{1: refused}}
	r := start(t, w, calm)
	_, _ = r.sites.DisableSite(t.Context(), disable(id))
	forgets := true
	r.db.SetHooks(store.Hooks{AfterCommit: func() (err error) {
		if forgets { // between the write that finds the record and the reading of it
			forgets = false
			_, err = r.db.Reads().Exec("DELETE FROM mutations") // in memory, what reads can write
		}
		return err
	}})
	if _, err := r.sites.DisableSite(t.Context(), disable(id)); err != nil {
		t.Error(err)
	}
	w.want(t, "disable "+site, 1)
}
