package emulator

import "slices"

// shelf holds things by id, in the order in which they came. The zero value is empty.
type orderedMap[T any] struct {
	order []string
	byID  map[string]T
}

// get is the thing with that id.
func (s *orderedMap[T]) get(id string) (thing T, held bool) {
	thing, held = s.byID[id]
	return thing, held
}

// put adds a thing, or replaces the one of that id where it stands.
func (s *orderedMap[T]) put(id string, thing T) {
	if s.byID == nil {
		s.byID = map[string]T{}
	}
	if _, held := s.byID[id]; !held {
		s.order = append(s.order, id)
	}
	s.byID[id] = thing
}

// remove takes the thing with that id away and reports whether it was there.
func (s *orderedMap[T]) remove(id string) bool {
	if _, held := s.byID[id]; !held {
		return false
	}
	delete(s.byID, id)
	at := slices.Index(s.order, id)
	s.order = slices.Delete(s.order, at, at+1)
	return true
}

// all are the things, oldest first.
func (s *orderedMap[T]) all() []T { return s.page(page{limit: len(s.order)}) }

// page are the things on one page of them all, oldest first.
func (s *orderedMap[T]) page(p page) []T {
	first, end := p.of(len(s.order))
	things := make([]T, 0, end-first)
	for _, id := range s.order[first:end] {
		things = append(things, s.byID[id])
	}
	return things
}
