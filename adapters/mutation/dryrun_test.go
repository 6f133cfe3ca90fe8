package mutation_test

import (
	"context"
	"slices"
	"testing"

	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

func TestADryRunSendsNothing(t *testing.T) {
	ctx, dry := mutation.WithDryRun(t.Context())
	before, err := mutation.Snapshot(ctx, "before", func(context.Context) (*pb.Usage, error) {
		return &pb.Usage{MonthlyActiveUsers: 7}, nil
	})
	if err != nil || before.GetMonthlyActiveUsers() != 7 {
		t.Errorf("%v, %v", before, err)
	}
	sent := false
	got, err := mutation.Do(ctx, mutation.Write[*change]{
		Step: "switch",
		Send: func(ctx context.Context, _ mutation.Attempt) (*change, error) {
			if dry := mutation.DryRunFrom(ctx); dry != nil {
				return nil, dry.Plan("curl vendor")
			}
			sent = true
			return &change{}, nil
		},
		Preview: func() *change { return &change{Requester: "expected"} },
	})
	planned := slices.Equal(dry.Requests(), []string{"curl vendor"})
	if err != nil || got.GetRequester() != "expected" || sent || !planned {
		t.Errorf("%v, %v, sent %v, kept %q", got, err, sent, dry.Requests())
	}
	if mutation.DryRunFrom(t.Context()) != nil ||
		mutation.DryRunFrom(mutation.NewContext(t.Context(), mutation.NewMemory())) != nil {
		t.Error("a context of no dry run says that it is of one")
	}
}
