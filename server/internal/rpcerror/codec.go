package rpcerror

import (
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	protobuf "google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// Codec returns the codec of the gRPC server. It lets Errors refuse a request that cannot be decoded. An
// error of a codec itself would reach the client before any interceptor, and so without details.
func Codec() encoding.CodecV2 { return codec{encoding.GetCodecV2(proto.Name)} }

type codec struct{ encoding.CodecV2 }

// Unmarshal decodes a message. It marks a message that cannot be decoded.
func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	err := c.CodecV2.Unmarshal(data, v)
	if m, ok := v.(protobuf.Message); ok && err != nil {
		protobuf.Reset(m)
		m.ProtoReflect().SetUnknown(unreadable)
		return nil //nolint:nilerr // Errors refuses the message.
	}
	return err
}

// unreadable is an unknown field that marks a message that could not be decoded. Its number is the
// highest one, which no contract uses.
var unreadable = protoreflect.RawFields(protowire.AppendString(
	protowire.AppendTag(nil, protowire.MaxValidNumber, protowire.BytesType), "unreadable"))

// checkReadable returns an error for a request that could not be decoded.
func checkReadable(req any) error {
	m, ok := req.(protobuf.Message)
	if !ok || string(m.ProtoReflect().GetUnknown()) != string(unreadable) {
		return nil
	}
	return apierror.New(codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID, "nothing was sent: the request is "+
		"not a valid protobuf message of this method. Generate the client from drmhub's proto files")
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
