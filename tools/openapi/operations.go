package main

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// operations describes RPCs as REST operations.
type operations struct {
	contract *contract
	schemas  *schemas
	examples map[string]example
}

// add adds the description of one RPC to the document.
func (o *operations) add(doc *openapi3.T, method protoreflect.MethodDescriptor) error {
	rule, err := httpRuleOf(method)
	if err != nil {
		return err
	}
	path, err := o.contract.openPath(rule.template, method.Input())
	if err != nil {
		return err
	}
	operation, err := o.operation(method, rule, path)
	if err != nil {
		return err
	}
	item := doc.Paths.Value(path.text)
	if item == nil {
		item = &openapi3.PathItem{}
		doc.Paths.Set(path.text, item)
	}
	if item.GetOperation(rule.verb) != nil {
		return fmt.Errorf("%s %s belongs to another method too", rule.verb, path.text)
	}
	item.SetOperation(rule.verb, operation)
	return nil
}

func (o *operations) operation(
	method protoreflect.MethodDescriptor, rule httpRule, path route,
) (*openapi3.Operation, error) {
	scope, err := o.contract.scopeOf(method)
	if err != nil {
		return nil, err
	}
	service, text := string(method.Parent().Name()), comment(method)
	operation := openapi3.NewOperation()
	operation.OperationID = service + "_" + string(method.Name())
	operation.Tags = []string{service}
	operation.Summary = firstSentence(text)
	operation.Parameters = path.parameters
	operation.Responses = openapi3.NewResponses()

	example := o.examples[operation.OperationID]
	if err := o.request(operation, method, rule, path, example.Request); err != nil {
		return nil, err
	}
	if err := o.answer(operation, method, example.Response); err != nil {
		return nil, err
	}
	if err := takeFilter(operation, text); err != nil {
		return nil, err
	}
	if err := example.fill(operation.Parameters); err != nil {
		return nil, err
	}
	paragraphs := append([]string{text}, queryRules(method.Input(), rule)...)
	operation.Description = strings.Join(append(paragraphs, "Needs the scope `"+scope+"`."), "\n\n")
	return operation, nil
}

// request describes the body, and the parameters that are not in the path.
func (o *operations) request(
	operation *openapi3.Operation, method protoreflect.MethodDescriptor, rule httpRule, path route, example any,
) error {
	input := method.Input()
	var body *openapi3.SchemaRef
	var err error
	bound, needed := path.fields, true
	switch rule.body {
	case "":
	case "*":
		body, needed, err = o.schemas.body(input, path.fields)
	default:
		field := input.Fields().ByName(protoreflect.Name(rule.body))
		if field == nil || field.Message() == nil {
			return fmt.Errorf("the body %q is no message in %s", rule.body, input.FullName())
		}
		bound = append(slices.Clone(bound), rule.body)
		if rule.verb == http.MethodPatch {
			body, err = o.schemas.patch(field.Message())
		} else {
			body, err = o.schemas.message(field.Message(), request)
		}
	}
	if err != nil {
		return err
	}
	if rule.body != "*" {
		query, err := o.schemas.queryParameters(input, bound)
		if err != nil {
			return err
		}
		operation.Parameters = append(operation.Parameters, query...)
	}
	if body == nil {
		if example != nil {
			return errors.New("its example has a request, but it takes no body")
		}
		return nil
	}
	content := openapi3.NewRequestBody().WithRequired(needed).WithJSONSchemaRef(body)
	media := content.Content["application/json"]
	if media.Example, err = o.contract.requestExample(method, rule.body, example); err != nil {
		return err
	}
	operation.RequestBody = &openapi3.RequestBodyRef{Value: content}
	return nil
}

// answer describes the responses of an RPC. All failures share one response.
func (o *operations) answer(operation *openapi3.Operation, method protoreflect.MethodDescriptor, example any) error {
	message, mediaType, description := method.Output(), "application/json", comment(method.Output())
	if method.IsStreamingServer() {
		row := rowOf(message)
		if row == nil {
			return fmt.Errorf("%s streams, but the first field of %s is no list of messages",
				method.FullName(), message.FullName())
		}
		message, mediaType = row, "application/x-ndjson"
		description = fmt.Sprintf("One bare %s a line. A failure after the first line is a last line with an %s.",
			row.Name(), errorSchema)
	}
	if description == "" {
		description = "Done."
	}
	schema, err := o.schemas.message(message, response)
	if err != nil {
		return err
	}
	media := openapi3.NewMediaType().WithSchemaRef(schema)
	if media.Example, err = o.contract.responseExample(message, example); err != nil {
		return err
	}
	success := openapi3.NewResponse().WithDescription(description).WithContent(openapi3.Content{mediaType: media})
	headers := slices.Clone(ofAll)
	if strings.Contains(comment(method), "`Accept: text/csv`") {
		success.Content["text/csv"] = openapi3.NewMediaType().WithSchema(openapi3.NewStringSchema())
		headers = append(headers, ofTables...)
	}
	if method.IsStreamingServer() && method.Output().Fields().ByName("coverage") != nil {
		headers = append(headers, ofExports...)
	}
	if mutates(method) {
		headers = append(headers, ofChanges...)
	}
	success.Headers = references(headers)
	operation.Responses.Set("200", &openapi3.ResponseRef{Value: success})
	operation.Responses.Set("default", &openapi3.ResponseRef{Ref: "#/components/responses/" + errorAnswer})
	return nil
}

// rowOf returns the message that the first field of a stream's message lists.
func rowOf(message protoreflect.MessageDescriptor) protoreflect.MessageDescriptor {
	if message.Fields().Len() == 0 || !message.Fields().Get(0).IsList() {
		return nil
	}
	return message.Fields().Get(0).Message()
}

// mutates reports whether an RPC changes something at a vendor. The requests of these RPCs have a
// request_id.
func mutates(method protoreflect.MethodDescriptor) bool {
	return method.Input().Fields().ByName("request_id") != nil
}

// queryRules returns sentences about the rules between the fields of a filter. As query parameters,
// the fields have no common schema.
func queryRules(request protoreflect.MessageDescriptor, rule httpRule) []string {
	var rules []string
	for i := range request.Fields().Len() {
		field := request.Fields().Get(i)
		if rule.body != "*" && rule.body != string(field.Name()) && field.Message() != nil {
			for _, cel := range messageValidation(field.Message()).GetCel() {
				rules = append(rules, fmt.Sprintf("Rule of `%s`: %s.", field.JSONName(), cel.GetMessage()))
			}
		}
	}
	return rules
}
