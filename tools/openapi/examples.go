package main

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// exampleFiles has one file for each example. The name of the file is the operation's, such as
// examples/SiteService_ListSites.json.
//
//go:embed examples
var exampleFiles embed.FS

// example is a call that works against the sandbox, in JSON. Each part may be missing. The response
// has only the fields that are set, and the document adds the others as the server would. The
// response of a stream is one row.
type example struct {
	// Parameters are those of the path and the query. The documentation page fills them in.
	Parameters map[string]any `json:"parameters"`
	// Options are further parameters. Tools that fill in everything take these values, and the
	// documentation page leaves them empty.
	Options  map[string]any `json:"options"`
	Request  any            `json:"request"`
	Response any            `json:"response"`
}

// readExamples reads the folder examples, by operation.
func readExamples(files fs.FS) (map[string]example, error) {
	names, err := fs.Glob(files, "examples/*.json")
	if err != nil {
		return nil, err
	}
	examples := map[string]example{}
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		var one example
		if err := json.Unmarshal(text, &one); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		examples[strings.TrimSuffix(path.Base(name), ".json")] = one
	}
	return examples, nil
}

// requestExample returns the example of a body. It fails if the method does not accept the example.
func (c *contract) requestExample(method protoreflect.MethodDescriptor, body string, example any) (any, error) {
	message := method.Input()
	if body != "*" {
		message = message.Fields().ByName(protoreflect.Name(body)).Message()
	}
	return c.throughMessage(message, example, protojson.MarshalOptions{})
}

// responseExample returns the example of a response with all fields, as the server writes it.
func (c *contract) responseExample(message protoreflect.MessageDescriptor, example any) (any, error) {
	return c.throughMessage(message, example, protojson.MarshalOptions{EmitUnpopulated: true})
}

// throughMessage converts JSON to the message and back. It fails if the contract does not know a
// field.
func (c *contract) throughMessage(
	message protoreflect.MessageDescriptor, example any, options protojson.MarshalOptions,
) (any, error) {
	if example == nil {
		return nil, nil
	}
	text, err := json.Marshal(example)
	if err != nil {
		return nil, err
	}
	value := dynamicpb.NewMessage(message)
	if err := (protojson.UnmarshalOptions{Resolver: c.types}).Unmarshal(text, value); err != nil {
		return nil, fmt.Errorf("its example is no %s: %w", message.FullName(), err)
	}
	options.Resolver = c.types
	if text, err = options.Marshal(value); err != nil {
		return nil, err
	}
	var shown any
	if err := json.Unmarshal(text, &shown); err != nil {
		return nil, errors.Join(errors.New("its example cannot be shown"), err)
	}
	return shown, nil
}
