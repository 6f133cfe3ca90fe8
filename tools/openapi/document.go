package main

import (
	"fmt"
	"maps"
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
)

const (
	idempotencyKey = "Idempotency-Key"
	bearer         = "bearer"
)

const about = `One API over the DRM vendors that a streaming service pays.

The comments here are those of the protos, which are the contract of REST and gRPC alike. They name fields in
snake_case (page_size). JSON and query parameters write them in lowerCamelCase (pageSize). Responses also show fields
that are not set: as an empty string, 0, false or an empty list. An object, an instant or a length of time that is not
set is null.

An id inside a path is percent-encoded where it holds "/" or "%". A name has at most 1000 bytes, with other escapes
decoded. Where a method says so, a "-" instead of an id means all that the caller may see. What the path gives, such as
name or parent, may be left out of the body. A body that holds it must hold the same.`

var license = &openapi3.License{Name: "Apache 2.0", URL: "https://www.apache.org/licenses/LICENSE-2.0.html"}

// describe writes the whole document.
func describe(c *contract, examples map[string]example) (*openapi3.T, error) {
	components := openapi3.NewComponents()
	doc := &openapi3.T{
		OpenAPI:    "3.1.0",
		Info:       &openapi3.Info{Title: "drmhub", Version: "v1", Description: about, License: license},
		Servers:    openapi3.Servers{{URL: "/", Description: "The server that this document comes from."}},
		Paths:      openapi3.NewPaths(),
		Components: &components,
	}
	s := newSchemas()
	if err := addErrors(doc, c, s); err != nil {
		return nil, err
	}
	addSecurity(doc)
	addIdempotency(doc)
	operations := operations{contract: c, schemas: s, examples: examples}
	known := map[string]bool{}
	for _, service := range c.services {
		doc.Tags = append(doc.Tags, &openapi3.Tag{Name: string(service.Name()), Description: comment(service)})
		for i := range service.Methods().Len() {
			method := service.Methods().Get(i)
			if err := operations.add(doc, method); err != nil {
				return nil, fmt.Errorf("%s: %w", method.FullName(), err)
			}
			known[string(service.Name())+"_"+string(method.Name())] = true
		}
	}
	for _, id := range slices.Sorted(maps.Keys(examples)) {
		if !known[id] {
			return nil, fmt.Errorf("examples/%s.json belongs to no operation: rename or delete it", id)
		}
	}
	doc.Components.Schemas = s.named
	return doc, nil
}

// addSecurity makes every operation ask for a bearer token.
func addSecurity(doc *openapi3.T) {
	scheme := openapi3.NewJWTSecurityScheme()
	scheme.Description = "A JWT of the issuer that the server trusts. Its scopes say what the caller may do. " +
		"Each operation names the scope that it needs."
	doc.Components.SecuritySchemes = openapi3.SecuritySchemes{bearer: {Value: scheme}}
	doc.Security = openapi3.SecurityRequirements{openapi3.NewSecurityRequirement().Authenticate(bearer)}
}

// addIdempotency adds the parameter and the headers that all mutating operations share.
func addIdempotency(doc *openapi3.T) {
	key := openapi3.NewHeaderParameter(idempotencyKey)
	key.Description = "The same as the field request_id, for clients that send it as a header: a UUID " +
		"that the caller chooses. drmhub carries out a request once for each id, and returns the same " +
		"response to each repetition. Where the header and the field are both set, they must be equal."
	key.Schema = openapi3.NewUUIDSchema().NewRef()
	doc.Components.Parameters = openapi3.ParametersMap{idempotencyKey: {Value: key}}
	doc.Components.Headers = openapi3.Headers{}
	for name, description := range mutationHeaders() {
		value := openapi3.NewStringSchema().NewRef()
		header := &openapi3.Header{Parameter: openapi3.Parameter{Description: description, Schema: value}}
		doc.Components.Headers[name] = &openapi3.HeaderRef{Value: header}
	}
}

// mutationHeaders returns the headers of the response to a change, with their descriptions.
func mutationHeaders() map[string]string {
	return map[string]string{
		"Drmhub-Mutation": "The record of this change, `mutations/{mutation}`.",
		"Drmhub-Replayed": "`true` where an earlier call with the same id brought this result about, and this call " +
			"sent nothing to the vendor. Errors have it too.",
		"Drmhub-Planned-Request": "With validate_only: a request that the vendor would get, as one curl command " +
			"without secrets. The header comes once for each request. `Drmhub-Planned-Request-1` and so on hold " +
			"the same requests, one each.",
	}
}
