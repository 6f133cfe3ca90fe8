package validation

import (
	"fmt"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/server/internal/contract"
)

// bounds refuses lists that are too long, and fields that this version does not know. It is the
// first check, since all others take time for each item. drmhub would ignore an unknown field, such
// as a newer validate_only, and would store an unknown secret.
func bounds(m protoreflect.Message, path string) (violations []*violation) {
	if unknown := m.GetUnknown(); len(unknown) > 0 {
		number, _, _ := protowire.ConsumeTag(unknown)
		text := fmt.Sprintf("this version of drmhub knows no field %d: leave it out, or upgrade drmhub", number)
		return []*violation{{Field: path, Description: text, Reason: "UNKNOWN_FIELD"}}
	}
	if !holdsMore(m.Descriptor()) {
		return nil
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsList():
			violations = append(violations, listBounds(f, v.List(), fieldPath(path, f))...)
		case f.Message() != nil && !f.IsMap():
			violations = append(violations, bounds(v.Message(), fieldPath(path, f))...)
		}
		return true
	})
	return violations
}

// knownHolders has what holdsMore returned for each descriptor. They are few, and never change.
var knownHolders sync.Map

// holdsMore reports whether messages of a type can hold lists or other messages. The requests of
// most reads cannot.
func holdsMore(d protoreflect.MessageDescriptor) bool {
	if known, ok := knownHolders.Load(d); ok {
		return known == true
	}
	more := false
	for i := range d.Fields().Len() {
		f := d.Fields().Get(i)
		more = more || f.IsList() || f.Message() != nil
	}
	knownHolders.Store(d, more)
	return more
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
