package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/contract"
)

const (
	firstWait = 500 * time.Millisecond
	// maxWait bounds the pause before a call is repeated. Where the server asks for a longer one,
	// the call is not repeated.
	maxWait = 30 * time.Second
)

// repeat makes a call until it succeeds, or until a repetition is not safe or does not help.
func (s *session) repeat(rpc *contract.RPC, req proto.Message, call func(context.Context) error) error {
	ctx := s.cmd.Context()
	for try := 0; ; try++ {
		err := s.once(ctx, call)
		if err == nil || !s.sent {
			return err
		}
		wait, again := pause(rpc, req, err, try)
		if !again || try >= s.retries || ctx.Err() != nil {
			return err
		}
		fmt.Fprintf(s.errs, "%s: the call is repeated in %s (%d of %d)\n",
			reasonOf(err), wait.Round(time.Millisecond), try+1, s.retries)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return err
		}
	}
}

// once makes a call, if there is a connection.
func (s *session) once(ctx context.Context, call func(context.Context) error) error {
	err := s.connect(ctx)
	switch {
	case err == nil:
		s.sent = true
		return call(ctx)
	case s.sent: // by an earlier call
		return status.Error(codes.Unavailable, err.Error())
	}
	return exitError{fmt.Errorf("%w\nNothing was sent. Name the server with --server or DRMHUB_SERVER, "+
		"and --plaintext if it has no TLS", err), ExitFailed}
}

// pause returns how long to wait before a call is repeated, and whether a repetition is safe and
// may help.
func pause(rpc *contract.RPC, req proto.Message, err error, try int) (wait time.Duration, again bool) {
	e := apierror.Convert(err)
	switch code := status.Code(err); {
	case isWrite(rpc) && !rpc.Mutating:
		return 0, false // A resend can take effect twice.
	case isLost(err):
		again = rpc.Mutating && !isDryRun(req) || code == codes.Unavailable
	case code == codes.Unavailable || code == codes.ResourceExhausted:
		again = true
	case e.Reason == pb.ErrorReason_MUTATION_IN_PROGRESS:
		again = true
	}
	wait = e.RetryAfter
	if wait == 0 {
		wait = firstWait << min(try, 5)
	}
	return wait, again && wait <= maxWait
}

// isWrite reports whether an RPC may change something at a vendor.
func isWrite(rpc *contract.RPC) bool { return strings.HasSuffix(rpc.Scope, ":write") }

// isLost reports whether the server's response to a call is not known. What the call did is not
// known then.
func isLost(err error) bool {
	info := infoOf(status.Convert(err).Proto())
	if info == nil {
		switch status.Code(err) {
		// The server, or a proxy in front of it, refused the call.
		case codes.Unimplemented, codes.Unauthenticated, codes.PermissionDenied, codes.InvalidArgument, codes.NotFound:
			return false
		}
		return true
	}
	return info.GetReason() == pb.ErrorReason_DEADLINE_PASSED.String() ||
		info.GetReason() == pb.ErrorReason_CALL_CANCELLED.String()
}

// infoOf returns the ErrorInfo that drmhub gives every error, or nil.
func infoOf(s *spb.Status) *errdetails.ErrorInfo {
	for _, d := range s.GetDetails() {
		info := &errdetails.ErrorInfo{}
		if d.UnmarshalTo(info) == nil && info.GetDomain() == apierror.Domain {
			return info
		}
	}
	return nil
}

// isUnknown reports whether an error says that a change may have been made.
func isUnknown(s *spb.Status) bool {
	return infoOf(s).GetReason() == pb.ErrorReason_OUTCOME_UNKNOWN.String()
}

// reasonOf returns the reason of an error, or its code if it is not drmhub's.
func reasonOf(err error) string {
	if info := infoOf(status.Convert(err).Proto()); info != nil {
		return info.GetReason()
	}
	return codeName(status.Code(err))
}
