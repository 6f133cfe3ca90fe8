package mutation

import (
	"context"
	"errors"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// Snapshot returns what read returned when the method first ran. Later steps depend on it.
func Snapshot[T proto.Message](ctx context.Context, step string, read func(context.Context) (T, error)) (T, error) {
	var none T
	r, err := fromContext(ctx)
	if err != nil {
		return none, err
	}
	if record := r.get(step); record.State == Snapshotted {
		return unpack[T](record.Response)
	}
	v, err := read(ctx)
	if err != nil || r.dryRun != nil {
		return v, err
	}
	packed, err := anypb.New(v)
	if err != nil {
		return none, err
	}
	return v, r.note(step, Record{State: Snapshotted, Response: packed})
}

// SnapshotExisting is Snapshot for a resource that the method deletes or renames. It first waits
// for unsettled creations of that resource, or of the new name. Otherwise the first kind would not
// find its resource and create it twice, and the second would mistake this one for its own.
func SnapshotExisting[T proto.Message](
	ctx context.Context, step string, read func(context.Context) (T, error), becomes ...T,
) (T, error) {
	return Snapshot(ctx, step, func(ctx context.Context) (T, error) {
		existing, err := read(ctx)
		r, outside := fromContext(ctx)
		if err != nil || outside != nil || r.dryRun != nil {
			return existing, err
		}
		end, err := BeginRequest(ctx) // The wait may take as long as a request.
		if err != nil {
			return existing, err
		}
		defer end()
		// Wait only after the read: a creation that begins later sees this resource, and does not
		// claim it.
		for _, resource := range append(becomes, existing) {
			if err := r.log.AwaitCreation(ctx, resource); err != nil {
				return existing, err
			}
		}
		return existing, nil
	})
}

func unpack[T proto.Message](packed *anypb.Any) (T, error) {
	var none T
	m, err := packed.UnmarshalNew()
	if err != nil {
		return none, err
	}
	response, ok := m.(T)
	if !ok {
		return none, errors.New("mutation: the record holds a " + string(m.ProtoReflect().Descriptor().FullName()))
	}
	return response, nil
}
