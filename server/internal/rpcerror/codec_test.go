package rpcerror_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"

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

func TestMessagesOfEverySizeAreEncodedAsProtobuf(t *testing.T) {
	// page returns a response of a given number of bytes, once it is encoded.
	page := func(size int) *pb.ListLicensesResponse {
		response := &pb.ListLicensesResponse{}
		for proto.Size(response) != size {
			length := len(response.GetNextPageToken()) + size - proto.Size(response)
			response.NextPageToken = strings.Repeat("x", max(length, 1))
		}
		return response
	}
	for name, message := range map[string]any{
		"empty": &pb.ListLicensesResponse{}, "small": page(10), "the last without a buffer of its own": page(32 << 10),
		"the first with one": page(32<<10 + 1), "a full buffer": page(1 << 16), "one byte more": page(1<<16 + 1),
		"a page of licenses": page(250_000), "more than any buffer": page(3 << 20),
		"small, no UTF-8": &pb.ListLicensesResponse{NextPageToken: "\xff"},
		"large, no UTF-8": &pb.ListLicensesResponse{NextPageToken: strings.Repeat("\xff", 100_000)},
		"no protobuf":     "text",
	} {
		t.Run(name, func(t *testing.T) {
			m, ok := message.(proto.Message)
			wantError := !ok
			var want []byte
			if ok {
				var err error
				if want, err = proto.Marshal(m); err != nil {
					want, wantError = nil, true
				}
			}
			for range 2 { // The second time, the buffer was used before.
				got, err := rpcerror.Codec().Marshal(message)
				if (err != nil) != wantError {
					t.Fatal(err)
				}
				if !bytes.Equal(got.Materialize(), want) {
					t.Errorf("%d bytes, want the %d bytes of proto.Marshal", got.Len(), len(want))
				}
				got.Free()
			}
		})
	}
}
