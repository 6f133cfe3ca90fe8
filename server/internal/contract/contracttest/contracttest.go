// Package contracttest holds what tests share that fill messages of the contract.
package contracttest

import (
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// FillSecrets sets every secret in a message, at any depth, and returns how many there are. It
// reads the proto by itself, so that it can test code that reads it through package contract.
func FillSecrets(m protoreflect.Message, value string) (secrets int) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		switch marked := f.Options().(*descriptorpb.FieldOptions).GetDebugRedact(); {
		case marked && f.Kind() == protoreflect.BytesKind:
			m.Set(f, protoreflect.ValueOfBytes([]byte(value)))
			secrets++
		case marked:
			m.Set(f, protoreflect.ValueOfString(value))
			secrets++
		case f.Message() == nil || f.IsMap() || f.Message().ParentFile().Package() != "drmhub.v1":
		case f.IsList():
			secrets += FillSecrets(m.Mutable(f).List().AppendMutable().Message(), value)
		default:
			secrets += FillSecrets(m.Mutable(f).Message(), value)
		}
	}
	return secrets
}
