package validation

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/server/internal/contract"
)

// bounds refuses lists that are too long, and fields that this version does not know. It is the first
// check, since all others take time for each item. drmhub would ignore an unknown field, such as a
// newer validate_only, and would store an unknown secret.
func bounds(m protoreflect.Message, path string) (violations []*violation) {
	if unknown := m.GetUnknown(); len(unknown) > 0 {
		number, _, _ := protowire.ConsumeTag(unknown)
		text := fmt.Sprintf("this version of drmhub knows no field %d: leave it out, or upgrade drmhub", number)
		return []*violation{{Field: path, Description: text, Reason: "UNKNOWN_FIELD"}}
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		at := fieldPath(path, f)
		switch {
		case f.IsList():
			violations = append(violations, listBounds(f, v.List(), at)...)
		case f.Message() != nil && !f.IsMap():
			violations = append(violations, bounds(v.Message(), at)...)
		}
		return true
	})
	return violations
}

func listBounds(f protoreflect.FieldDescriptor, list protoreflect.List, path string) (violations []*violation) {
	most := contract.MaxItems(f)
	if list.Len() > most {
		return []*violation{{
			Field:       path,
			Description: fmt.Sprintf("must contain no more than %d item(s), and contains %d", most, list.Len()),
			Reason:      "REPEATED_MAX_ITEMS",
		}}
	}
	for i := 0; f.Message() != nil && i < list.Len(); i++ {
		violations = append(violations, bounds(list.Get(i).Message(), fmt.Sprintf("%s[%d]", path, i))...)
	}
	return violations
}
