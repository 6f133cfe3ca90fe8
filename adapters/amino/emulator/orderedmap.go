package emulator

import "slices"

// orderedMap holds things by id, in the order in which they were added. The zero value is empty.
type orderedMap[T any] struct {
	order []string
	byID  map[string]T
}

// get returns the thing with that id.
func (m *orderedMap[T]) get(id string) (thing T, held bool) {
	thing, held = m.byID[id]
	return thing, held
}

// put adds a thing, or replaces the one with that id in its place.
func (m *orderedMap[T]) put(id string, thing T) {
	if m.byID == nil {
		m.byID = map[string]T{}
	}
	if _, held := m.byID[id]; !held {
		m.order = append(m.order, id)
	}
	m.byID[id] = thing
}

// remove removes the thing with that id, and reports whether there was one.
func (m *orderedMap[T]) remove(id string) bool {
	if _, held := m.byID[id]; !held {
		return false
	}
	delete(m.byID, id)
	at := slices.Index(m.order, id)
	m.order = slices.Delete(m.order, at, at+1)
	return true
}

// all returns all things, oldest first.
func (m *orderedMap[T]) all() []T { return m.page(page{limit: len(m.order)}) }

// page returns the things on one page, oldest first.
func (m *orderedMap[T]) page(p page) []T {
	first, end := p.of(len(m.order))
	things := make([]T, 0, end-first)
	for _, id := range m.order[first:end] {
		things = append(things, m.byID[id])
	}
	return things
}
