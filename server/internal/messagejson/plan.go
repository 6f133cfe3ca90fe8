package messagejson

import (
	"reflect"
	"strings"
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/runtime/protoimpl"
)

// A plan is how messages of one Go type are written.
type plan struct {
	known  bool // the type has the form that the fields expect
	fields []field
}

// A field is a field of a message, or the field of the struct that holds a oneof.
type field struct {
	key     string // `,"createTime":`
	index   int    // in the struct
	hidden  bool   // an unset field is left out: it has a oneof of its own, as "optional" makes it
	write   write
	members map[reflect.Type]field // of a oneof, by the Go types that hold them
}

// write appends a value. It reports whether it could: protojson refuses some values.
type write func(to []byte, v reflect.Value) ([]byte, bool)

// append appends a message, given as a struct.
func (p *plan) append(to []byte, v reflect.Value) ([]byte, bool) {
	to = append(to, '{')
	for i := range p.fields {
		f, value := &p.fields[i], v.Field(p.fields[i].index)
		switch {
		case f.members != nil:
			if value.IsNil() {
				continue
			}
			member, ok := f.members[value.Elem().Type()]
			if !ok || value.Elem().IsNil() {
				return to, false
			}
			f, value = &member, value.Elem().Elem().Field(0)
			if value.Kind() == reflect.Pointer && value.IsNil() {
				return to, false
			}
		case f.hidden && value.IsNil():
			continue
		}
		if to[len(to)-1] == '{' {
			to = append(to, f.key[1:]...)
		} else {
			to = append(to, f.key...)
		}
		var ok bool
		if to, ok = f.write(to, value); !ok {
			return to, false
		}
	}
	return append(to, '}'), true
}

// plans are those of all types so far, each by the type of the pointer to the struct.
var plans sync.Map

// planOf returns the plan of a message's type, and makes it at its first use.
func planOf(t reflect.Type, m proto.Message) *plan {
	if p, ok := plans.Load(t); ok {
		return p.(*plan)
	}
	b := planner{}
	p := b.plan(t, m.ProtoReflect().Descriptor())
	for t, each := range b { // Only now they are whole.
		plans.LoadOrStore(t, each)
	}
	return p
}

// A planner makes the plans of a type and of the types within it, which may hold each other.
type planner map[reflect.Type]*plan

func (b planner) plan(t reflect.Type, d protoreflect.MessageDescriptor) *plan {
	if p, ok := b[t]; ok {
		return p
	}
	p := &plan{}
	b[t] = p
	if isOpen(t) && d.ExtensionRanges().Len() == 0 && special[d.FullName()] == nil {
		p.fields, p.known = b.fields(t.Elem(), d)
	}
	return p
}

// isOpen reports whether a type is a pointer to a struct that protoc-gen-go has generated in its open
// form, in which each field of the message is a field of the struct. Generators before the other forms
// set no tag.
func isOpen(t reflect.Type) bool {
	if t.Kind() != reflect.Pointer || t.Elem().Kind() != reflect.Struct || t.Elem().NumField() == 0 {
		return false
	}
	state := t.Elem().Field(0)
	form := state.Tag.Get("protogen")
	return state.Type == reflect.TypeFor[protoimpl.MessageState]() && (form == "open.v1" || form == "")
}

// fields returns the fields in the order of the contract, which is protojson's. It reports whether it
// has found each of them in the struct.
func (b planner) fields(t reflect.Type, d protoreflect.MessageDescriptor) (all []field, ok bool) {
	byName := make(map[string]int) // and oneofs
	for i := range t.NumField() {
		tag := t.Field(i).Tag
		if name := tag.Get("protobuf_oneof"); name != "" {
			byName[name] = i
		} else if name := nameIn(tag); name != "" {
			byName[name] = i
		}
	}
	for i := range d.Fields().Len() {
		fd := d.Fields().Get(i)
		oneof := fd.ContainingOneof()
		if oneof != nil && !oneof.IsSynthetic() {
			if fd != oneof.Fields().Get(0) {
				continue // Its first member has brought the oneof.
			}
			at, ok := byName[string(oneof.Name())]
			if !ok || !inOneRow(oneof) {
				return nil, false
			}
			members, ok := b.members(t, oneof)
			if !ok {
				return nil, false
			}
			all = append(all, field{index: at, members: members})
			continue
		}
		at, ok := byName[string(fd.Name())]
		if !ok {
			return nil, false
		}
		f := field{key: keyOf(fd), index: at, hidden: oneof != nil}
		if f.write = b.value(t.Field(at).Type, fd, f.hidden); f.write == nil {
			return nil, false
		}
		all = append(all, f)
	}
	return all, true
}

// inOneRow reports whether the members of a oneof are beside each other in the contract. Otherwise the
// place of the member that is set is not the place of the oneof.
func inOneRow(oneof protoreflect.OneofDescriptor) bool {
	last := oneof.Fields().Get(oneof.Fields().Len() - 1)
	return last.Index()-oneof.Fields().Get(0).Index() == oneof.Fields().Len()-1
}

// members returns the members of a oneof. The generator has a struct with one field for each of them.
func (b planner) members(t reflect.Type, oneof protoreflect.OneofDescriptor) (map[reflect.Type]field, bool) {
	all := make(map[reflect.Type]field)
	for i := range oneof.Fields().Len() {
		fd := oneof.Fields().Get(i)
		holder := holderOf(t, fd)
		if holder == nil || holder.Elem().NumField() != 1 ||
			nameIn(holder.Elem().Field(0).Tag) != string(fd.Name()) {
			return nil, false
		}
		write := b.value(holder.Elem().Field(0).Type, fd, false)
		if write == nil {
			return nil, false
		}
		all[holder] = field{key: keyOf(fd), write: write}
	}
	return all, true
}

// holderOf returns the Go type that holds a member of a oneof, or nil.
func holderOf(t reflect.Type, fd protoreflect.FieldDescriptor) reflect.Type {
	m, ok := reflect.TypeAssert[proto.Message](reflect.New(t))
	if !ok {
		return nil
	}
	m.ProtoReflect().Set(fd, m.ProtoReflect().NewField(fd))
	for i := range t.NumField() {
		if t.Field(i).Tag.Get("protobuf_oneof") == string(fd.ContainingOneof().Name()) {
			v := reflect.ValueOf(m).Elem().Field(i)
			if v.Kind() == reflect.Interface && !v.IsNil() && v.Elem().Kind() == reflect.Pointer {
				return v.Elem().Type()
			}
		}
	}
	return nil
}

// nameIn returns the name of a field in the tag of the struct's field, or "".
func nameIn(tag reflect.StructTag) string {
	for part := range strings.SplitSeq(tag.Get("protobuf"), ",") {
		if name, ok := strings.CutPrefix(part, "name="); ok {
			return name
		}
	}
	return ""
}

// keyOf returns a field's key, with the comma before it.
func keyOf(fd protoreflect.FieldDescriptor) string {
	key, _ := appendString([]byte{','}, fd.JSONName()) // A descriptor holds valid UTF-8.
	return string(append(key, ':'))
}
