// Package shape compares the JSON of vendors with what their documents promise, and so notices that
// a vendor has changed its interface before calls fail.
//
// A Shape is made of the type into which the response is decoded, and of rules. A rule says which
// members the documents promise, which they show although the adapter does not read them, or which
// words a member may have. A finding names a place and, for a word, the word. It never holds
// another value.
package shape

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
)

// A Shape is what a vendor's documents say about the response to one call.
type Shape struct {
	call string
	root *node
}

// A node is the documented part of a value. A list has the node of its elements.
type node struct {
	members  map[string]*node // nil: whatever is inside fits
	open     bool             // it may have other members
	required []string
	known    func(word string) bool // nil: every word fits
}

// A Holder is a type that decodes itself.
type Holder interface {
	// Holds returns the type that has the members which this type reads.
	Holds() reflect.Type
}

// A Rule says more about a response than the type into which it is decoded.
type Rule func(s *Shape)

// Of returns the shape of the response to a call, such as "GET /sites", which is decoded into a T.
// It panics if a rule names a member that the shape does not have.
func Of[T any](call string, rules ...Rule) *Shape {
	s := &Shape{call: call, root: nodeOf(reflect.TypeFor[T]())}
	for _, r := range rules {
		r(s)
	}
	return s
}

// Call returns the call, or "" for no shape.
func (s *Shape) Call() string {
	if s == nil {
		return ""
	}
	return s.call
}

// Shown adds members that the documents show, and that the adapter does not read. A path is written
// as "content.fairPlayCert.privateKey", and leaves out that a member is a list.
func Shown(paths ...string) Rule {
	return func(s *Shape) {
		for _, path := range paths {
			parent, name := s.parent(path)
			parent.members[name] = &node{}
		}
	}
}

// Promised says which members the documents promise in each object that can have them.
func Promised(paths ...string) Rule {
	return func(s *Shape) {
		for _, path := range paths {
			s.find(path)
			parent, name := s.parent(path)
			parent.required = append(parent.required, name)
		}
	}
}

// Words says which words a member may have besides none.
func Words[Meaning any](path string, words map[string]Meaning) Rule {
	return Known(path, func(word string) bool {
		_, known := words[word]
		return known
	})
}

// Known is Words with a function that reports whether a word is documented.
func Known(path string, known func(word string) bool) Rule {
	return func(s *Shape) { s.find(path).known = known }
}

// find returns the node at a path.
func (s *Shape) find(path string) *node {
	parent, name := s.parent(path)
	n := parent.members[name]
	if n == nil {
		panic(fmt.Sprintf("shape: %s has no member %s, only %q",
			s.call, path, slices.Sorted(maps.Keys(parent.members))))
	}
	return n
}

// parent returns the node above a path, and the name of the path's member there.
func (s *Shape) parent(path string) (above *node, name string) {
	if i := strings.LastIndex(path, "."); i >= 0 {
		above, name = s.find(path[:i]), path[i+1:]
	} else {
		above, name = s.root, path
	}
	if above.members == nil {
		panic(fmt.Sprintf("shape: %s has no members above %s", s.call, path))
	}
	return above, name
}

var holder = reflect.TypeFor[Holder]()

// nodeOf returns the node of a type.
func nodeOf(t reflect.Type) *node {
	switch {
	case t.Implements(holder) && t.Kind() != reflect.Pointer:
		held, _ := reflect.TypeAssert[Holder](reflect.Zero(t))
		return nodeOf(held.Holds())
	case t.Kind() == reflect.Pointer, t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8:
		return nodeOf(t.Elem())
	case t.Kind() != reflect.Struct || decodesItself(t):
		return &node{}
	}
	n := &node{members: map[string]*node{}}
	for field := range t.Fields() {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case strings.Contains(options, "embed"):
			n.open = true
		case name != "" && name != "-":
			n.members[name] = nodeOf(field.Type)
		}
	}
	if len(n.members) == 0 {
		return &node{} // A type without members says nothing about them.
	}
	return n
}

func decodesItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[json.UnmarshalerFrom]()) || p.Implements(reflect.TypeFor[json.Unmarshaler]())
}
