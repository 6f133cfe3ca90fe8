package limit

import (
	"sync"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// streamPause is how long a caller with too many streams is asked to wait. Nobody knows when a
// stream ends.
const streamPause = time.Second

// streams counts the streams in flight. It holds no more callers than streams.
type streams struct {
	perCaller, total int // 0: no limit

	mu   sync.Mutex
	open int
	of   map[string]int
}

// enter counts a stream until the caller of enter calls leave. It returns an error if there are too
// many streams.
func (s *streams) enter(subject string) (leave func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.perCaller > 0 && s.of[subject] >= s.perCaller:
		return nil, tooMany("this caller reads %d streams, which is the limit. End one of them, or wait", s.perCaller)
	case s.total > 0 && s.open >= s.total:
		return nil, tooMany("drmhub serves %d streams, which is the limit. Wait", s.total)
	}
	s.open++
	s.of[subject]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.open--
		if s.of[subject]--; s.of[subject] == 0 {
			delete(s.of, subject)
		}
	}, nil
}

func tooMany(format string, limit int) error {
	e := apierror.New(codes.ResourceExhausted, pb.ErrorReason_CALLER_RATE_LIMITED,
		"nothing was done: "+format+", and repeat the call", limit)
	e.RetryAfter = streamPause
	return e
}
