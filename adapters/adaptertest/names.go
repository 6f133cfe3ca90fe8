package adaptertest

import (
	"regexp"
	"sync"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/drmhub/drmhub/adapters/names"
)

// checkNames demands that every resource name in a response is canonical, of the form of its type,
// and of this vendor.
func checkNames(t T, vendor, what string, res proto.Message) {
	t.Helper()
	eachName(res.ProtoReflect(), func(field protoreflect.FieldDescriptor, resourceType, name string) {
		canonical, err := names.Canonical(name)
		if err != nil || canonical != name {
			t.Errorf("%s: %s is %q, which is not canonical: want %q (%v)", what, field.FullName(), name, canonical, err)
			return
		}
		ids, err := patterns()[resourceType].IDs(name)
		if err != nil {
			t.Errorf("%s: %s is %q, which %v", what, field.FullName(), name, err)
		} else if ids[0] != vendor {
			t.Errorf("%s: %s is %q, which is not of the vendor %q", what, field.FullName(), name, vendor)
		}
	})
}

// eachName calls yield for every field of a message, and of the messages in it, that holds a
// resource name and is set.
func eachName(m protoreflect.Message, yield func(field protoreflect.FieldDescriptor, resourceType, name string)) {
	m.Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case field.Message() != nil && field.IsList():
			for i := range v.List().Len() {
				eachName(v.List().Get(i).Message(), yield)
			}
		case field.Message() != nil && !field.IsMap():
			eachName(v.Message(), yield)
		case field.Kind() == protoreflect.StringKind && !field.IsList():
			if resourceType := nameOf(field); resourceType != "" {
				yield(field, resourceType, v.String())
			}
		}
		return true
	})
}

// nameOf returns the type of the resource that a field names: the one that holds it, or another
// one.
func nameOf(field protoreflect.FieldDescriptor) string {
	if field.Name() == "name" {
		resource := field.ContainingMessage().Options()
		r, _ := proto.GetExtension(resource, annotations.E_Resource).(*annotations.ResourceDescriptor)
		return r.GetType()
	}
	r, _ := proto.GetExtension(field.Options(), annotations.E_ResourceReference).(*annotations.ResourceReference)
	return r.GetType()
}

var variable = regexp.MustCompile(`\{[^}]*\}`)

// patterns returns the contract's forms of names, by the type of the resource.
var patterns = sync.OnceValue(func() map[string]names.Pattern {
	all := map[string]names.Pattern{}
	protoregistry.GlobalTypes.RangeMessages(func(m protoreflect.MessageType) bool {
		r, _ := proto.GetExtension(m.Descriptor().Options(), annotations.E_Resource).(*annotations.ResourceDescriptor)
		for _, p := range r.GetPattern() {
			all[r.GetType()] = names.Pattern(variable.ReplaceAllString(p, "*"))
		}
		return true
	})
	return all
})
