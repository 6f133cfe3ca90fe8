package main

import (
	"fmt"
	"path"
	"strconv"
	"strings"
	"unicode"

	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/reflect/protoreflect"
)

var protoreflectMessage = protogen.GoIdent{GoName: "Message", GoImportPath: "google.golang.org/protobuf/proto"}

// byHand are the functions of the types outside of the contract that the package writes itself.
var byHand = map[protoreflect.FullName]string{
	"google.protobuf.Timestamp": "timestamp",
	"google.rpc.Status":         "status",
}

// writeMessage writes the function that writes a message.
func writeMessage(out *protogen.GeneratedFile, m *protogen.Message) {
	out.P("func (w *writer) ", functionOf(m), "(m *", m.GoIdent, ") {")
	if len(m.Fields) == 0 {
		out.P("w.text(`{}`)")
	} else {
		writeFields(out, m.Fields)
	}
	out.P("}")
	out.P()
}

// writeFields writes the fields in the order of their declaration, as protojson does. A field of a
// oneof is left out unless it is set. So a comma is known in advance only after a field that is
// never left out.
func writeFields(out *protogen.GeneratedFile, fields []*protogen.Field) {
	out.P("w.out = append(w.out, '{')")
	comma := ""
	for _, f := range fields {
		key := strconv.Quote(f.Desc.JSONName()) + ":"
		if f.Oneof != nil {
			writeOptional(out, f, key)
			continue
		}
		if comma == "" && f != fields[0] {
			out.P("w.comma()")
		}
		out.P("w.text(`", comma, key, "`)")
		writeField(out, f)
		comma = ","
	}
	out.P("w.out = append(w.out, '}')")
}

// writeOptional writes a field that is left out unless it is set.
func writeOptional(out *protogen.GeneratedFile, f *protogen.Field, key string) {
	if f.Oneof.Desc.IsSynthetic() {
		out.P("if m != nil && m.", f.GoName, " != nil {")
		out.P("w.comma()")
		out.P("w.text(`", key, "`)")
		writeValue(out, f, "m.Get"+f.GoName+"()")
	} else {
		out.P("if v, ok := m.Get", f.Oneof.GoName, "().(*", f.GoIdent, "); ok && v != nil {")
		out.P("w.comma()")
		out.P("w.text(`", key, "`)")
		writeValue(out, f, "v."+f.GoName)
	}
	out.P("}")
}

// writeField writes the value of a field that is not left out.
func writeField(out *protogen.GeneratedFile, f *protogen.Field) {
	get := "m.Get" + f.GoName + "()"
	switch {
	case f.Desc.IsList():
		out.P("w.out = append(w.out, '[')")
		out.P("for i, v := range ", get, " {")
		out.P("if i > 0 {")
		out.P("w.out = append(w.out, ',')")
		out.P("}")
		writeValue(out, f, "v")
		out.P("}")
		out.P("w.out = append(w.out, ']')")
	case f.Message != nil:
		out.P("if v := ", get, "; v == nil {")
		out.P("w.text(`null`)")
		out.P("} else {")
		writeValue(out, f, "v")
		out.P("}")
	default:
		writeValue(out, f, get)
	}
}

// writeValue writes one value of a field, which is a Go expression.
func writeValue(out *protogen.GeneratedFile, f *protogen.Field, value string) {
	switch {
	case f.Enum != nil:
		out.P("w.enum(int32(", value, "), ", namesOf(f.Enum), ")")
	case f.Message == nil:
		out.P("w.", scalar(f.Desc), "(", value, ")")
	case byHand[f.Message.Desc.FullName()] != "":
		out.P("w.", byHand[f.Message.Desc.FullName()], "(", value, ")")
	case f.Message.Desc.ParentFile().Package() == f.Parent.Desc.ParentFile().Package():
		out.P("w.", functionOf(f.Message), "(", value, ")")
	default:
		out.P("w.other(", value, ")")
	}
}

// scalar returns the function that writes a kind of value.
func scalar(f protoreflect.FieldDescriptor) string {
	if f.IsMap() {
		panic(fmt.Sprintf("%s is a map, which messagejson does not write", f.FullName()))
	}
	switch f.Kind() {
	case protoreflect.StringKind, protoreflect.BoolKind, protoreflect.BytesKind, protoreflect.Int32Kind,
		protoreflect.DoubleKind:
		return f.Kind().String() + "Value"
	}
	panic(fmt.Sprintf("%s has the kind %s, which messagejson does not write", f.FullName(), f.Kind()))
}

// functionOf returns the name of the function that writes a message.
func functionOf(m *protogen.Message) string { return "write" + m.GoIdent.GoName }

// namesOf returns the name of the variable that holds the names of an enum.
func namesOf(e *protogen.Enum) string {
	first := []rune(e.GoIdent.GoName)
	first[0] = unicode.ToLower(first[0])
	return strings.ReplaceAll(string(first), "_", "") + "Names"
}

func baseName(prefix string) string { return path.Base(prefix) }
