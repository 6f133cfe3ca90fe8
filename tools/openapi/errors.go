package main

import (
	"github.com/getkin/kin-openapi/openapi3"
	"google.golang.org/genproto/googleapis/rpc/code"
)

const (
	errorSchema  = "Error"
	statusSchema = "Status"
	detailSchema = "ErrorDetail"
	errorAnswer  = "Error"
)

// addErrors adds the schema of errors and the response that has it. The schema is not derived from
// a message of the contract, because REST writes google.rpc.Status in the form of AIP-193.
func addErrors(doc *openapi3.T, c *contract, s *schemas) error {
	if _, err := s.enum(c.reasons); err != nil {
		return err
	}
	for name, schema := range map[string]*openapi3.Schema{
		errorSchema:  failure(),
		statusSchema: rpcStatus(),
		detailSchema: detail(schemaName(c.reasons)),
	} {
		build := func() (*openapi3.Schema, error) { return schema, nil }
		if _, err := s.name(name, "the shape of errors", build); err != nil {
			return err
		}
	}
	answer := openapi3.NewResponse().WithDescription(aboutFailures).
		WithJSONSchemaRef(openapi3.NewSchemaRef(schemaPrefix+errorSchema, nil))
	answer.Headers = references(ofFailures)
	answer.Content["application/json"].Examples = failureExamples()
	doc.Components.Responses = openapi3.ResponseBodies{errorAnswer: {Value: answer}}
	return nil
}

const aboutFailures = `Any failure: every one has this shape.

- 401: the server asks for an identity, and this request has no valid one (UNAUTHENTICATED, TOKEN_INVALID).
- 403: the caller has no such scope, or may not see this thing (PERMISSION_DENIED, SCOPE_MISSING).
- 429: the caller or the vendor makes too many calls (RESOURCE_EXHAUSTED). Retry-After says how long to wait.
- 501: the vendor has no such call (UNIMPLEMENTED, CAPABILITY_NOT_SUPPORTED).`

// aboutMessage describes the message of an error.
const aboutMessage = "What happened, where, and what to do, for people. It may change."

func failure() *openapi3.Schema {
	inner := openapi3.NewObjectSchema()
	inner.Required = []string{"code", "status", "message"}
	inner.WithProperty("code", described(openapi3.NewInt32Schema(), "The HTTP status of the response, here again."))
	status := openapi3.NewStringSchema().WithEnum(canonicalCodes()...)
	inner.WithProperty("status", described(status, "The canonical code: program against this one first."))
	inner.WithProperty("message", text(aboutMessage))
	inner.WithPropertyRef("details", details())

	schema := described(openapi3.NewObjectSchema(), "Error is the body of every response that is not a success.")
	schema.Required = []string{"error"}
	return schema.WithProperty("error", described(inner, "What failed."))
}

// canonicalCodes returns the names of all codes but OK, by their numbers.
func canonicalCodes() []any {
	var names []any
	for number := range int32(len(code.Code_name)) {
		if name := code.Code_name[number]; name != code.Code_OK.String() {
			names = append(names, name)
		}
	}
	return names
}

// rpcStatus returns the schema of the failure of one part of a successful response.
func rpcStatus() *openapi3.Schema {
	schema := described(openapi3.NewObjectSchema(),
		"Status (google.rpc.Status) says why one part of a response failed, while the response itself is a success.")
	code := described(openapi3.NewInt32Schema(), "The number of the canonical code: 5 is NOT_FOUND.")
	schema.WithProperty("code", code)
	schema.WithProperty("message", text(aboutMessage))
	return schema.WithPropertyRef("details", details())
}

func details() *openapi3.SchemaRef {
	list := described(openapi3.NewArraySchema(),
		"What programs may read about it: always a google.rpc.ErrorInfo, and others where they apply.")
	list.Items = openapi3.NewSchemaRef(schemaPrefix+detailSchema, nil)
	return list.NewRef()
}

// detail returns the one schema of all kinds of details. A client then accepts new kinds.
func detail(reasons string) *openapi3.Schema {
	violation := described(openapi3.NewObjectSchema(), "One field that breaks a rule.")
	violation.WithProperty("field", text("The field, as a path in the request."))
	violation.WithProperty("description", text("What is wrong with it."))
	violation.WithProperty("reason", text("The rule that it breaks, in one word; empty where the rule has no name."))
	violations := openapi3.NewArraySchema()
	violations.Items = violation.NewRef()

	reason := &openapi3.Schema{AllOf: openapi3.SchemaRefs{openapi3.NewSchemaRef(schemaPrefix+reasons, nil)}}
	metadata := openapi3.NewObjectSchema().WithAdditionalProperties(openapi3.NewStringSchema())
	wait, _ := wellKnown("google.protobuf.Duration")

	schema := described(openapi3.NewObjectSchema().WithAnyAdditionalProperties(),
		"ErrorDetail is one detail of an error; `@type` says which kind it is, "+
			"and so which of the other fields are there.")
	schema.Required = []string{"@type"}
	schema.WithProperty("@type", text("type.googleapis.com/google.rpc.ErrorInfo, google.rpc.BadRequest "+
		"or google.rpc.RetryInfo; more may come."))
	schema.WithProperty("reason", described(reason, "ErrorInfo: why, in one word."))
	schema.WithProperty("domain", text("ErrorInfo: whose reason it is, "+string(contractPackage)+"."))
	schema.WithProperty("metadata", described(metadata, "ErrorInfo: what is known of `vendor`, `vendor_code`, "+
		"`vendor_http_status`, `vendor_request_id`, `mutation`, `standing`."))
	schema.WithProperty("fieldViolations", described(violations, "BadRequest: every field that breaks a rule."))
	wait.Description = "RetryInfo: how long to wait before the next try. " + wait.Description
	schema.WithProperty("retryDelay", wait)
	return schema
}

// text returns the schema of a text with this description.
func text(description string) *openapi3.Schema {
	return described(openapi3.NewStringSchema(), description)
}

func described(schema *openapi3.Schema, description string) *openapi3.Schema {
	schema.Description = description
	return schema
}

// failureExamples returns examples of the three failures that every client should handle.
func failureExamples() openapi3.Examples {
	info := func(reason string, metadata map[string]any) map[string]any {
		domain := string(contractPackage)
		return errorDetail("ErrorInfo", map[string]any{"reason": reason, "domain": domain, "metadata": metadata})
	}
	const negative = "must be greater than or equal to 0"
	violations := []any{map[string]any{"field": "pageSize", "description": negative}}
	return openapi3.Examples{
		"invalid": failureExample("A field breaks a rule", 400, code.Code_INVALID_ARGUMENT,
			"pageSize: "+negative,
			info("REQUEST_INVALID", map[string]any{}),
			errorDetail("BadRequest", map[string]any{"fieldViolations": violations})),
		"vendorRateLimited": failureExample("The vendor throttles", 429, code.Code_RESOURCE_EXHAUSTED,
			"vendor ncp-kr throttles; try again in 2 s",
			info("VENDOR_RATE_LIMITED", map[string]any{"vendor": "ncp-kr", "vendor_http_status": "429"}),
			errorDetail("RetryInfo", map[string]any{"retryDelay": "2s"})),
		"outcomeUnknown": failureExample("A change may or may not have been made", 500, code.Code_UNKNOWN,
			"vendor amino cut the connection after the request was sent; "+
				"call again with the same request_id to settle it",
			info("OUTCOME_UNKNOWN", map[string]any{
				"vendor": "amino", "mutation": "mutations/0197c1de-6f00-7a31-9d51-3f9f2b6c1a10",
			})),
	}
}

func failureExample(
	summary string, httpStatus int, status code.Code, message string, details ...map[string]any,
) *openapi3.ExampleRef {
	body := map[string]any{"code": httpStatus, "status": status.String(), "message": message, "details": details}
	return &openapi3.ExampleRef{Value: &openapi3.Example{Summary: summary, Value: map[string]any{"error": body}}}
}

// errorDetail adds the type to the fields of a detail.
func errorDetail(kind string, fields map[string]any) map[string]any {
	fields["@type"] = "type.googleapis.com/google.rpc." + kind
	return fields
}
