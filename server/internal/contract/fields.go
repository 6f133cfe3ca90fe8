package contract

import (
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Text returns the value of a string field, or "" if the message has no such field.
func Text(m protoreflect.Message, field protoreflect.Name) string {
	f := m.Descriptor().Fields().ByName(field)
	if f == nil || f.Kind() != protoreflect.StringKind || f.IsList() {
		return ""
	}
	return m.Get(f).String()
}

// Set sets a field, and does nothing if the message has no such field.
func Set(m proto.Message, field protoreflect.Name, v any) {
	r := m.ProtoReflect()
	if f := r.Descriptor().Fields().ByName(field); f != nil {
		r.Set(f, protoreflect.ValueOf(v))
	}
}

var behaviors = memo[protoreflect.FieldDescriptor, []annotations.FieldBehavior]{
	read: func(f protoreflect.FieldDescriptor) []annotations.FieldBehavior {
		all, _ := proto.GetExtension(f.Options(), annotations.E_FieldBehavior).([]annotations.FieldBehavior)
		return all
	},
}

// HasBehavior reports whether a field has one of these google.api.field_behavior values.
func HasBehavior(f protoreflect.FieldDescriptor, wanted ...annotations.FieldBehavior) bool {
	return slices.ContainsFunc(behaviors.of(f), func(b annotations.FieldBehavior) bool {
		return slices.Contains(wanted, b)
	})
}

var resourceFields = memo[protoreflect.MessageDescriptor, protoreflect.FieldDescriptor]{read: findResourceField}

// ResourceField returns the field of a request that holds a resource, or nil.
func ResourceField(request protoreflect.MessageDescriptor) protoreflect.FieldDescriptor {
	return resourceFields.of(request)
}

func findResourceField(request protoreflect.MessageDescriptor) protoreflect.FieldDescriptor {
	for i := range request.Fields().Len() {
		if f := request.Fields().Get(i); f.Message() != nil && !f.IsList() && resource(f.Message()) != nil {
			return f
		}
	}
	return nil
}

// ResourceName returns the name of the resource that a request is for: its name, its parent where
// it creates or lists something, or the name of the resource that it updates.
func ResourceName(req proto.Message) string {
	m := req.ProtoReflect()
	path := resourcePaths.of(m.Descriptor())
	if holder, field, deep := strings.Cut(path, "."); deep {
		held := m.Get(m.Descriptor().Fields().ByName(protoreflect.Name(holder))).Message()
		return Text(held, protoreflect.Name(field))
	}
	return Text(m, protoreflect.Name(path))
}

// RecordedName returns the name of the resource that a request is for, as Recorded returns it.
func RecordedName(req proto.Message) string { return Recorded(ResourceName(req)) }

// Recorded returns a name as logs and the audit trail keep it. They do not keep the id of a viewer,
// who may ask to be forgotten.
func Recorded(name string) string {
	if strings.HasPrefix(name, "viewers/") {
		return "viewers/-"
	}
	return name
}

var resourcePaths = memo[protoreflect.MessageDescriptor, string]{read: resourcePath}

// resourcePath returns the path of the field that ResourceName reads.
func resourcePath(request protoreflect.MessageDescriptor) string {
	for _, field := range []protoreflect.Name{"name", "parent"} {
		if request.Fields().ByName(field) != nil {
			return string(field)
		}
	}
	if within := ResourceField(request); within != nil {
		return string(within.Name()) + ".name"
	}
	return ""
}
