package cli

import (
	"encoding/json"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/drmhub/drmhub/server/internal/contract"
	"github.com/drmhub/drmhub/server/internal/validation"
)

// maxJSON bounds the JSON of a request, in bytes. A server refuses larger ones.
const maxJSON = 8 << 20

// argument returns the argument of the command for its help: NAME, [PARENT], or "".
func (r *command) argument() string {
	path := strings.Split(r.rpc.Resource, ".")
	arg := strings.ToUpper(path[len(path)-1])
	if arg != "" && r.defaultParent() != "" {
		return "[" + arg + "]"
	}
	return arg
}

// lists are how the names of RPCs begin whose parent can be "-".
var lists = []string{"List", "Search", "Summarize", "Export"}

// defaultParent returns the parent of a list or a search that names none: all vendors, and all
// sites. It is "" for other RPCs.
func (r *command) defaultParent() string {
	isList := func(verb string) bool { return strings.HasPrefix(string(r.rpc.Method.Name()), verb) }
	if r.rpc.Resource != "parent" || !slices.ContainsFunc(lists, isList) {
		return ""
	}
	form := contract.NameForm(r.rpc.Method.Input().Fields().ByName("parent"))
	return strings.ReplaceAll(string(form), "*", "-")
}

// args refuses more arguments than the one resource.
func (r *command) args(c *cobra.Command, args []string) error {
	if r.rpc.Resource == "" {
		return NoArgs(c, args)
	}
	if len(args) > 1 {
		return Usagef("%s takes one argument, %s, and %q is left over\nSee: %[1]s --help",
			c.CommandPath(), r.argument(), args[1])
	}
	return nil
}

// request returns the request that the command line means.
func (r *command) request(c *cobra.Command, args []string) (proto.Message, error) {
	req := r.rpc.NewRequest()
	var keys []string
	if r.json != "" {
		var err error
		if keys, err = r.readJSON(c.InOrStdin(), req); err != nil {
			return nil, err
		}
	}
	for _, f := range r.flags {
		if f.given {
			f.apply(req)
		}
	}
	if err := r.setResource(c, req, args); err != nil {
		return nil, err
	}
	r.implyMask(req, keys)
	switch {
	case r.limit < 1 && c.Flags().Changed("limit"):
		return nil, Usagef("--limit must be at least 1")
	case r.all && r.limit > 0:
		return nil, Usagef("use either --all or --limit")
	}
	return req, nil
}

// setResource sets the name or the parent of the request to the argument.
func (r *command) setResource(c *cobra.Command, req proto.Message, args []string) error {
	if r.rpc.Resource == "" {
		return nil
	}
	said := contract.ResourceName(req)
	switch {
	case len(args) == 1 && said != "" && said != args[0]:
		return Usagef("the argument is %q, and a flag or the JSON says %q: write one of them", args[0], said)
	case len(args) == 1:
		said = args[0]
	case said == "":
		said = r.defaultParent()
	}
	if said == "" {
		return Usagef("%s needs %s, such as %s\nSee: %[1]s --help", c.CommandPath(), r.argument(), r.exampleName())
	}
	m := req.ProtoReflect()
	path := strings.Split(r.rpc.Resource, ".")
	for _, holder := range path[:len(path)-1] {
		m = m.Mutable(m.Descriptor().Fields().ByName(protoreflect.Name(holder))).Message()
	}
	contract.Set(m.Interface(), protoreflect.Name(path[len(path)-1]), said)
	return nil
}

// exampleName returns a name of the form that the RPC takes.
func (r *command) exampleName() string {
	_, path, _ := strings.Cut(strings.ReplaceAll(r.rpc.HTTP.Pattern, ":", "/:"), "/v1/")
	path, _, _ = strings.Cut(path, "/:")
	if r.rpc.Resource == "parent" {
		path = path[:strings.LastIndexByte(path, '/')]
	}
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if s == "*" && i > 0 {
			segments[i] = strings.ToUpper(kebab(strings.TrimSuffix(segments[i-1], "s")))
		}
	}
	return strings.Join(segments, "/")
}

// readJSON reads the body of the REST call into the request, or the whole request if the call has
// no body. It returns the keys of the object.
func (r *command) readJSON(in io.Reader, req proto.Message) ([]string, error) {
	name := r.json
	if name == "-" {
		name = "standard input"
	} else {
		file, err := os.Open(name)
		if err != nil {
			return nil, Usagef("the file of --json cannot be read: %w", err)
		}
		defer func() { _ = file.Close() }()
		in = file
	}
	text, err := io.ReadAll(io.LimitReader(in, maxJSON+1))
	switch {
	case err != nil:
		return nil, Usagef("%s cannot be read: %w", name, err)
	case len(text) > maxJSON:
		return nil, Usagef("%s is larger than %d MiB", name, maxJSON>>20)
	}
	into := req
	if body := r.bodyField(); body != nil {
		into = req.ProtoReflect().Mutable(body).Message().Interface()
	}
	if err := protojson.Unmarshal(text, into); err != nil {
		return nil, Usagef("%s is not the JSON of %s: %s",
			name, into.ProtoReflect().Descriptor().Name(), jsonProblem(err))
	}
	var object map[string]json.RawMessage
	_ = json.Unmarshal(text, &object) // It was read as a message, so it is an object.
	var keys []string
	for key := range object {
		keys = append(keys, key)
	}
	return keys, nil
}

// bodyField returns the field of the request that is the body of the REST call, or nil if that is
// the whole request.
func (r *command) bodyField() protoreflect.FieldDescriptor {
	return r.rpc.Method.Input().Fields().ByName(protoreflect.Name(r.rpc.HTTP.Body))
}

// implyMask gives an update without a mask that of the fields that the command line sets, as REST
// does for a body: an empty value empties its field.
func (r *command) implyMask(req proto.Message, keys []string) {
	mask, resource := fieldOf(req, "update_mask"), r.bodyField()
	if mask == nil || resource == nil || req.ProtoReflect().Has(mask) {
		return
	}
	for _, f := range r.flags {
		if f.given && len(f.path) > 1 && f.path[0] == resource {
			keys = append(keys, string(f.path[1].Name()))
		}
	}
	held := req.ProtoReflect().Get(resource).Message()
	paths := validation.Changeable(resource.Message(), func(f protoreflect.FieldDescriptor) bool {
		return (slices.Contains(keys, string(f.Name())) || slices.Contains(keys, f.JSONName())) &&
			(f.Enum() == nil || held.Has(f))
	})
	contract.Set(req, mask.Name(), (&fieldmaskpb.FieldMask{Paths: paths}).ProtoReflect())
}
