package contract

import (
	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// MaxListItems bounds a list that has no rule of its own, such as the paths of a mask. No rule
// permits more.
const MaxListItems = 1000

var maxItems = memo[protoreflect.FieldDescriptor, int]{read: readMaxItems}

// MaxItems returns the maximum length of a list field.
func MaxItems(f protoreflect.FieldDescriptor) int { return maxItems.of(f) }

func readMaxItems(f protoreflect.FieldDescriptor) int {
	if rules, ok := proto.GetExtension(f.Options(), validate.E_Field).(*validate.FieldRules); ok {
		if repeated := rules.GetRepeated(); repeated.HasMaxItems() {
			return int(repeated.GetMaxItems())
		}
	}
	return MaxListItems
}
