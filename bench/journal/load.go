package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// connections is the number of connections that the callers share.
const connections = 4

func dial(name, address string) (*server, error) {
	s := &server{name: name}
	for range connections {
		conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			return nil, err
		}
		s.conns = append(s.conns, conn)
	}
	return s, nil
}

// load makes mutations with this number of callers for this time, and returns the mutations a second.
// The first call that fails ends it.
func (s *server) load(ctx context.Context, callers int, length time.Duration) (rate float64, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var done atomic.Int64
	var all sync.WaitGroup
	begun := time.Now()
	for i := range callers {
		all.Go(func() {
			members := pb.NewMemberServiceClient(s.conns[i%connections])
			for time.Since(begun) < length && ctx.Err() == nil {
				_, err := members.ResetMemberPassword(ctx, &pb.ResetMemberPasswordRequest{
					Name: fmt.Sprintf("vendors/pallycon/members/%d", i+1), RequestId: uuid.NewString(),
				})
				if err != nil {
					cancel(fmt.Errorf("%s, %d callers: %w", s.name, callers, err))
					return
				}
				done.Add(1)
			}
		})
	}
	all.Wait()
	return float64(done.Load()) / time.Since(begun).Seconds(), context.Cause(ctx)
}
