package main

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// A direction says whether a schema describes what callers send or what they receive. A message
// that travels both ways has two schemas: a caller may leave out what the server always sends.
type direction int

const (
	request direction = iota
	response
)

// demands reports whether an object must have the field. Responses have all fields, also those that
// are not set, except a choice of one of several, and what may be absent by its own declaration.
func (d direction) demands(field protoreflect.FieldDescriptor) bool {
	if d == response {
		return field.ContainingOneof() == nil
	}
	// A request inside a batch may leave out its parent, since the batch names it.
	inBatch := strings.HasSuffix(string(field.Parent().Name()), "Request") && field.Name() == "parent"
	return required(field) && !inBatch
}

// collect notes which messages the requests and the responses of these services hold.
func (s *schemas) collect(services []protoreflect.ServiceDescriptor) {
	for _, service := range services {
		for i := range service.Methods().Len() {
			s.note(service.Methods().Get(i).Input(), request)
			s.note(service.Methods().Get(i).Output(), response)
		}
	}
}

func (s *schemas) note(message protoreflect.MessageDescriptor, way direction) {
	if s.uses[way][message.FullName()] {
		return
	}
	s.uses[way][message.FullName()] = true
	for i := range message.Fields().Len() {
		if inner := message.Fields().Get(i).Message(); inner != nil {
			s.note(inner, way)
		}
	}
}
