package mutation

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// Trial is one run of a mutating method that sends nothing that changes anything, and keeps what it would have sent.
type Trial struct {
	mu       sync.Mutex
	requests []string
	looks    map[string]error
}

// ErrTried answers a write that a trial kept instead of sending it.
var ErrTried = errors.New("mutation: a trial sends no write")

// Try makes a context in which a mutating method can be tried: it reads from the vendor as it would, and its writes are kept instead of sent.
func Try(ctx context.Context) (context.Context, *Trial) {
	t := &Trial{}
	return context.WithValue(ctx, key{}, &run{log: NewMemory(), trial: t}), t
}

// Trying is the trial that ctx is of, or nil. Whoever sends writes to a vendor asks it first, and in a trial answers Keep's error.
func Trying(ctx context.Context) *Trial {
	if r, ok := ctx.Value(key{}).(*run); ok {
		return r.trial
	}
	return nil
}

// Keep keeps a write that would have been sent, as text without secrets, and answers ErrTried.
func (t *Trial) Keep(request string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.requests = append(t.requests, request)
	return ErrTried
}

// Look answers what look says, which is asked once for each thing: many writes of a batch may be about the same.
func (t *Trial) Look(thing string, look func() error) error {
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

// Requests are the writes that would have been sent, in order.
func (t *Trial) Requests() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.requests)
}

// try has Send come as far as its write.
func (w Write[T]) try(ctx context.Context) (T, error) {
	answer, err := w.Send(ctx)
	if errors.Is(err, ErrTried) {
		return w.Expect(), nil
	}
	return answer, err
}
