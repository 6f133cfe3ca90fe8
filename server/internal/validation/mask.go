package validation

import (
	"slices"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

// explicitMask checks an update_mask, and writes out what it leaves unsaid: "*" means every field that may be changed, no mask means those of them
// that the request sets.
func explicitMask(req proto.Message) []*violation {
	m := req.ProtoReflect()
	field := m.Descriptor().Fields().ByName("update_mask")
	if field == nil {
		return nil
	}
	within := resourceField(m.Descriptor())
	if within == nil {
		return nil
	}
	target := m.Get(within).Message()
	mask, _ := m.Get(field).Message().Interface().(*fieldmaskpb.FieldMask)
	paths := mask.GetPaths()
	if len(paths) == 0 || slices.Contains(paths, "*") {
		written := changeable(target, len(paths) > 0)
		if len(written) == 0 {
			return []*violation{{Field: "update_mask", Description: "names nothing, and the request sets nothing that can be changed"}}
		}
		m.Set(field, protoreflect.ValueOfMessage((&fieldmaskpb.FieldMask{Paths: written}).ProtoReflect()))
		return nil
	}
	var violations []*violation
	for _, path := range paths {
		f := target.Descriptor().Fields().ByName(protoreflect.Name(path))
		switch {
		case f == nil:
			violations = append(violations, &violation{Field: "update_mask", Description: path + " is no field of a " + string(target.Descriptor().Name())})
		case !writable(f):
			violations = append(violations, &violation{Field: "update_mask", Description: path + " cannot be changed"})
		}
	}
	return violations
}

// resourceField is the field of a request that holds a resource, or nil.
func resourceField(request protoreflect.MessageDescriptor) protoreflect.FieldDescriptor {
	for i := range request.Fields().Len() {
		if f := request.Fields().Get(i); f.Message() != nil && !f.IsList() && resource(f.Message()) != nil {
			return f
		}
	}
	return nil
}

func changeable(target protoreflect.Message, unset bool) []string {
	var paths []string
	fields := target.Descriptor().Fields()
	for i := range fields.Len() {
		if f := fields.Get(i); writable(f) && (unset || target.Has(f)) {
			paths = append(paths, string(f.Name()))
		}
	}
	return paths
}

func writable(f protoreflect.FieldDescriptor) bool {
	for _, b := range behavior(f) {
		switch b {
		case annotations.FieldBehavior_OUTPUT_ONLY, annotations.FieldBehavior_IDENTIFIER, annotations.FieldBehavior_IMMUTABLE:
			return false
		}
	}
	return true
}
