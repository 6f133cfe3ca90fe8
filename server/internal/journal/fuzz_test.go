package journal_test

import (
	"context"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/store"
)

// FuzzStoredRecords makes a journal read records that another version or an operator wrote. The
// journal does not panic, and does not repeat a write that is recorded as sent.
func FuzzStoredRecords(f *testing.F) {
	packed := func(m proto.Message) []byte {
		a, err := anypb.New(m)
		if err != nil {
			f.Fatal(err)
		}
		kept, err := proto.Marshal(a)
		if err != nil {
			f.Fatal(err)
		}
		return kept
	}
	request, err := proto.Marshal(&pb.EnableSiteRequest{Name: site, RequestId: id})
	if err != nil {
		f.Fatal(err)
	}
	no := apierror.New(codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE, "no")
	failure, err := proto.Marshal(no.GRPCStatus().Proto())
	if err != nil {
		f.Fatal(err)
	}
	const method = "drmhub.v1.SiteService/EnableSite"
	change, empty := packed(&pb.StatusChange{Site: site}), packed(&emptypb.Empty{})
	for state := range int32(7) {
		f.Add(method, request, state, change, failure, state, empty, failure)
	}
	for _, other := range []string{
		"drmhub.v1.SiteService/GetSite", "drmhub.v1.SiteService/", "drmhub.v1/Site", "drmhub.v1.Site/name", "/", "none",
	} {
		f.Add(other, request, int32(5), change, failure, int32(5), empty, failure)
	}
	bad, none := []byte{0xff}, []byte("\n\x04none")
	f.Add(method, bad, int32(3), []byte{0x0a, 0x01}, bad, int32(2), bad, bad)
	f.Add(method, []byte{}, int32(5), none, []byte{}, int32(2), none, []byte{})

	f.Fuzz(func(
		t *testing.T, method string, request []byte, state int32, response, failure []byte,
		stepState int32, stepResponse, stepFailure []byte,
	) {
		v := &fakeVendor{faults: map[int]fault{1: lost}}
		r := start(t, v, noBackground)
		if _, err := r.sites.EnableSite(t.Context(), enable(id)); err == nil {
			t.Fatal("the response was not lost")
		}
		name := r.record(t, id).GetName()
		err := r.db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			const mutation = `UPDATE mutations SET method = $1, request = $2, state = $3, answer = $4, error = $5,
				settle_at = 0`
			const step = "UPDATE steps SET state = $1, answer = $2, error = $3"
			_, err := tx.ExecContext(ctx, mutation, method, request, state, response, failure)
			if err == nil {
				_, err = tx.ExecContext(ctx, step, stepState, stepResponse, stepFailure)
			}
			return err
		})
		if err != nil {
			t.Skip(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, _ = r.mutations.GetMutation(ctx, &pb.GetMutationRequest{Name: name})
		_, _ = r.mutations.ListMutations(ctx, &pb.ListMutationsRequest{})
		_, _ = r.SettleDue(ctx)
		_, _ = r.mutations.SettleMutation(ctx, &pb.SettleMutationRequest{Name: name})
		if n := v.happened("enable " + site); n != 1 {
			t.Errorf("settling made it %d times", n)
		}
		_, _ = r.sites.EnableSite(ctx, enable(id))
		_, _ = r.mutations.ResendMutation(ctx, &pb.ResendMutationRequest{Name: name})
		if ctx.Err() != nil {
			t.Error("something waits forever")
		}
	})
}
