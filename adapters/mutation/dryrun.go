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
	looks    map[string]error
}

// WithDryRun returns a context in which a mutating method makes its reads and keeps its writes.
func WithDryRun(ctx context.Context) (context.Context, *DryRun) {
	t := &DryRun{}
	return context.WithValue(ctx, key{}, &run{log: NewMemory(), dryRun: t}), t
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
func (t *DryRun) Plan(request string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.requests = append(t.requests, request)
	return &Error{errors.New("mutation: a dry run sends no write"), dryRun}
}

// once returns the result of look, which runs once for each thing. Many writes of a batch may
// concern the same thing.
func (t *DryRun) once(thing string, look func() error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	said, known := t.looks[thing]
	if !known {
		said = look()
		if t.looks == nil {
			t.looks = map[string]error{}
		}
		t.looks[thing] = said
	}
	return said
}

// Requests returns the writes that would have been sent, in order.
func (t *DryRun) Requests() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.requests)
}

// dryRun runs Send up to its write.
func (w Write[T]) dryRun(ctx context.Context) (T, error) {
	answer, err := w.Send(ctx, Attempt{})
	if IsDryRun(err) {
		return w.Preview(), nil
	}
	return answer, err
}
