package aminotest

import (
	"net/http"
	"sync"

	"github.com/drmhub/drmhub/adapters/adaptertest"
	"github.com/drmhub/drmhub/adapters/twin"
)

// turns orders one fault as each write arrives, because a fault of the twin is for one method.
type turns struct {
	faults *twin.Faults
	twin   http.RoundTripper

	mu   sync.Mutex
	next []adaptertest.WriteFault
}

func (t *turns) order(faults ...adaptertest.WriteFault) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.next = append(t.next, faults...)
}

// RoundTrip passes a request on to the twin.
func (t *turns) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodGet {
		t.take(r.Method)
	}
	return t.twin.RoundTrip(r)
}

func (t *turns) take(method string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.next) == 0 {
		return
	}
	if fault := t.next[0]; fault != adaptertest.Unharmed {
		f := writeFault(fault, method)
		f.Times = 1
		t.faults.Add(f)
	}
	t.next = t.next[1:]
}
