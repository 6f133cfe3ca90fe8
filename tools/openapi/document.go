package main

import (
	"fmt"
	"maps"
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
)

const bearer = "bearer"

const about = `One API over the DRM vendors that a streaming service pays.

The comments here are those of the protos, which are the contract of REST and gRPC alike. They name fields in
snake_case (page_size). JSON and query parameters write them in lowerCamelCase (pageSize). Responses also show fields
that are not set: as an empty string, 0, false or an empty list. An object, an instant or a length of time that is not
set is null.

The examples work against the sandbox, which drmhub runs when it has no configuration. Examples that need the id of a
thing that somebody made before say where the id comes from.

A change takes a request_id, a UUID that the caller chooses. drmhub carries out a request once for each id, and returns
the same response to each repetition. Clients that prefer a header send it as Idempotency-Key instead. Where the header
and the field are both set, they must be equal.

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
	s.collect(c.services)
	if err := addErrors(doc, c, s); err != nil {
		return nil, err
	}
	addSecurity(doc)
	addHeaders(doc)
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

// addSecurity lets every operation take a bearer token. The token is optional: a server without
// authentication, such as the sandbox, asks for none, and a client certificate can replace it.
func addSecurity(doc *openapi3.T) {
	scheme := openapi3.NewJWTSecurityScheme()
	scheme.Description = "A JWT of the issuer that the server trusts. Its scopes say what the caller may do. " +
		"Each operation names the scope that it needs. A server without authentication needs no token."
	doc.Components.SecuritySchemes = openapi3.SecuritySchemes{bearer: {Value: scheme}}
	doc.Security = openapi3.SecurityRequirements{
		openapi3.NewSecurityRequirement(),
		openapi3.NewSecurityRequirement().Authenticate(bearer),
	}
}

// A responseHeader is a header that responses may have.
type responseHeader struct {
	name, description string
	schema            *openapi3.Schema
}

// ofAll lists the headers of every response.
var ofAll = []responseHeader{
	{"X-Request-Id", "The id of this call, for the log of the server. A request may bring its own: " +
		"up to 128 printable ASCII characters without a space.", openapi3.NewStringSchema()},
}

// ofChanges lists the headers of the response to a change.
var ofChanges = []responseHeader{
	{"Drmhub-Mutation", "The record of this change, `mutations/{mutation}`.", openapi3.NewStringSchema()},
	{"Drmhub-Planned-Request", "With validate_only: the requests that the vendor would get, each as one curl " +
		"command without secrets. The header comes once for each request.", openapi3.NewStringSchema()},
	{"Drmhub-Planned-Request-1", "The first of these requests alone. The second one is in " +
		"Drmhub-Planned-Request-2, and so on, for clients that join headers with the same name.",
		openapi3.NewStringSchema()},
	{"Drmhub-Replayed", "`true` where an earlier call with the same id brought this result about, and this call " +
		"sent nothing to the vendor. Errors have it too.", openapi3.NewStringSchema().WithEnum("true")},
}

// ofTables lists the headers of a response that can be a table.
var ofTables = []responseHeader{
	{"Content-Disposition", "Of a table: the name of its file.", openapi3.NewStringSchema()},
}

// ofExports lists the headers of a stream from the archive.
var ofExports = []responseHeader{
	{"Drmhub-Coverage", "Whether the archive holds every row of the period, at every site.",
		openapi3.NewStringSchema().WithEnum("complete", "incomplete")},
}

// ofFailures lists the headers of a failure.
var ofFailures = []responseHeader{
	ofAll[0],
	ofChanges[0],
	ofChanges[3],
	{"Retry-After", "How many seconds to wait before the next try, as in the google.rpc.RetryInfo.",
		openapi3.NewIntegerSchema().WithMin(0)},
	{"WWW-Authenticate", "With status 401: how to identify the caller.", openapi3.NewStringSchema()},
}

// addHeaders adds the headers that responses share.
func addHeaders(doc *openapi3.T) {
	doc.Components.Headers = openapi3.Headers{}
	for _, header := range slices.Concat(ofAll, ofChanges, ofTables, ofExports, ofFailures) {
		parameter := openapi3.Parameter{Description: header.description, Schema: header.schema.NewRef()}
		doc.Components.Headers[header.name] = &openapi3.HeaderRef{Value: &openapi3.Header{Parameter: parameter}}
	}
}

// references returns references to these headers.
func references(headers []responseHeader) openapi3.Headers {
	all := openapi3.Headers{}
	for _, header := range headers {
		all[header.name] = &openapi3.HeaderRef{Ref: "#/components/headers/" + header.name}
	}
	return all
}
