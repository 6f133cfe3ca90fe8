package mutation

import (
	"context"
	"sync"

	"google.golang.org/protobuf/proto"
)

// A Memory is a Log that lives as long as the process.
type Memory struct {
	mu    sync.Mutex
	steps map[string]Record
	sent  chan struct{}
}

var _ Log = (*Memory)(nil)

// NewMemory returns an empty log.
func NewMemory() *Memory {
	return &Memory{steps: map[string]Record{}, sent: make(chan struct{})}
}

// Get returns the record of a step.
func (m *Memory) Get(step string) Record {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.steps[step]
}

// Put keeps r.
func (m *Memory) Put(_ context.Context, step string, r Record) error { return m.Note(step, r) }

// Flush returns at once: no record of a log in memory is durable.
func (m *Memory) Flush(context.Context) error { return nil }

// Note keeps r.
func (m *Memory) Note(step string, r Record) error {
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

// Settling reports false: a log in memory serves only callers that wait.
func (m *Memory) Settling() bool { return false }

// AwaitCreation returns at once: a log in memory holds one mutation.
func (m *Memory) AwaitCreation(context.Context, proto.Message) error { return nil }

// Sent returns a channel that is closed once a write may have reached the vendor.
func (m *Memory) Sent() <-chan struct{} { return m.sent }
