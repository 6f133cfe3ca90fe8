package validation

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/drmhub/drmhub/server/internal/contract"
)

// explicitMask checks an update_mask, and writes out what it leaves unsaid: "*" means every field
// that may be changed, no mask means those of them that the request sets.
func explicitMask(req proto.Message) []*violation {
	m := req.ProtoReflect()
	field := m.Descriptor().Fields().ByName("update_mask")
	within := contract.ResourceField(m.Descriptor())
	if field == nil || within == nil {
		return nil
	}
	mask, _ := m.Get(field).Message().Interface().(*fieldmaskpb.FieldMask)
	paths := mask.GetPaths()
	if all := slices.Contains(paths, "*"); len(paths) == 0 || all {
		written := Changeable(within.Message(), func(f protoreflect.FieldDescriptor) bool { return all || m.Get(within).Message().Has(f) })
		if len(written) == 0 {
			return []*violation{maskViolation("names nothing to change, and the request sets none of " + strings.Join(Changeable(within.Message(), anyField), ", "))}
		}
		m.Set(field, protoreflect.ValueOfMessage((&fieldmaskpb.FieldMask{Paths: written}).ProtoReflect()))
		return nil
	}
	var violations []*violation
	for _, path := range paths {
		f := within.Message().Fields().ByName(protoreflect.Name(path))
		switch {
		case f == nil:
			violations = append(violations, maskViolation(fmt.Sprintf("%q is no field of a %s", path, within.Message().Name())))
		case !writable(f):
			violations = append(violations, maskViolation(path+" cannot be changed"))
		}
	}
	return violations
}

func maskViolation(description string) *violation {
	return &violation{Field: "update_mask", Description: description}
}

// Changeable are the fields that an update without a mask changes, of those that are set. What
// cannot be changed is not among them, so that a resource that was read can be sent back as a
// whole.
func Changeable(resource protoreflect.MessageDescriptor, set func(protoreflect.FieldDescriptor) bool) []string {
	var paths []string
	for i := range resource.Fields().Len() {
		if f := resource.Fields().Get(i); writable(f) && set(f) {
			paths = append(paths, string(f.Name()))
		}
	}
	return paths
}

func anyField(protoreflect.FieldDescriptor) bool { return true }

func writable(f protoreflect.FieldDescriptor) bool {
	return !contract.HasBehavior(f, annotations.FieldBehavior_OUTPUT_ONLY, annotations.FieldBehavior_IDENTIFIER,
		annotations.FieldBehavior_IMMUTABLE)
}
