package contract_test

import (
	"slices"
	"strconv"
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

type (
	file      = descriptorpb.FileDescriptorProto
	behaviors = []annotations.FieldBehavior
)

// A broken contract is a line of testdata/breaks.txt.
type broken struct{ rule, file, changes, want string }

func breaks() []broken {
	var all []broken
	for line := range strings.Lines(testdata("breaks.txt")) {
		if words := strings.Split(strings.TrimSpace(line), " | "); len(words) > 1 {
			all = append(all, broken{words[0], words[1] + "_service.proto", words[2], words[3]})
		}
	}
	return all
}

// change makes the changes of the line. A change that lacks its last word removes something.
func (b broken) change(f *file) {
	for change := range strings.SplitSeq(b.changes, " & ") {
		words := append(strings.Fields(change), "", "")
		what, to := words[1], words[2]
		switch op := words[0]; op {
		case "bind", "bind-twice", "body", "scope", "rename-rpc", "drop-rpc", "input":
			changeMethod(f, op, what, to, words[3])
		case "resource":
			changeResource(message(f, what), to, words[3])
		case "top-enum":
			zero := &descriptorpb.EnumValueDescriptorProto{Name: &to, Number: new(int32(0))}
			values := []*descriptorpb.EnumValueDescriptorProto{zero}
			f.EnumType = append(f.EnumType, &descriptorpb.EnumDescriptorProto{Name: &what, Value: values})
		case "value":
			message(f, what).EnumType[number(to)].Value[number(words[3])].Name = &words[4]
		default:
			dot := strings.LastIndex(what, ".")
			changeField(message(f, what[:dot]), op, what[dot+1:], to)
		}
	}
}

func changeMethod(f *file, op, rpc, to, path string) {
	m := named(f.Service[0].Method, rpc)
	h, _ := proto.GetExtension(m.Options, annotations.E_Http).(*annotations.HttpRule)
	switch op + " " + to {
	case "bind ":
		proto.ClearExtension(m.Options, annotations.E_Http)
	case "scope ":
		proto.ClearExtension(m.Options, pb.E_Scope)
	default:
		switch op {
		case "bind":
			verb := h.ProtoReflect().Descriptor().Fields().ByName(protoreflect.Name(strings.ToLower(to)))
			h.ProtoReflect().Set(verb, protoreflect.ValueOfString(path))
		case "bind-twice":
			second := &annotations.HttpRule{Pattern: &annotations.HttpRule_Get{Get: to}}
			h.AdditionalBindings = []*annotations.HttpRule{second}
		case "body":
			h.Body = to
		case "scope":
			proto.SetExtension(m.Options, pb.E_Scope, to)
		case "rename-rpc":
			m.Name = &to
		case "drop-rpc":
			f.Service[0].Method = without(f.Service[0].Method, m)
		case "input":
			m.InputType = &to
		}
	}
}

func changeResource(m *descriptorpb.DescriptorProto, key, to string) {
	r := proto.GetExtension(m.Options, annotations.E_Resource).(*annotations.ResourceDescriptor)
	switch key {
	case "":
		proto.ClearExtension(m.Options, annotations.E_Resource)
	case "type":
		r.Type = to
	case "pattern":
		r.Pattern[0] = to
	case "patterns":
		r.Pattern = append(r.Pattern, to)
	case "plural":
		r.Plural = to
	case "singular":
		r.Singular = to
	}
}

func changeField(m *descriptorpb.DescriptorProto, op, name, to string) {
	f := named(m.Field, name)
	ref, _ := proto.GetExtension(f.Options, annotations.E_ResourceReference).(*annotations.ResourceReference)
	scalar, isScalar := descriptorpb.FieldDescriptorProto_Type_value["TYPE_"+to]
	switch {
	case op == "drop":
		m.Field = without(m.Field, f)
	case op == "rename":
		f.Name, f.JsonName = &to, nil
	case op == "json":
		f.JsonName = &to
	case op == "number":
		f.Number = new(int32(number(to)))
	case op == "type" && isScalar:
		f.Type, f.TypeName = descriptorpb.FieldDescriptorProto_Type(scalar).Enum(), nil
	case op == "type":
		f.TypeName = &to
	case op == "redact":
		f.Options.DebugRedact = new(to == "true")
	case op == "behavior" && to == "":
		proto.ClearExtension(f.Options, annotations.E_FieldBehavior)
	case op == "behavior":
		b := annotations.FieldBehavior(annotations.FieldBehavior_value[to])
		proto.SetExtension(f.Options, annotations.E_FieldBehavior, behaviors{b})
	case op == "refer" && to == "":
		proto.ClearExtension(f.Options, annotations.E_ResourceReference)
	case op == "refer":
		ref.Type = to
	case op == "refer-child":
		ref.ChildType = to
	default:
		panic("testdata/breaks.txt has an unknown change: " + op)
	}
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		panic(err)
	}
	return n
}

// message finds a message by its name, or by that of its parent and its own.
func message(f *file, path string) *descriptorpb.DescriptorProto {
	name, below, nested := strings.Cut(path, ".")
	m := named(f.MessageType, name)
	if nested {
		return named(m.NestedType, below)
	}
	return m
}

func named[D interface{ GetName() string }](all []D, name string) D {
	return all[slices.IndexFunc(all, func(d D) bool { return d.GetName() == name })]
}

func without[D comparable](all []D, one D) []D {
	return slices.DeleteFunc(all, func(d D) bool { return d == one })
}
