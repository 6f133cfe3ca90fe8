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
	// plannedHeader is the metadata that holds what a call would send to the vendor, a request a value.
	plannedHeader = "drmhub-planned-request"
	// mostPlanned and longestPlanned bound what travels in headers: requests, and bytes of each.
	mostPlanned, longestPlanned = 20, 2048
)

// try runs a method without its writes, and tells what they would be.
func try(ctx context.Context, call method) (proto.Message, error) {
	trying, trial := mutation.Try(ctx)
	answer, err := call(trying)
	if err != nil {
		return nil, err
	}
	planned := metadata.MD{}
	for i, request := range trial.Requests() {
		if i == mostPlanned {
			planned.Append(plannedHeader, fmt.Sprintf("... and %d more", len(trial.Requests())-mostPlanned))
			break
		}
		if len(request) > longestPlanned {
			request = fmt.Sprintf("%s ... and %d bytes more", request[:longestPlanned], len(request)-longestPlanned)
		}
		planned.Append(plannedHeader, request)
	}
	_ = grpc.SetHeader(ctx, planned) // fails outside of a server alone
	return redact.Without(answer), nil
}
