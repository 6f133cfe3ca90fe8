package mutation

import (
	"context"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/drmhub/drmhub/adapters/apierror"
)

// A Resource is a message with a resource name.
type Resource interface {
	proto.Message
	GetName() string
}

// A Create is the creation of a resource that gets its name from the vendor. If the response is
// lost, the resource is found again: it is the one that was not there before.
type Create[T Resource] struct {
	Step string // names the write, uniquely within the method
	// Before are the names of the resources before the creation, from SnapshotNames.
	Before []string
	// List returns the resources that look like the one to create. It is nil if the resource has
	// nothing to be recognized by.
	List func(context.Context) ([]T, error)
	// Send and Preview are those of a Write.
	Send    func(context.Context, Attempt) (T, error)
	Preview func() T
}

// DoCreate creates a resource, or finds the one that an earlier run of the method created.
func DoCreate[T Resource](ctx context.Context, c Create[T]) (T, error) {
	w := Write[T]{Step: c.Step, Send: c.Send, Preview: c.Preview}
	if c.List != nil {
		w.ReadBack = c.Arrived
	}
	return Do(ctx, w)
}

// Arrived reports whether the created resource is at the vendor, and returns it. It fails if more
// than one could be it.
func (c Create[T]) Arrived(ctx context.Context) (T, bool, error) {
	var none T
	alike, err := c.List(ctx)
	if err != nil {
		return none, false, err
	}
	switch arrived := NotIn(c.Before, alike); len(arrived) {
	case 0:
		return none, false, nil
	case 1:
		return arrived[0], true, nil
	default:
		return none, false, apierror.OutcomeUnknown(
			"%d new resources look like the one to create, and nothing shows which one this request created",
			len(arrived))
	}
}

// NotIn returns the resources whose names are not among known.
func NotIn[T Resource](known []string, resources []T) []T {
	return slices.DeleteFunc(slices.Clone(resources), func(resource T) bool {
		return slices.Contains(known, resource.GetName())
	})
}

// SnapshotNames is Snapshot of the names of resources. Use it for all resources that the created
// one could be mistaken for. That includes those that another change could make look like it.
func SnapshotNames[T Resource](
	ctx context.Context, step string, list func(context.Context) ([]T, error),
) ([]string, error) {
	kept, err := Snapshot(ctx, step, func(ctx context.Context) (*structpb.ListValue, error) {
		resources, err := list(ctx)
		names := &structpb.ListValue{}
		for _, resource := range resources {
			names.Values = append(names.Values, structpb.NewStringValue(resource.GetName()))
		}
		return names, err
	})
	if err != nil {
		return nil, err
	}
	names := make([]string, len(kept.GetValues()))
	for i, name := range kept.GetValues() {
		names[i] = name.GetStringValue()
	}
	return names, nil
}
