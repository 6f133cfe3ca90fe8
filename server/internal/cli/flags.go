package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/drmhub/drmhub/server/internal/contract"
)

// A fieldFlag is a field of a request as a flag.
type fieldFlag struct {
	name   string
	path   []protoreflect.FieldDescriptor // from the request to the field
	values []protoreflect.Value           // as given; one, unless the field is a list
	given  bool
}

// fieldFlags returns the flags of a request. The fields of a filter, and of a resource in the
// request, have their own names. Below these, the names of the messages come first:
// --purchase-time.
func fieldFlags(request protoreflect.MessageDescriptor, update bool) []*fieldFlag {
	var all []*fieldFlag
	taken := slices.Clone(clientFlags)
	resource := contract.ResourceField(request)
	var add func(m protoreflect.MessageDescriptor, path []protoreflect.FieldDescriptor)
	add = func(m protoreflect.MessageDescriptor, path []protoreflect.FieldDescriptor) {
		var deeper []protoreflect.FieldDescriptor
		for i := range m.Fields().Len() {
			f := m.Fields().Get(i)
			switch {
			case len(path) > 0 && path[0] == resource && isOutput(f, update && len(path) == 1):
				continue
			case isNested(f):
				deeper = append(deeper, f)
				continue
			}
			flag := &fieldFlag{path: append(slices.Clone(path), f)}
			flag.name = flag.freeName(taken)
			taken = append(taken, flag.name)
			all = append(all, flag)
		}
		for _, f := range deeper {
			add(f.Message(), append(slices.Clone(path), f))
		}
	}
	add(request, nil)
	return all
}

// isOutput reports whether a field of a resource is ignored in requests. An update takes the name.
func isOutput(f protoreflect.FieldDescriptor, update bool) bool {
	return contract.HasBehavior(f, annotations.FieldBehavior_OUTPUT_ONLY) ||
		!update && contract.HasBehavior(f, annotations.FieldBehavior_IDENTIFIER)
}

// isNested reports whether a field is a message whose fields are flags.
func isNested(f protoreflect.FieldDescriptor) bool {
	return f.Message() != nil && !f.IsList() && !f.IsMap() &&
		!strings.HasPrefix(string(f.Message().FullName()), "google.protobuf.")
}

// freeName returns the shortest name of the flag that no other flag has.
func (f *fieldFlag) freeName(taken []string) string {
	var words []string
	for _, field := range f.path {
		words = append(words, kebab(string(field.Name())))
	}
	short := words
	if len(words) > 1 {
		short = words[1:] // Without the filter, or the resource.
	}
	for _, name := range []string{strings.Join(short, "-"), strings.Join(words, "-")} {
		if !slices.Contains(taken, name) {
			return name
		}
	}
	return "request-" + strings.Join(words, "-")
}

func (f *fieldFlag) field() protoreflect.FieldDescriptor { return f.path[len(f.path)-1] }

// add adds the flag to a command.
func (f *fieldFlag) add(c *cobra.Command) {
	field := f.field()
	usage := comment(field)
	if form := formOf(field); form != "" {
		usage += " " + form
	}
	c.Flags().Var(f, f.name, strings.ReplaceAll(usage, "\n\n", " "))
	if field.Kind() == protoreflect.BoolKind && !field.IsList() {
		c.Flags().Lookup(f.name).NoOptDefVal = "true"
	}
	if words := enumWords(field); words != nil {
		_ = c.RegisterFlagCompletionFunc(f.name, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
		return
	}
	if takesFile(field) {
		return
	}
	_ = c.RegisterFlagCompletionFunc(f.name, completeField(f.path))
}

// String is empty: a field that is not given has no value of its own.
func (f *fieldFlag) String() string { return "" }

// Type returns the word for the value in the help.
func (f *fieldFlag) Type() string { return typeOf(f.field()) }

// Set parses a value.
func (f *fieldFlag) Set(text string) error {
	v, err := parseValue(f.field(), text)
	if err != nil {
		return err
	}
	if !f.field().IsList() {
		f.values = nil
	}
	f.values, f.given = append(f.values, v), true
	return nil
}

// apply sets the field in a request. A list replaces the one that is there.
func (f *fieldFlag) apply(req proto.Message) {
	m := req.ProtoReflect()
	for _, holder := range f.path[:len(f.path)-1] {
		m = m.Mutable(holder).Message()
	}
	if !f.field().IsList() {
		m.Set(f.field(), f.values[0])
		return
	}
	list := m.NewField(f.field()).List()
	for _, v := range f.values {
		list.Append(v)
	}
	m.Set(f.field(), protoreflect.ValueOfList(list))
}

// isSecret reports whether the contract says that a field holds a secret.
func isSecret(f protoreflect.FieldDescriptor) bool {
	options, _ := f.Options().(*descriptorpb.FieldOptions)
	return options.GetDebugRedact()
}
