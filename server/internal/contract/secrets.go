package contract

import (
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// IsSecret reports whether a field holds a secret, which the proto marks debug_redact.
func IsSecret(field protoreflect.FieldDescriptor) bool {
	return field.Options().(*descriptorpb.FieldOptions).GetDebugRedact()
}

// holders are the types of messages that can hold secrets. Without them, a page of a thousand
// licenses would be searched for secrets that its type has no field for.
var holders = memo[protoreflect.MessageDescriptor, bool]{read: func(d protoreflect.MessageDescriptor) bool {
	return findSecret(d, map[protoreflect.FullName]bool{})
}}

// CanHoldSecrets reports whether messages of a type can hold secrets, at any depth.
func CanHoldSecrets(d protoreflect.MessageDescriptor) bool { return holders.of(d) }

// findSecret reports whether a type or the types of its fields have a secret. It skips the types in
// seen.
func findSecret(d protoreflect.MessageDescriptor, seen map[protoreflect.FullName]bool) bool {
	if seen[d.FullName()] {
		return false
	}
	seen[d.FullName()] = true
	for i := range d.Fields().Len() {
		// the descriptor of a map is a message of key and value
		f := d.Fields().Get(i)
		if IsSecret(f) || f.Message() != nil && findSecret(f.Message(), seen) {
			return true
		}
	}
	return false
}
