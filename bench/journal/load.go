package main

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/drmhub/drmhub/bench/internal/load"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// load makes mutations with this number of callers for this time. It returns the mutations a
// second, and the milliseconds of the processor that the server used for each.
func (s *server) load(ctx context.Context, callers int, length time.Duration) (rate, cpu float64, err error) {
	before, err := s.CPU()
	if err != nil {
		return 0, 0, err
	}
	done, err := load.Run(ctx, callers, length, load.Each(s.reset))
	if err != nil {
		return 0, 0, fmt.Errorf("%s, %d callers: %w", s.name, callers, err)
	}
	after, err := s.CPU()
	return done.Rate(), 1000 * (after - before).Seconds() / done.Calls(), err
}

// reset makes a mutation.
func (s *server) reset(ctx context.Context, number int) error {
	members := pb.NewMemberServiceClient(s.conns[number%len(s.conns)])
	_, err := members.ResetMemberPassword(ctx, &pb.ResetMemberPasswordRequest{
		Name: fmt.Sprintf("vendors/pallycon/members/%d", number+1), RequestId: uuid.NewString(),
	})
	return err
}
