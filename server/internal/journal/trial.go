package journal

import (
	"context"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/server/internal/redact"
)

const (
	// plannedHeader is the metadata that holds what a call would send to the vendor, a request a
	// value.
	plannedHeader = "drmhub-planned-request"
	// mostPlanned bounds what travels in headers, in bytes: some clients take no more than 8 KiB of
	// them in all.
	mostPlanned = 4096
	// perHeader is what a header costs besides its value, in bytes.
	perHeader = 64
)

// try runs a method without its writes, and tells what they would be.
func try(ctx context.Context, call method) (proto.Message, error) {
	trying, trial := mutation.WithDryRun(ctx)
	answer, err := call(trying)
	if err != nil {
		return nil, err
	}
	planned, left := metadata.MD{}, mostPlanned
	for i, request := range trial.Requests() {
		if left -= perHeader; left < len(request) && i > 0 {
			planned.Append(plannedHeader, fmt.Sprintf("... and %d more", len(trial.Requests())-i))
			break
		}
		if len(request) > left {
			request = fmt.Sprintf("%s ... and %d bytes more", request[:left], len(request)-left)
		}
		left -= len(request)
		planned.Append(plannedHeader, request)
	}
	_ = grpc.SetHeader(ctx, planned) // fails outside of a server alone
	return redact.Without(answer), nil
}
