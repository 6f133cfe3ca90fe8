package mutation

import (
	"context"
	"sync"

	"google.golang.org/protobuf/proto"
)

// Memory is a Log that lives as long as the process.
type Memory struct {
	mu    sync.Mutex
	steps map[string]Record
	sent  chan struct{}
}

var _ Log = (*Memory)(nil)

// NewMemory makes an empty log.
func NewMemory() *Memory {
	return &Memory{steps: map[string]Record{}, sent: make(chan struct{})}
}

// Get is what is kept of a step.
func (m *Memory) Get(step string) Record {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.steps[step]
}

// Put keeps r.
func (m *Memory) Put(_ context.Context, step string, r Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.steps[step] = r
	if r.State == Sent {
		select {
		case <-m.sent:
		default:
			close(m.sent)
		}
	}
	return nil
}

// Settling is false: a log in memory serves only callers who wait.
func (m *Memory) Settling() bool { return false }

// AwaitCreation waits for nothing: a log in memory knows of no other mutation.
func (m *Memory) AwaitCreation(context.Context, proto.Message) error { return nil }

// Sent is closed once a write of the mutation may have reached the vendor.
func (m *Memory) Sent() <-chan struct{} { return m.sent }
