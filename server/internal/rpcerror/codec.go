package rpcerror

import (
	"fmt"
	"math"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	protobuf "google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/contract"
)

// Codec returns the codec of the gRPC server. It lets Errors refuse a request that cannot be
// decoded. An error of a codec itself would reach the client before any interceptor, and so without
// details.
func Codec() encoding.CodecV2 { return codec{encoding.GetCodecV2(proto.Name)} }

type codec struct{ encoding.CodecV2 }

// largeBuffers holds the buffers of messages of more than leastLarge bytes, by powers of two up to
// a megabyte. gRPC's own pool has nothing between 32 KB and 1 MB, and clears a whole buffer for
// each message. A page of licenses has 250 KB, so a stream would keep four times what it needs.
var largeBuffers = func() mem.BufferPool {
	pool, err := mem.NewBinaryTieredBufferPool(16, 17, 18, 19, 20)
	if err != nil {
		panic(err) // The sizes are those of any machine.
	}
	return pool
}()

const minLarge = 32 << 10

// Marshal encodes a message.
func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	m, ok := v.(protobuf.Message)
	if !ok {
		return c.CodecV2.Marshal(v)
	}
	size := protobuf.Size(m)
	if size <= minLarge {
		return c.CodecV2.Marshal(v)
	}
	buffer := largeBuffers.Get(size)
	if _, err := (protobuf.MarshalOptions{UseCachedSize: true}).MarshalAppend((*buffer)[:0], m); err != nil {
		largeBuffers.Put(buffer)
		return nil, err
	}
	return mem.BufferSlice{mem.NewBuffer(buffer, largeBuffers)}, nil
}

// Unmarshal decodes a message. It marks a message that cannot be decoded, or that has a list which
// is too long. Such a list could cost a hundred times its memory once it is decoded.
func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	m, ok := v.(protobuf.Message)
	if !ok {
		return c.CodecV2.Unmarshal(data, v)
	}
	if field, items := longList(data, m.ProtoReflect().Descriptor()); field != 0 {
		mark(m, uint64(field), uint64(items))
		return nil
	}
	if err := c.CodecV2.Unmarshal(data, v); err != nil {
		mark(m, 0, 0)
	}
	return nil
}

// markNumber is the number of the unknown field that marks a message. It is the highest one, which
// no contract uses.
const markNumber = protowire.MaxValidNumber

// mark empties a message, and marks it with the number of a list and its length. Both are 0 for a
// message that cannot be decoded.
func mark(m protobuf.Message, field, items uint64) {
	protobuf.Reset(m)
	text := protowire.AppendVarint(protowire.AppendVarint(nil, field), items)
	tag := protowire.AppendTag(nil, markNumber, protowire.BytesType)
	m.ProtoReflect().SetUnknown(protowire.AppendBytes(tag, text))
}

// longList returns the number and the length of a list of a message that is too long, or 0. It does
// not look into the messages within.
func longList(data mem.BufferSlice, d protoreflect.MessageDescriptor) (protowire.Number, int) {
	if data.Len() <= contract.MaxListItems { // An item has two bytes or more.
		return 0, 0
	}
	items := map[protowire.Number]int{}
	for left := data.Materialize(); len(left) > 0; {
		number, _, size := protowire.ConsumeField(left)
		if size < 0 {
			return 0, 0
		}
		items[number]++
		left = left[size:]
	}
	for number, n := range items {
		if f := d.Fields().ByNumber(number); f != nil && f.IsList() && n > contract.MaxItems(f) {
			return number, n
		}
	}
	return 0, 0
}

// checkReadable returns an error for a request that the codec has marked.
func checkReadable(req any) error {
	m, ok := req.(protobuf.Message)
	if !ok {
		return nil
	}
	number, _, size := protowire.ConsumeTag(m.ProtoReflect().GetUnknown())
	if size < 0 || number != markNumber {
		return nil
	}
	text, _ := protowire.ConsumeBytes(m.ProtoReflect().GetUnknown()[size:])
	field, size := protowire.ConsumeVarint(text)
	items, _ := protowire.ConsumeVarint(text[max(size, 0):])
	list := m.ProtoReflect().Descriptor().Fields().ByNumber(protowire.Number(min(field, math.MaxInt32)))
	if list == nil {
		return apierror.New(codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID, "nothing was sent: the request "+
			"is not a valid protobuf message of this method. Generate the client from drmhub's proto files")
	}
	problem := fmt.Sprintf("must contain no more than %d item(s), and contains %d", contract.MaxItems(list), items)
	return apierror.InvalidRequest(&errdetails.BadRequest_FieldViolation{
		Field: string(list.Name()), Description: problem, Reason: "REPEATED_MAX_ITEMS",
	})
}

// A stream refuses requests that could not be decoded.
type stream struct{ grpc.ServerStream }

// RecvMsg receives a request.
func (s stream) RecvMsg(m any) error {
	if err := s.ServerStream.RecvMsg(m); err != nil {
		return err
	}
	return checkReadable(m)
}

// Received returns the error of a request that gRPC could not receive, with the right reason. The
// caller gets gRPC's own error. One that is too large has nothing to do with the limits of callers.
func Received(err error) error {
	if err == nil || status.Code(err) != codes.ResourceExhausted {
		return err
	}
	return apierror.New(codes.ResourceExhausted, pb.ErrorReason_REQUEST_INVALID, "%s", status.Convert(err).Message())
}
