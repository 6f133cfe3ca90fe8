// Package redact finds what the proto marks debug_redact: secrets, which are answered once and
// neither kept nor written down.
package redact

import (
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// Without is a copy of a message in which every secret is empty, and marked as redacted where the
// message can say so.
func Without(m proto.Message) proto.Message {
	kept := proto.CloneOf(m)
	// called later, since nothing else may change in a message that is ranged over
	var empty []func()
	secrets(kept.ProtoReflect(), func(holder protoreflect.Message, field protoreflect.FieldDescriptor) {
		empty = append(empty, func() {
			holder.Clear(field)
			if said := holder.Descriptor().Fields().ByName("redacted"); said != nil {
				holder.Set(said, protoreflect.ValueOfBool(true))
			}
		})
	})
	for _, e := range empty {
		e()
	}
	return kept
}

// Has reports whether a message holds a secret.
func Has(m proto.Message) (has bool) {
	secrets(m.ProtoReflect(), func(protoreflect.Message, protoreflect.FieldDescriptor) { has = true })
	return has
}

// secrets calls yield for every secret in a message and below it.
func secrets(m protoreflect.Message, yield func(holder protoreflect.Message, field protoreflect.FieldDescriptor)) {
	if !canHold(m.Descriptor()) {
		return
	}
	m.Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case isSecret(field):
			yield(m, field)
		case field.IsMap() && field.MapValue().Message() != nil:
			v.Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool {
				secrets(v.Message(), yield)
				return true
			})
		case field.IsMap() || field.Message() == nil:
		case field.IsList():
			for i := range v.List().Len() {
				secrets(v.List().Get(i).Message(), yield)
			}
		default:
			secrets(v.Message(), yield)
		}
		return true
	})
}

func isSecret(field protoreflect.FieldDescriptor) bool {
	return field.Options().(*descriptorpb.FieldOptions).GetDebugRedact()
}

// holders remembers the answers of canHold, by message type: a page of a thousand licenses is not
// to be searched for what cannot be there.
var holders sync.Map

// canHold reports whether messages of a type can hold secrets.
func canHold(d protoreflect.MessageDescriptor) bool {
	if known, ok := holders.Load(d.FullName()); ok {
		return known.(bool)
	}
	can := search(d, map[protoreflect.FullName]bool{})
	holders.Store(d.FullName(), can)
	return can
}

// search looks for a secret in a type and those of its fields, except for types that were seen.
func search(d protoreflect.MessageDescriptor, seen map[protoreflect.FullName]bool) bool {
	if seen[d.FullName()] {
		return false
	}
	seen[d.FullName()] = true
	for i := range d.Fields().Len() {
		// a map is a message of key and value
		if f := d.Fields().Get(i); isSecret(f) || f.Message() != nil && search(f.Message(), seen) {
			return true
		}
	}
	return false
}
