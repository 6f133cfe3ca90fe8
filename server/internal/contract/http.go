package contract

import (
	"fmt"
	"net/http"
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// A Rule is the google.api.http rule of an RPC.
type Rule struct {
	// Method is the HTTP method.
	Method string
	// Template is the path as the rule writes it: "/v1/{name=vendors/*/sites/*}:disable".
	Template string
	// Pattern is the template without the names of fields: "/v1/vendors/*/sites/*:disable".
	Pattern string
	// Fields are the paths of the request's fields that the path holds, such as "site.name".
	Fields []string
	// Body is the request's field that the body holds, "*" for the whole request, or "".
	Body string
}

func newRule(method protoreflect.MethodDescriptor) Rule {
	rule, _ := proto.GetExtension(method.Options(), annotations.E_Http).(*annotations.HttpRule)
	r := Rule{Body: rule.GetBody()}
	switch {
	case rule.GetGet() != "":
		r.Method, r.Template = http.MethodGet, rule.GetGet()
	case rule.GetPost() != "":
		r.Method, r.Template = http.MethodPost, rule.GetPost()
	case rule.GetPatch() != "":
		r.Method, r.Template = http.MethodPatch, rule.GetPatch()
	case rule.GetDelete() != "":
		r.Method, r.Template = http.MethodDelete, rule.GetDelete()
	default:
		panic(fmt.Sprintf("contract: %s has no google.api.http rule for GET, POST, PATCH or DELETE", method.FullName()))
	}
	for rest := r.Template; rest != ""; {
		plain, variable, found := strings.Cut(rest, "{")
		r.Pattern += plain
		if !found {
			break
		}
		variable, rest, _ = strings.Cut(variable, "}")
		field, pattern, _ := strings.Cut(variable, "=")
		r.Fields = append(r.Fields, field)
		r.Pattern += pattern
	}
	return r
}

// BodyType returns the type of the body, or nil if the RPC takes no body.
func (r *RPC) BodyType() protoreflect.MessageType {
	switch r.HTTP.Body {
	case "":
		return nil
	case "*":
		return r.Request
	}
	return messageType(r.Method.Input().Fields().ByName(protoreflect.Name(r.HTTP.Body)).Message())
}
