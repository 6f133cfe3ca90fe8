// Package redact removes secrets from messages. The proto marks them debug_redact. drmhub returns
// them once, and keeps them nowhere.
package redact

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/server/internal/contract"
)

// Without returns a copy of a message without its secrets. A message with a field "redacted" has it
// set to true in their place.
func Without(m proto.Message) proto.Message {
	kept := proto.CloneOf(m)
	// These run after the range, during which the message may not change.
	var empty []func()
	secrets(kept.ProtoReflect(), func(holder protoreflect.Message, field protoreflect.FieldDescriptor) {
		empty = append(empty, func() {
			holder.Clear(field)
			if mark := holder.Descriptor().Fields().ByName("redacted"); mark != nil {
				holder.Set(mark, protoreflect.ValueOfBool(true))
			}
		})
	})
	for _, e := range empty {
		e()
	}
	return kept
}

// Has reports whether a message holds a secret.
func Has(m proto.Message) bool {
	holder := m.ProtoReflect()
	if !contract.CanHoldSecrets(holder.Descriptor()) {
		return false
	}
	has := false
	secrets(holder, func(protoreflect.Message, protoreflect.FieldDescriptor) { has = true })
	return has
}

// secrets calls yield for every secret in a message and below it.
func secrets(m protoreflect.Message, yield func(holder protoreflect.Message, f protoreflect.FieldDescriptor)) {
	if !contract.CanHoldSecrets(m.Descriptor()) {
		return
	}
	m.Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case contract.IsSecret(field):
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
