package mutation

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// A DryRun is one run of a mutating method that makes its reads and keeps its writes instead of
// sending them.
type DryRun struct {
	mu       sync.Mutex
	requests []string
	lookups  map[string]error // by resource name; see once
}

// WithDryRun returns a context in which a mutating method makes its reads and keeps its writes.
func WithDryRun(ctx context.Context) (context.Context, *DryRun) {
	d := &DryRun{}
	return context.WithValue(ctx, key{}, &run{log: NewMemory(), dryRun: d}), d
}

// DryRunFrom returns the dry run of ctx, or nil. Code that sends writes to a vendor asks it first,
// and in a dry run returns the error of Plan.
func DryRunFrom(ctx context.Context) *DryRun {
	if r, ok := ctx.Value(key{}).(*run); ok {
		return r.dryRun
	}
	return nil
}

// Plan keeps a write that would have been sent, as text without secrets. Its error says so.
func (d *DryRun) Plan(request string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.requests = append(d.requests, request)
	return &Error{errors.New("mutation: a dry run sends no write"), dryRun}
}

// once returns the error of lookup, which runs once for each resource name. Many writes of a batch
// may concern the same resource.
func (d *DryRun) once(name string, lookup func() error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	err, known := d.lookups[name]
	if !known {
		err = lookup()
		if d.lookups == nil {
			d.lookups = map[string]error{}
		}
		d.lookups[name] = err
	}
	return err
}

// Requests returns the writes that would have been sent, in order.
func (d *DryRun) Requests() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.requests)
}

// dryRun runs Send up to its write.
func (w Write[T]) dryRun(ctx context.Context) (T, error) {
	response, err := w.Send(ctx, Attempt{})
	if IsDryRun(err) {
		return w.Preview(), nil
	}
	return response, err
}
