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
	"github.com/drmhub/drmhub/server/internal/suggest"
)

// explicitMask checks an update_mask, and makes it explicit. "*" means every field that can change.
// No mask means those of them that the request sets.
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
		set := func(f protoreflect.FieldDescriptor) bool { return all || m.Get(within).Message().Has(f) }
		written := Changeable(within.Message(), set)
		if len(written) == 0 {
			changeable := strings.Join(Changeable(within.Message(), anyField), ", ")
			return []*violation{maskViolation("names nothing to change, and the request sets none of " + changeable)}
		}
		m.Set(field, protoreflect.ValueOfMessage((&fieldmaskpb.FieldMask{Paths: written}).ProtoReflect()))
		return nil
	}
	var violations []*violation
	for _, path := range paths {
		f := within.Message().Fields().ByName(protoreflect.Name(path))
		switch {
		case f == nil:
			problem := fmt.Sprintf("%q is not a field of a %s", path, within.Message().Name())
			if meant := suggest.NearestOrAlike(path, Changeable(within.Message(), anyField)); meant != "" {
				problem += ": did you mean " + meant + "?"
			}
			violations = append(violations, maskViolation(problem))
		case !writable(f):
			violations = append(violations, maskViolation(path+" cannot be changed"))
		}
	}
	return violations
}

func maskViolation(description string) *violation {
	return &violation{Field: "update_mask", Description: description}
}

// Changeable returns the set fields of a resource that an update can change. It leaves out the
// others, so that a client can send back the whole resource that it read.
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
