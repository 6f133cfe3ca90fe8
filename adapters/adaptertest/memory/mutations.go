package memory

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// creation prepares the creation of a thing. If the answer is lost, the thing is found again as the
// new one among those that match.
func creation[M mutation.Resource](
	ctx context.Context, c *Collection[M], step string, wanted M, match func(M) bool,
) (mutation.Create[M], error) {
	before, err := mutation.SnapshotNames(ctx, step+": before", c.Where(match))
	return mutation.Create[M]{
		Step: step, Before: before, List: c.Where(match),
		Send:    func(ctx context.Context, _ mutation.Attempt) (M, error) { return c.Add(ctx, wanted) },
		Preview: func() M { return proto.CloneOf(wanted) },
	}, err
}

// create creates a thing.
func create[M mutation.Resource](ctx context.Context, c *Collection[M], wanted M, match func(M) bool) (M, error) {
	create, err := creation(ctx, c, "create", wanted, match)
	if err != nil {
		return wanted, err
	}
	return mutation.DoCreate(ctx, create)
}

// createUnique creates a thing, if no other one matches.
func createUnique[M mutation.Resource](
	ctx context.Context, c *Collection[M], wanted M, match func(M) bool,
) (M, error) {
	before, err := mutation.SnapshotNames(ctx, "taken", c.Where(match))
	if err != nil {
		return wanted, err
	}
	if len(before) > 0 {
		return wanted, apierror.New(codes.AlreadyExists, pb.ErrorReason_VENDOR_ALREADY_EXISTS,
			"the vendor holds %q already; nothing was created", before[0])
	}
	return create(ctx, c, wanted, match)
}

// update changes the thing that read reads. It may become such that a creation would find it.
func update[M mutation.Resource](
	ctx context.Context, c *Collection[M], read func(context.Context) (M, error), change func(M), becomes ...M,
) (none M, _ error) {
	before, err := mutation.SnapshotExisting(ctx, "before", read, becomes...)
	if err != nil {
		return none, err
	}
	return mutation.DoUpdate(ctx, mutation.Update[M]{
		Vendor: "the vendor", Step: "update", Before: before, Change: change, Read: read,
		Send: func(ctx context.Context) error {
			return c.Change(ctx, before.GetName(), func(m M) error { change(m); return nil })
		},
	})
}

// fields returns a change that copies these fields from a message.
func fields[M proto.Message](from M, paths []string) func(M) {
	return func(to M) {
		from := proto.CloneOf(from).ProtoReflect()
		for _, path := range paths {
			field := from.Descriptor().Fields().ByTextName(path)
			if from.Has(field) {
				to.ProtoReflect().Set(field, from.Get(field))
			} else {
				to.ProtoReflect().Clear(field)
			}
		}
	}
}

// remove makes a write that removes a thing. It took effect if find does not find the thing.
func remove[M proto.Message](
	ctx context.Context, step string, thing M, find func(context.Context) (M, error), send func(context.Context) error,
) (M, error) {
	return mutation.Do(ctx, mutation.Write[M]{
		Step:    step,
		Send:    func(ctx context.Context, _ mutation.Attempt) (M, error) { return thing, send(ctx) },
		Preview: func() M { return thing },
		ReadBack: func(ctx context.Context) (M, bool, error) {
			_, err := find(ctx)
			if err != nil && apierror.Convert(err).Code == codes.NotFound {
				return thing, true, nil
			}
			return thing, false, err
		},
	})
}
