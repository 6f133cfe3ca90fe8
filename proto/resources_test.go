package contract_test

import (
	"regexp"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// fieldBehavior holds AIP-203: every field that a request holds says what it is.
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

// resources holds AIP-122 and AIP-123: whatever has a name is a resource, says so in full, and its
// name is field 1. What Get, Create and Update answer is one.
func resources(c contract, bad complaint) {
	for m := range c.messages() {
		r, name := resource(m), m.Fields().ByName("name")
		switch {
		case request.MatchString(string(m.Name())) || r.GetType() == "" && name == nil:
		case r.GetType() != "drmhub.v1/"+string(m.Name()):
			bad(m, "is the resource type %q, want drmhub.v1/%s", r.GetType(), m.Name())
		case len(r.GetPattern()) != 1 || r.GetSingular() == "" || r.GetPlural() == "":
			bad(m, "has the patterns %q, singular %q, plural %q: want one of each", r.GetPattern(), r.GetSingular(), r.GetPlural())
		case !strings.HasSuffix("/"+r.GetPattern()[0], "/"+r.GetPlural()+"/{"+snake(r.GetSingular())+"}") && !strings.HasSuffix(r.GetPattern()[0], "}/"+r.GetSingular()):
			bad(m, "has the pattern %s, which ends neither in its plural and an id nor, for the only one of its parent, in its singular", r.GetPattern()[0])
		case name == nil || name.Number() != 1 || name.Kind() != protoreflect.StringKind || !slices.Equal(behavior(name), []annotations.FieldBehavior{annotations.FieldBehavior_IDENTIFIER}):
			bad(m, "must have the field string name = 1, IDENTIFIER")
		}
	}
	for m := range c.methods() {
		if standard.MatchString(string(m.Name())) && resource(m.Output()) == nil {
			bad(m, "answers %s, which is no resource", m.Output().Name())
		}
	}
}

func snake(camel string) string {
	return strings.ToLower(regexp.MustCompile(`[A-Z]`).ReplaceAllString(camel, "_$0"))
}

// patterns are the forms of names, with "*" for ids, by resource type.
func (c contract) patterns() map[string]string {
	all := map[string]string{}
	for m := range c.messages() {
		if r := resource(m); r != nil {
			all[r.GetType()] = variable.ReplaceAllString(strings.Join(r.GetPattern(), " "), "*")
		}
	}
	return all
}

// referenced is the form of the names that a field holds, or "" where the field does not say.
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

// references holds AIP-124: names and parents say what they refer to, and it exists.
func references(c contract, bad complaint) {
	for f := range c.fields() {
		refers := proto.HasExtension(f.Options(), annotations.E_ResourceReference)
		switch must := request.MatchString(string(f.Parent().Name())) && slices.Contains([]protoreflect.Name{"name", "names", "parent"}, f.Name()); {
		case must && !refers:
			bad(f, "has no resource_reference")
		case refers && c.referenced(f) == "":
			bad(f, "refers to a type that there is not")
		}
	}
}

var pathVariable = regexp.MustCompile(`\{([a-z_.]+)=([^}]+)\}`)

// paths holds that the variable in a path takes the names that its field refers to.
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
