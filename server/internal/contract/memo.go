package contract

import "sync"

// A memo remembers what read returned for each key. Its keys are descriptors, which are few and
// never change, and which every call asks about.
type memo[K comparable, V any] struct {
	read  func(K) V
	known sync.Map
}

// of returns what read returns for a key.
func (m *memo[K, V]) of(key K) V {
	known, ok := m.known.Load(key)
	if !ok {
		known = m.read(key)
		m.known.Store(key, known)
	}
	v, _ := known.(V) // A V that is a nil interface has no type.
	return v
}
