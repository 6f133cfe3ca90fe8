package mutation

import (
	"context"

	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
)

// An Update is a change of a resource that the vendor shows.
type Update[T proto.Message] struct {
	Vendor string // the vendor's name for people
	Step   string // names the write, uniquely within the method
	// Before is a Snapshot of the resource.
	Before T
	// Change makes the change in a copy of the resource.
	Change func(T)
	// Send makes the write once, as a Write's Send does. Its error is nil if the vendor accepted
	// the change.
	Send func(context.Context) error
	// Read reads the resource.
	Read func(context.Context) (T, error)
	// Confirm reads the resource after the vendor accepted the change. It is nil if Read does so.
	Confirm func(context.Context) (T, error)
}

// DoUpdate makes a change and returns the resource as the vendor shows it then. It sends nothing if
// the resource was as wanted before. An accepted change that the vendor does not show has an
// unknown outcome.
func DoUpdate[T proto.Message](ctx context.Context, u Update[T]) (T, error) {
	if u.shows(u.Before) {
		return u.Before, nil
	}
	return Do(ctx, Write[T]{Step: u.Step, Send: u.send, ReadBack: u.readBack, Preview: func() T {
		return u.changed(u.Before)
	}})
}

func (u Update[T]) send(ctx context.Context, _ Attempt) (T, error) {
	var none T
	if err := u.Send(ctx); err != nil {
		return none, err
	}
	read := u.Read
	if u.Confirm != nil {
		read = u.Confirm
	}
	now, err := read(ctx)
	switch {
	case err != nil:
		return none, NotReadBack(u.Vendor, err)
	case !u.shows(now):
		return none, apierror.OutcomeUnknown("Outcome unknown: %s accepted the update but does not show it yet. "+
			"Retry with the same request_id.", u.Vendor)
	}
	return now, nil
}

func (u Update[T]) readBack(ctx context.Context) (T, bool, error) {
	now, err := u.Read(ctx)
	return now, err == nil && u.shows(now), err
}

// changed returns a copy of the resource with the change in place.
func (u Update[T]) changed(resource T) T {
	resource = proto.CloneOf(resource)
	u.Change(resource)
	return resource
}

// shows reports whether the change makes no difference to the resource.
func (u Update[T]) shows(resource T) bool { return proto.Equal(resource, u.changed(resource)) }

// NotReadBack returns the error of a change that the vendor accepted, if reading it back failed.
func NotReadBack(vendor string, err error) *apierror.Error {
	return apierror.OutcomeUnknown("Outcome unknown: %s accepted the change, but reading it back failed: %v. "+
		"Retry with the same request_id.", vendor, err)
}
