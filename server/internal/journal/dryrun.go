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
	// plannedHeader is the metadata that holds the requests that a call would send to the vendor,
	// one request a value.
	plannedHeader = "drmhub-planned-request"
	// maxPlanned bounds the planned requests, in bytes. Some clients accept at most 8 KiB of
	// headers, and REST sends each request twice, with and without its number.
	maxPlanned = 3584
	// perHeader is the size of a header without its value, in bytes.
	perHeader = 64
)

// dryRun runs a method without its writes. The metadata of the response hold the planned requests.
func dryRun(ctx context.Context, m method) (proto.Message, error) {
	dryCtx, planned := mutation.WithDryRun(ctx)
	response, err := m(dryCtx)
	if err != nil {
		return nil, err
	}
	header, left := metadata.MD{}, maxPlanned
	for i, request := range planned.Requests() {
		if left -= perHeader; left < len(request) && i > 0 {
			header.Append(plannedHeader, fmt.Sprintf("... and %d more", len(planned.Requests())-i))
			break
		}
		if len(request) > left {
			request = fmt.Sprintf("%s ... and %d bytes more", request[:left], len(request)-left)
		}
		left -= len(request)
		header.Append(plannedHeader, request)
	}
	_ = grpc.SetHeader(ctx, header) // It fails only outside of a server.
	return redact.Without(response), nil
}
