package validation

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/server/internal/contract"
)

type violation = errdetails.BadRequest_FieldViolation

// canonicalNames makes every resource name in a request canonical, and returns the malformed names
// as violations.
func canonicalNames(req proto.Message) []*violation {
	w := nameWalk{request: string(req.ProtoReflect().Descriptor().Name())}
	w.message(req.ProtoReflect(), "")
	return w.violations
}

type nameWalk struct {
	request    string // the name of the request's type, such as ListSitesRequest
	vendor     string // the vendor that the request goes to: the id in the first name
	violations []*violation
}

func (w *nameWalk) message(m protoreflect.Message, path string) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		pattern := contract.NameForm(f)
		if pattern == "" && f.Message() == nil || w.ignored(f, path) {
			continue
		}
		at := fieldPath(path, f)
		switch {
		case pattern != "" && f.IsList():
			list := m.Get(f).List()
			for i := range list.Len() {
				sent := list.Get(i).String()
				if name := w.name(fmt.Sprintf("%s[%d]", at, i), pattern, sent, false); name != sent {
					list.Set(i, protoreflect.ValueOfString(name))
				}
			}
		case pattern != "":
			if sent := m.Get(f).String(); sent != "" || w.required(f, path) {
				wildcards := at == "parent" && takesWildcards(w.request)
				if name := w.name(at, pattern, sent, wildcards); name != sent {
					m.Set(f, protoreflect.ValueOfString(name))
				}
			}
		case f.IsMap() || !m.Has(f):
		case f.IsList():
			list := m.Get(f).List()
			for i := range list.Len() {
				w.message(list.Get(i).Message(), fmt.Sprintf("%s[%d]", at, i))
			}
		default:
			w.message(m.Get(f).Message(), at)
		}
	}
}

// fieldPath returns the path of a field of the message at a path.
func fieldPath(path string, f protoreflect.FieldDescriptor) string {
	if path == "" {
		return string(f.Name())
	}
	return path + "." + string(f.Name())
}

// takesWildcards reports whether the parent of a request can be "-": that of a list, and of a
// question to the archive.
func takesWildcards(request string) bool {
	return slices.ContainsFunc([]string{"List", "Search", "Summarize", "Export"}, func(verb string) bool {
		return strings.HasPrefix(request, verb)
	})
}

// required reports whether an empty name is a mistake: at the top of a request, and in the resource
// that an Update changes. Deeper down, the rules of the proto decide.
func (w *nameWalk) required(f protoreflect.FieldDescriptor, path string) bool {
	if path == "" {
		return contract.HasBehavior(f, annotations.FieldBehavior_REQUIRED)
	}
	return strings.HasPrefix(w.request, "Update") && contract.HasBehavior(f, annotations.FieldBehavior_IDENTIFIER)
}

// ignored reports whether a field's value does not matter: an output of a resource that is sent
// back (AIP-203), or the name in a resource to create (AIP-133).
func (w *nameWalk) ignored(f protoreflect.FieldDescriptor, path string) bool {
	return contract.HasBehavior(f, annotations.FieldBehavior_OUTPUT_ONLY) ||
		contract.HasBehavior(f, annotations.FieldBehavior_IDENTIFIER) && !w.required(f, path)
}

// anotherName refuses a request whose resource has another name than the request. The caller could
// mean either of the two.
func anotherName(req proto.Message) []*violation {
	m := req.ProtoReflect()
	field := m.Descriptor().Fields().ByName("name")
	within := contract.ResourceField(m.Descriptor())
	if field == nil || within == nil {
		return nil
	}
	name, inner := m.Get(field).String(), contract.Text(m.Get(within).Message(), "name")
	if canonical, err := names.Canonical(inner); inner == "" || err == nil && canonical == name {
		return nil
	}
	return []*violation{{
		Field:       string(within.Name()) + ".name",
		Description: fmt.Sprintf("is %q, but name is %q: leave it empty, or send the same", inner, name),
		Reason:      "RESOURCE_NAME",
	}}
}

func (w *nameWalk) name(field string, pattern names.Pattern, name string, wildcards bool) string {
	canonical, err := w.canonical(pattern, name, wildcards)
	if err != nil {
		w.violations = append(w.violations, &violation{Field: field, Description: err.Error(), Reason: "RESOURCE_NAME"})
		return name
	}
	return canonical
}

func (w *nameWalk) canonical(pattern names.Pattern, name string, wildcards bool) (string, error) {
	if pattern == contract.AnyName {
		return names.Canonical(name)
	}
	ids, err := pattern.IDs(name)
	switch {
	case name == "":
		return "", fmt.Errorf("must be set, in the form %s", pattern)
	case err != nil:
		return "", err
	case !wildcards && slices.Contains(ids, names.Wildcard):
		return "", errors.New(`must name one resource: only the parent of a list can be "-", which means all`)
	}
	if strings.HasPrefix(string(pattern), "vendors/") {
		w.vendor = cmp.Or(w.vendor, ids[0])
		if ids[0] != w.vendor { // The adapter would mistake it for a name of its own vendor.
			return "", fmt.Errorf("must belong to the vendor %q, to which the request goes", w.vendor)
		}
	}
	return pattern.Name(ids...), nil
}
