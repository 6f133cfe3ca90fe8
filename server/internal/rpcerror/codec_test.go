package rpcerror_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/rpcerror"
)

// garbled sends these bytes in place of a request.
type garbled struct {
	encoding.CodecV2
	sent string
}

func (g garbled) Marshal(any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(g.sent)}, nil
}

func TestARequestThatIsNoProtobufHasTheShapeOfAllErrors(t *testing.T) {
	for name, sent := range map[string]string{
		"no protobuf": "\xff\xff", "cut off": "\x0a\x05ab", "no UTF-8": "\x0a\x01\xff", "a group": "\x0b",
	} {
		conn, log := dial(t, func() error { return nil })
		as := grpc.ForceCodecV2(garbled{rpcerror.Codec(), sent})
		client := pb.NewLicenseServiceClient(conn)
		_, err := client.GetUsage(t.Context(), &pb.GetUsageRequest{}, as)
		wantError(t, err, codes.InvalidArgument, "REQUEST_INVALID")
		s, err := client.StreamLicenses(t.Context(), &pb.StreamLicensesRequest{}, as)
		if err == nil {
			_, err = s.Recv()
		}
		wantError(t, err, codes.InvalidArgument, "REQUEST_INVALID")
		if log.Len() > 0 {
			t.Errorf("%s: the log: %s", name, log)
		}
	}
}

func TestALongListIsRefusedBeforeItIsDecoded(t *testing.T) {
	data := func(items int) mem.BufferSlice {
		return mem.BufferSlice{mem.SliceBuffer(strings.Repeat("\x12\x00", items))}
	}
	var req pb.BatchCreateProductLicensesRequest
	if err := rpcerror.Codec().Unmarshal(data(1000), &req); err != nil || len(req.GetRequests()) != 1000 {
		t.Errorf("%d items, %v", len(req.GetRequests()), err)
	}
	if err := rpcerror.Codec().Unmarshal(data(1001), &req); err != nil || len(req.GetRequests()) != 0 {
		t.Errorf("%d items, %v", len(req.GetRequests()), err)
	}
	shape := rpcerror.Errors{Log: slog.New(slog.DiscardHandler)}
	info := &grpc.UnaryServerInfo{}
	_, err := shape.Unary(t.Context(), &req, info, func(ctx context.Context, req any) (any, error) {
		return rpcerror.Readable(ctx, req, info, nil)
	})
	wantError(t, err, codes.InvalidArgument, "REQUEST_INVALID")
	if !strings.Contains(err.Error(), "requests: must contain no more than 1000 item(s), and contains 1001") {
		t.Error(err)
	}
}
