package adaptertest_test

import (
	"context"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/adaptertest/memory"
	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

const vendorKey = "hunter2/hunter2"

// bugged is the reference adapter with a bug.
type bugged struct {
	*memory.Adapter
	vendor *memory.Vendor

	hook     hook // runs in the place of each call; nil makes the call
	describe func(*adapters.Description)
	stream   func(*pb.StreamLicensesRequest, client) error
}

func (b *bugged) Describe() adapters.Description {
	d := b.Adapter.Describe()
	if b.describe != nil {
		b.describe(&d)
	}
	return d
}

func (b *bugged) Check(ctx context.Context) (level string, err error) {
	_, err = b.run(ctx, &emptypb.Empty{}, func(ctx context.Context, _ proto.Message) (proto.Message, error) {
		level, err = b.Adapter.Check(ctx)
		return nil, err
	})
	return level, err
}

func (b *bugged) StreamLicenses(req *pb.StreamLicensesRequest, to client) error {
	_, err := b.run(to.Context(), req, func(ctx context.Context, req proto.Message) (proto.Message, error) {
		stream := b.Adapter.StreamLicenses
		if b.stream != nil {
			stream = b.stream
		}
		return nil, stream(req.(*pb.StreamLicensesRequest), &conduit{to, ctx, to.Send})
	})
	return err
}

// A conduit is a stream with another context or another Send.
type conduit struct {
	client
	ctx  context.Context
	send func(*pb.StreamLicensesResponse) error
}

func (c *conduit) Context() context.Context { return c.ctx }

func (c *conduit) Send(m *pb.StreamLicensesResponse) error { return c.send(m) }

// A bug is a mistake in an adapter.
type bug func(*bugged)

// bugs are bugs by the promise that they break, and by what an adapter does that has one.
type bugs map[string]map[string]bug

type vendor = memory.Vendor

type client = grpc.ServerStreamingServer[pb.StreamLicensesResponse]

// A call is a call of a bugged adapter.
type call struct {
	*bugged
	ctx  context.Context
	req  proto.Message
	good goodCall
}

// A goodCall is a call without the bug.
type goodCall = func(context.Context, proto.Message) (proto.Message, error)

// A hook is what a bug makes of a call. A nil response without an error is an empty one.
type hook func(*call) (proto.Message, error)

// run makes the call as the reference adapter does.
func (c *call) run() (proto.Message, error) { return c.good(c.ctx, c.req) }

// rpc returns the name of the call.
func (c *call) rpc() string {
	return strings.TrimSuffix(string(c.req.ProtoReflect().Descriptor().Name()), "Request")
}

// run makes a call with the bug.
func (b *bugged) run(ctx context.Context, req proto.Message, good goodCall) (proto.Message, error) {
	if b.hook == nil {
		return good(ctx, req)
	}
	return b.hook(&call{b, ctx, req, good})
}

// always is a bug of every call.
func always(h hook) bug { return func(b *bugged) { b.hook = h } }

// on is a bug of one call.
func on(rpc string, h hook) bug {
	return always(func(c *call) (proto.Message, error) {
		if c.rpc() != rpc {
			return c.run()
		}
		return h(c)
	})
}

// asks is a bug that changes the requests of one call.
func asks[Req proto.Message](change func(Req)) bug {
	return always(func(c *call) (proto.Message, error) {
		if req, ok := c.req.(Req); ok {
			change(req)
		}
		return c.run()
	})
}

// shows is a bug that changes the responses of one type.
func shows[Res proto.Message](change func(Res)) bug {
	return always(func(c *call) (proto.Message, error) {
		m, err := c.run()
		if res, ok := m.(Res); ok && err == nil {
			change(res)
		}
		return m, err
	})
}

// instead is a bug that does something else in the place of one call.
func instead[Req proto.Message](h func(c *call, req Req) (proto.Message, error)) bug {
	return always(func(c *call) (proto.Message, error) {
		if req, ok := c.req.(Req); ok {
			return h(c, req)
		}
		return c.run()
	})
}

// before is a bug that makes vendor writes before one call, which its log does not record.
func before[Req proto.Message](write func(ctx context.Context, v *vendor, req Req) error) bug {
	return instead(func(c *call, req Req) (proto.Message, error) {
		_, err := mutation.Do(withoutLog(c.ctx), mutation.Write[*emptypb.Empty]{
			Send: func(ctx context.Context, _ mutation.Attempt) (*emptypb.Empty, error) {
				return &emptypb.Empty{}, write(ctx, c.vendor, req)
			},
		})
		if err != nil {
			return nil, err
		}
		return c.run()
	})
}

// withoutLog returns a context whose log has no record of an earlier run.
func withoutLog(ctx context.Context) context.Context {
	return mutation.NewContext(ctx, mutation.NewMemory())
}

// field finds a field of a message by its name.
func field(m proto.Message, name protoreflect.Name) protoreflect.FieldDescriptor {
	return m.ProtoReflect().Descriptor().Fields().ByName(name)
}

// rowsOf returns the list of a response's rows.
func rowsOf(res proto.Message) protoreflect.List {
	fields := res.ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		if f := fields.Get(i); f.IsList() && f.Message() != nil {
			return res.ProtoReflect().Mutable(f).List()
		}
	}
	panic("a response without rows")
}

// changeAll changes all of the vendor's things of one kind.
func changeAll[M mutation.Resource](ctx context.Context, c *memory.Collection[M], change func(M)) error {
	all, err := c.List(ctx)
	for _, m := range all {
		if err == nil {
			err = c.Change(ctx, m.GetName(), func(m M) error { change(m); return nil })
		}
	}
	return err
}
