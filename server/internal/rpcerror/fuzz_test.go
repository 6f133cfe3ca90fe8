package rpcerror_test

import (
	"context"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/rpcerror"
)

// FuzzCodec demands that a request reaches its handler exactly if it can be decoded.
func FuzzCodec(f *testing.F) {
	for _, seed := range []string{
		"", "\x0a\x01v", "\x12\x00\x12\x00", "\xff", "\x0a\x01\xff", "\xfa\xff\xff\xff\x0f\x00",
		"\xfa\xff\xff\xff\x0f\x02\x02\x05", "\xfa\xff\xff\xff\x0f\x01\xff",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, sent []byte) {
		var req, want pb.BatchCreateProductLicensesRequest
		if err := rpcerror.Codec().Unmarshal(mem.BufferSlice{mem.SliceBuffer(sent)}, &req); err != nil {
			t.Fatal(err)
		}
		broken := proto.Unmarshal(sent, &want) != nil || len(want.GetRequests()) > 1000
		handler := func(context.Context, any) (any, error) { return "handled", nil }
		res, err := rpcerror.Readable(t.Context(), &req, &grpc.UnaryServerInfo{}, handler)
		if broken && err == nil || !broken && err == nil && !proto.Equal(&req, &want) {
			t.Errorf("%x became %v, %v", sent, res, err)
		}
	})
}
