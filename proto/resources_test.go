package contract_test

import (
	"regexp"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// fieldBehavior checks AIP-203: each field of a request has a field_behavior.
func fieldBehavior(c contract, bad complaint) {
	for _, m := range c.reached(protoreflect.MethodDescriptor.Input) {
		for i := range m.Fields().Len() {
			if f := m.Fields().Get(i); len(behavior(f)) == 0 {
				bad(f, "has no field_behavior")
			}
		}
	}
}

func behavior(f protoreflect.FieldDescriptor) []annotations.FieldBehavior {
	b, _ := proto.GetExtension(f.Options(), annotations.E_FieldBehavior).([]annotations.FieldBehavior)
	return b
}

func resource(m protoreflect.MessageDescriptor) *annotations.ResourceDescriptor {
	r, _ := proto.GetExtension(m.Options(), annotations.E_Resource).(*annotations.ResourceDescriptor)
	return r
}

var (
	request  = regexp.MustCompile(`Request$`)
	standard = regexp.MustCompile(`^(Get|Create|Update)`)
	variable = regexp.MustCompile(`\{[^}]*\}`)
)

// resources checks AIP-122 and AIP-123. A message with a name is a resource with a full annotation,
// and its name is field 1. Get, Create and Update return resources.
func resources(c contract, bad complaint) {
	for m := range c.messages() {
		r, name := resource(m), m.Fields().ByName("name")
		pattern := strings.Join(r.GetPattern(), " ")
		inCollection := strings.HasSuffix("/"+pattern, "/"+r.GetPlural()+"/{"+snake(r.GetSingular())+"}")
		isSingleton := strings.HasSuffix(pattern, "}/"+r.GetSingular())
		switch {
		case request.MatchString(string(m.Name())) || r.GetType() == "" && name == nil:
		case r.GetType() != "drmhub.v1/"+string(m.Name()):
			bad(m, "is the resource type %q, want drmhub.v1/%s", r.GetType(), m.Name())
		case len(r.GetPattern()) != 1 || r.GetSingular() == "" || r.GetPlural() == "":
			bad(m, "has the patterns %q, singular %q, plural %q: want one of each",
				r.GetPattern(), r.GetSingular(), r.GetPlural())
		case !inCollection && !isSingleton:
			bad(m, "has the pattern %s, which must end in its plural and an id, or without siblings in its singular",
				pattern)
		case name == nil || name.Number() != 1 || name.Kind() != protoreflect.StringKind || !isIdentifier(name):
			bad(m, "must have the field string name = 1, IDENTIFIER")
		}
	}
	for m := range c.methods() {
		// The name of GetFairPlayCertificate is its site's: the message was published without a
		// name.
		bare := m.Name() == "GetFairPlayCertificate" && m.Output().Name() == "FairPlayCertificate"
		bare = bare || m.Name() == "GetCaller" // The caller is that of the call, so it has no name.
		if standard.MatchString(string(m.Name())) && resource(m.Output()) == nil && !bare {
			bad(m, "returns %s, which is not a resource", m.Output().Name())
		}
	}
}

// isIdentifier reports whether the only behavior of a field is IDENTIFIER.
func isIdentifier(f protoreflect.FieldDescriptor) bool {
	return slices.Equal(behavior(f), []annotations.FieldBehavior{annotations.FieldBehavior_IDENTIFIER})
}

func snake(camel string) string {
	return strings.ToLower(regexp.MustCompile(`[A-Z]`).ReplaceAllString(camel, "_$0"))
}

// patterns returns the forms of names, with "*" for ids, by resource type.
func (c contract) patterns() map[string]string {
	all := map[string]string{}
	for m := range c.messages() {
		if r := resource(m); r != nil {
			all[r.GetType()] = variable.ReplaceAllString(strings.Join(r.GetPattern(), " "), "*")
		}
	}
	return all
}

// referenced returns the form of the names that a field holds, or "" if the field does not say.
func (c contract) referenced(f protoreflect.FieldDescriptor) string {
	ref, _ := proto.GetExtension(f.Options(), annotations.E_ResourceReference).(*annotations.ResourceReference)
	if ref.GetType() == "*" { // of any type
		return "*"
	}
	if ref.GetChildType() == "" {
		return c.patterns()[ref.GetType()]
	}
	segments := strings.Split(c.patterns()[ref.GetChildType()], "/")
	return strings.Join(segments[:max(0, len(segments)-2)], "/")
}

// references checks AIP-124: names and parents refer to a resource type that exists.
func references(c contract, bad complaint) {
	for f := range c.fields() {
		refers := proto.HasExtension(f.Options(), annotations.E_ResourceReference)
		isName := slices.Contains([]protoreflect.Name{"name", "names", "parent"}, f.Name())
		switch {
		case isName && request.MatchString(string(f.Parent().Name())) && !refers:
			bad(f, "has no resource_reference")
		case refers && c.referenced(f) == "":
			bad(f, "refers to a type that does not exist")
		}
	}
}

var pathVariable = regexp.MustCompile(`\{([a-z_.]+)=([^}]+)\}`)

// paths checks that the variable of a path has the form of the names that its field refers to.
func paths(c contract, bad complaint) {
	for m := range c.methods() {
		_, path, _ := binding(m)
		for _, v := range pathVariable.FindAllStringSubmatch(path, -1) {
			var want string
			if holder, _, nested := strings.Cut(v[1], "."); nested {
				if f := m.Input().Fields().ByName(protoreflect.Name(holder)); f != nil && f.Message() != nil {
					want = c.patterns()[resource(f.Message()).GetType()]
				}
			} else if f := m.Input().Fields().ByName(protoreflect.Name(v[1])); f != nil {
				want = c.referenced(f)
			}
			if v[2] != want {
				bad(m, "takes %s for %s in its path, and the field %q", v[2], v[1], want)
			}
		}
	}
}
