package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// queryParameters returns one parameter for each field of the request that is not in the path and
// not in the body. The parameters of a message in the request have a dot, such as filter.contentId.
func (s *schemas) queryParameters(request protoreflect.MessageDescriptor, bound []string) (openapi3.Parameters, error) {
	return s.queryFields(request, bound, "", true)
}

func (s *schemas) queryFields(
	message protoreflect.MessageDescriptor, bound []string, prefix string, needed bool,
) (openapi3.Parameters, error) {
	var parameters openapi3.Parameters
	for i := range message.Fields().Len() {
		field := message.Fields().Get(i)
		if prefix == "" && isBound(field, bound) {
			continue
		}
		found, err := s.queryField(field, prefix+field.JSONName(), needed && required(field))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", field.FullName(), err)
		}
		parameters = append(parameters, found...)
	}
	return parameters, nil
}

// isBound reports whether the path or the body holds the field or a part of it.
func isBound(field protoreflect.FieldDescriptor, bound []string) bool {
	return slices.ContainsFunc(bound, func(path string) bool {
		first, _, _ := strings.Cut(path, ".")
		return first == string(field.Name())
	})
}

func (s *schemas) queryField(
	field protoreflect.FieldDescriptor, name string, needed bool,
) (openapi3.Parameters, error) {
	if message := field.Message(); message != nil {
		if field.Cardinality() == protoreflect.Repeated {
			return nil, errors.New("a query cannot hold a list of messages: bind it to the body")
		}
		if _, single := wellKnown(message.FullName()); !single {
			return s.queryFields(message, nil, name+".", needed)
		}
	}
	schema, err := s.value(field, request)
	if err != nil {
		return nil, err
	}
	parameter := openapi3.NewQueryParameter(name)
	parameter.Description = sentences(comment(field), schema.Description)
	parameter.Required = needed
	schema.Description = ""
	parameter.Schema = unwrapped(schema)
	return openapi3.Parameters{&openapi3.ParameterRef{Value: parameter}}, nil
}
