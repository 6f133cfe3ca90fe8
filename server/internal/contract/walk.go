package contract

import (
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/adapters/names"
)

// Names returns every resource name in a validated request, at any depth. It leaves out the outputs
// of resources, and the name in a resource to create, since requests ignore them.
func Names(req proto.Message) []string {
	w := walk{update: strings.HasPrefix(string(req.ProtoReflect().Descriptor().Name()), "Update")}
	w.message(req.ProtoReflect(), true)
	return w.names
}

type walk struct {
	update bool // the request changes the resource in it
	names  []string
}

// A part of a message is a field that holds a name, or a message that may hold some.
type part struct {
	protoreflect.FieldDescriptor
	isName, isIdentifier bool
}

var parts = memo[protoreflect.MessageDescriptor, []part]{read: readParts}

func readParts(d protoreflect.MessageDescriptor) (all []part) {
	for i := range d.Fields().Len() {
		f := d.Fields().Get(i)
		p := part{f, NameForm(f) != "", HasBehavior(f, annotations.FieldBehavior_IDENTIFIER)}
		if !HasBehavior(f, annotations.FieldBehavior_OUTPUT_ONLY) && (p.isName || f.Message() != nil && !f.IsMap()) {
			all = append(all, p)
		}
	}
	return all
}

func (w *walk) message(m protoreflect.Message, top bool) {
	for _, p := range parts.of(m.Descriptor()) {
		if p.isIdentifier && !top && !w.update || !m.Has(p.FieldDescriptor) {
			continue
		}
		switch v := m.Get(p.FieldDescriptor); {
		case p.isName:
			w.add(p, v)
		case p.IsList():
			for i := range v.List().Len() {
				w.message(v.List().Get(i).Message(), false)
			}
		default:
			w.message(v.Message(), false)
		}
	}
}

func (w *walk) add(f protoreflect.FieldDescriptor, v protoreflect.Value) {
	if !f.IsList() {
		w.names = append(w.names, v.String())
		return
	}
	for i := range v.List().Len() {
		w.names = append(w.names, v.List().Get(i).String())
	}
}

// A Level says to which part of a vendor account the resources of an RPC belong.
type Level int

const (
	// LevelServer is for resources of drmhub itself.
	LevelServer Level = iota
	// LevelVendor is for the vendor account as such.
	LevelVendor
	// LevelAccount is for what a vendor account holds beside its sites, such as its members.
	LevelAccount
	// LevelSite is for sites, and what belongs to a site.
	LevelSite
)

// newLevel returns the level of the RPC with this request.
func newLevel(request protoreflect.MessageDescriptor) Level {
	var form names.Pattern
	switch path := resourcePath(request); path {
	case "":
		return LevelServer
	case "parent":
		form = childForm(request.Fields().ByName("parent"))
	default:
		holder, field, deep := strings.Cut(path, ".")
		if deep {
			request = request.Fields().ByName(protoreflect.Name(holder)).Message()
		} else {
			field = holder
		}
		form = NameForm(request.Fields().ByName(protoreflect.Name(field)))
	}
	switch {
	case strings.HasPrefix(string(form), string(names.Site)):
		return LevelSite
	case form == names.Vendor, form == names.VendorStatus:
		return LevelVendor
	case strings.HasPrefix(string(form), string(names.Vendor)):
		return LevelAccount
	}
	return LevelServer
}

// childForm returns the form of the names below a parent, or of the parent itself.
func childForm(parent protoreflect.FieldDescriptor) names.Pattern {
	ref, _ := proto.GetExtension(parent.Options(), annotations.E_ResourceReference).(*annotations.ResourceReference)
	if child := ref.GetChildType(); child != "" {
		return patterns[child]
	}
	return patterns[ref.GetType()]
}
