package mutation_test

import (
	"context"
	"testing"

	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

func TestASnapshotKeepsWhatWasThereFirst(t *testing.T) {
	ctx, n := mutation.NewContext(t.Context(), mutation.NewMemory()), int32(0)
	for range 2 {
		got, err := mutation.Snapshot(ctx, "before", func(context.Context) (*pb.Usage, error) {
			n++
			return &pb.Usage{MonthlyActiveUsers: n}, nil
		})
		if err != nil || got.GetMonthlyActiveUsers() != 1 {
			t.Errorf("%v, %v", got, err)
		}
	}
}
