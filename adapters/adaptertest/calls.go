package adaptertest

import (
	"context"
	"reflect"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// rpcOf returns the name of the call that a request is for.
func rpcOf(req proto.Message) string {
	return strings.TrimSuffix(string(req.ProtoReflect().Descriptor().Name()), "Request")
}

// ask makes the call that a request is for.
func (h Harness) ask(ctx context.Context, req proto.Message) (proto.Message, error) {
	if h.around != nil {
		return h.around(ctx, proto.Clone(req), h.call)
	}
	return h.call(ctx, proto.Clone(req))
}

func (h Harness) call(ctx context.Context, req proto.Message) (proto.Message, error) {
	method := reflect.ValueOf(h.Adapter).MethodByName(rpcOf(req))
	out := method.Call([]reflect.Value{reflect.ValueOf(ctx), reflect.ValueOf(req)})
	err, _ := reflect.TypeAssert[error](out[1])
	return out[0].Interface().(proto.Message), err
}

// get makes a read that must succeed, with names that are canonical.
func get[Res proto.Message](t T, h Harness, req proto.Message) Res {
	t.Helper()
	res, err := h.ask(t.Context(), req)
	if err != nil {
		t.Fatalf("%s of %v: %v", rpcOf(req), req, err)
	}
	checkNames(t, h.Vendor, rpcOf(req), res)
	return res.(Res)
}

// notFound makes a check that requests are NOT_FOUND.
func notFound(requests func(T, Harness) []proto.Message) func(T, Harness) {
	return func(t T, h Harness) {
		for _, req := range requests(t, h) {
			wantNotFound(t, h, rpcOf(req), req)
		}
	}
}

func wantNotFound(t T, h Harness, what string, req proto.Message) {
	t.Helper()
	_, err := h.ask(t.Context(), req)
	WantError(t, what, err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
}

// calling returns the write of a request. A call that settles has the request without its secrets.
func (h Harness) calling(req proto.Message) call {
	return func(ctx context.Context) (proto.Message, error) {
		if settling, _ := ctx.Value(settlingKey{}).(bool); settling {
			return h.ask(ctx, withoutSecrets(req))
		}
		return h.ask(ctx, req)
	}
}

// done makes a write that must succeed, in a mutation of its own.
func done[Res proto.Message](t T, h Harness, req proto.Message) Res {
	t.Helper()
	res, err := h.calling(req).in(t.Context(), newSteps())
	if err != nil {
		t.Fatalf("%s: %v", rpcOf(req), err)
	}
	return res.(Res)
}

func vendorName(h Harness) string { return names.Vendor.Name(h.Vendor) }

func fieldOf(m proto.Message, field string) protoreflect.FieldDescriptor {
	return m.ProtoReflect().Descriptor().Fields().ByTextName(field)
}

func setText(m proto.Message, field, value string) {
	m.ProtoReflect().Set(fieldOf(m, field), protoreflect.ValueOfString(value))
}

// A receiver is the client's end of a stream. It embeds a nil interface, because an adapter needs
// no more than a context and Send.
type receiver struct {
	grpc.ServerStream
	ctx  context.Context
	send func(*pb.StreamLicensesResponse) error
}

func (r *receiver) Context() context.Context { return r.ctx }

func (r *receiver) Send(m *pb.StreamLicensesResponse) error { return r.send(m) }

// stream streams the licenses from a token on, and returns the messages. It calls got after each,
// and returns its error to the adapter. A nil got accepts every message.
func (s *site) stream(
	ctx context.Context, filter *pb.LicenseFilter, token string, got func() error,
) ([]*pb.StreamLicensesResponse, error) {
	var messages []*pb.StreamLicensesResponse
	to := &receiver{ctx: ctx, send: func(m *pb.StreamLicensesResponse) error {
		messages = append(messages, m)
		if got == nil {
			return nil
		}
		return got()
	}}
	req := &pb.StreamLicensesRequest{Parent: s.name, Filter: proto.CloneOf(filter), PageToken: token}
	err := s.Adapter.(adapters.LicenseStreamer).StreamLicenses(req, to)
	return messages, err
}

// streamed returns the rows of a stream's messages.
func streamed(messages []*pb.StreamLicensesResponse) []*pb.License {
	var rows []*pb.License
	for _, m := range messages {
		rows = append(rows, m.GetLicenses()...)
	}
	return rows
}
