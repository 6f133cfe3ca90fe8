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

// canonicalNames writes every resource name in a request in its canonical form, and tells which are
// none.
func canonicalNames(req proto.Message) []*violation {
	w := nameWalk{request: string(req.ProtoReflect().Descriptor().Name())}
	w.message(req.ProtoReflect(), "")
	return w.violations
}

type nameWalk struct {
	request    string // the name of the request's type, which tells the method
	vendor     string // the vendor that the request goes to: the id in the first name
	violations []*violation
}

func (w *nameWalk) message(m protoreflect.Message, path string) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		at := strings.TrimPrefix(path+"."+string(f.Name()), ".")
		switch pattern := contract.NameForm(m.Descriptor(), f); {
		case w.ignored(f, path):
		case pattern != "" && f.IsList():
			list := m.Get(f).List()
			for i := range list.Len() {
				list.Set(i, protoreflect.ValueOfString(w.name(fmt.Sprintf("%s[%d]", at, i), pattern, list.Get(i).String(), false)))
			}
		case pattern != "":
			if name := m.Get(f).String(); name != "" || w.required(f, path) {
				m.Set(f, protoreflect.ValueOfString(w.name(at, pattern, name, at == "parent" && strings.HasPrefix(w.request, "List"))))
			}
		case f.Message() == nil || f.IsMap() || !m.Has(f):
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

// required reports whether an empty name is a mistake: at the top of a request, and in the resource
// that an Update changes. Deeper down, the rules of the proto decide.
func (w *nameWalk) required(f protoreflect.FieldDescriptor, path string) bool {
	if path == "" {
		return contract.HasBehavior(f, annotations.FieldBehavior_REQUIRED)
	}
	return strings.HasPrefix(w.request, "Update") && contract.HasBehavior(f, annotations.FieldBehavior_IDENTIFIER)
}

// ignored reports whether what a field holds does not matter, as in a resource that was read and is
// sent back (AIP-203), or a name in a resource that is to be created (AIP-133).
func (w *nameWalk) ignored(f protoreflect.FieldDescriptor, path string) bool {
	return contract.HasBehavior(f, annotations.FieldBehavior_OUTPUT_ONLY) ||
		contract.HasBehavior(f, annotations.FieldBehavior_IDENTIFIER) && !w.required(f, path)
}

// anotherName tells of a resource within a request that names another one: whoever replaces a
// license by terms that they read elsewhere could mean either.
func anotherName(req proto.Message) []*violation {
	m := req.ProtoReflect()
	field := m.Descriptor().Fields().ByName("name")
	within := contract.ResourceField(m.Descriptor())
	if field == nil || within == nil {
		return nil
	}
	name, said := m.Get(field).String(), m.Get(within).Message().Get(within.Message().Fields().ByName("name")).String()
	if canonical, err := names.Canonical(said); said == "" || err == nil && canonical == name {
		return nil
	}
	return []*violation{{
		Field: string(within.Name()) + ".name", Description: fmt.Sprintf("is %q, and name is %q: leave it empty, or send the same", said, name), Reason: "RESOURCE_NAME",
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
		return "", errors.New(`must name one resource: "-", which stands for all, is for the parent of a list`)
	}
	if strings.HasPrefix(string(pattern), "vendors/") {
		w.vendor = cmp.Or(w.vendor, ids[0])
		if ids[0] != w.vendor { // the adapter of one vendor would take it for a name of its own
			return "", fmt.Errorf("must be of the vendor %q, to which the request goes", w.vendor)
		}
	}
	return pattern.Name(ids...), nil
}
