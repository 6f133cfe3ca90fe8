package main

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// route is the template of an http rule as OpenAPI writes it: "/v1/{name=vendors/*}:check" becomes
// "/v1/vendors/{vendor}:check".
type route struct {
	text       string
	parameters []*openapi3.ParameterRef
	fields     []string // the fields of the request that the path holds: "name", "site.name"
}

// boundField matches a field in the template of an http rule, "{name=vendors/*}" or "{name}".
var boundField = regexp.MustCompile(`\{([\w.]+)(?:=([^}]+))?\}`)

// openPath returns the route of a template. Every id in a resource name becomes a parameter.
func (c *contract) openPath(template string, request protoreflect.MessageDescriptor) (route, error) {
	var p route
	rest := template
	for {
		found := boundField.FindStringSubmatchIndex(rest)
		if found == nil {
			p.text += rest
			return p, nil
		}
		p.text += rest[:found[0]]
		name, pattern := rest[found[2]:found[3]], "*"
		if found[4] >= 0 {
			pattern = rest[found[4]:found[5]]
		}
		rest = rest[found[1]:]
		if err := c.openName(&p, request, name, pattern); err != nil {
			return route{}, fmt.Errorf("%s: %w", template, err)
		}
	}
}

// openName appends the resource name of one field.
func (c *contract) openName(p *route, request protoreflect.MessageDescriptor, name, pattern string) error {
	field, err := fieldByPath(request, name)
	if err != nil {
		return err
	}
	p.fields = append(p.fields, name)
	var opened []string
	collection := ""
	for segment := range strings.SplitSeq(pattern, "/") {
		if segment == "*" {
			variable, known := c.variables[collection]
			if !known {
				return fmt.Errorf("no resource pattern tells the id in the collection %q: "+
					"give its message option (google.api.resource)", collection)
			}
			segment = "{" + lowerCamel(variable) + "}"
		}
		collection = segment
		opened = append(opened, segment)
	}
	resource := strings.Join(opened, "/")
	p.text += resource
	for _, segment := range opened {
		if strings.HasPrefix(segment, "{") {
			p.parameters = append(p.parameters, pathParameter(strings.Trim(segment, "{}"), resource, comment(field)))
		}
	}
	return nil
}

func pathParameter(id, resource, about string) *openapi3.ParameterRef {
	parameter := openapi3.NewPathParameter(id)
	place := fmt.Sprintf("The id `{%s}` in `%s`, with `/` and `%%` in it percent-encoded.", id, resource)
	parameter.Description = sentences(place, about, origins[id])
	parameter.Schema = openapi3.NewStringSchema().WithMinLength(1).NewRef()
	return &openapi3.ParameterRef{Value: parameter}
}

// lowerCamel returns siteOrder for site_order.
func lowerCamel(name string) string {
	var text strings.Builder
	for i, part := range strings.Split(name, "_") {
		first, size := utf8.DecodeRuneInString(part)
		if i > 0 {
			first = unicode.ToUpper(first)
		}
		text.WriteRune(first)
		text.WriteString(part[size:])
	}
	return text.String()
}
