package journal_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// FuzzWhatStandsInTheStore has a journal read what it did not write: another version did, or
// somebody by hand. It neither panics nor sends a write a second time that stands there as sent.
func FuzzWhatStandsInTheStore(f *testing.F) {
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
	failure, err := proto.Marshal(apierror.New(codes.FailedPrecondition, pb.ErrorReason_VENDOR_STATE, "no").GRPCStatus().Proto())
	if err != nil {
		f.Fatal(err)
	}
	for _, method := range []string{"drmhub.v1.SiteService/EnableSite", "drmhub.v1.SiteService/GetSite", "drmhub.v1.SiteService/", "drmhub.v1/Site", "drmhub.v1.Site/name", "/", "none"} {
		for state := range int32(7) {
			if state != 5 && method != "drmhub.v1.SiteService/EnableSite" {
				continue
			}
			f.Add(method, request, state, packed(&pb.StatusChange{Site: site}), failure, state, packed(&emptypb.Empty{}), failure)
		}
	}
	f.Add("drmhub.v1.SiteService/EnableSite", []byte{0xff}, int32(3), []byte{0x0a, 0x01}, []byte{0xff}, int32(2), []byte{0xff}, []byte{0xff})
	f.Add("drmhub.v1.SiteService/EnableSite", []byte{}, int32(5), []byte("\n\x04none"), []byte{}, int32(2), []byte("\n\x04none"), []byte{})

	f.Fuzz(func(t *testing.T, method string, request []byte, state int32, answer, failure []byte, stepState int32, stepAnswer, stepFailure []byte) {
		w := &world{faults: map[int]fault{1: lost}}
		r := start(t, w, calm)
		if _, err := r.sites.EnableSite(t.Context(), enable(id)); err == nil {
			t.Fatal("the answer was not lost")
		}
		name := r.record(t, id).GetName()
		err := r.db.Write(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
			if _, err := tx.ExecContext(ctx, "UPDATE mutations SET method = $1, request = $2, state = $3, answer = $4, error = $5, settle_at = 0", method, request, state, answer, failure); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, "UPDATE steps SET state = $1, answer = $2, error = $3", stepState, stepAnswer, stepFailure)
			return err
		})
		if err != nil {
			t.Skip(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, _ = r.mutations.GetMutation(ctx, &pb.GetMutationRequest{Name: name})
		_, _ = r.mutations.ListMutations(ctx, &pb.ListMutationsRequest{})
		_, _ = r.SettleDue(ctx)
		_, _ = r.mutations.SettleMutation(ctx, &pb.SettleMutationRequest{Name: name})
		if n := w.happened("enable " + site); n != 1 {
			t.Errorf("settling made it %d times", n)
		}
		_, _ = r.sites.EnableSite(ctx, enable(id))
		_, _ = r.mutations.ResendMutation(ctx, &pb.ResendMutationRequest{Name: name})
		if ctx.Err() != nil {
			t.Error("something waits forever")
		}
	})
}
