package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/server/internal/contract"
)

// rpc returns the call of a request. Each request belongs to one RPC.
func rpc(req proto.Message) call {
	for _, known := range contract.RPCs() {
		if known.Method.Input() == req.ProtoReflect().Descriptor() {
			rest, body := restCall(known.Method, req)
			return call{method: known.FullMethod(), req: req, rest: rest, body: body}
		}
	}
	panic(fmt.Sprintf("no RPC takes a %T", req))
}

var pathVariable = regexp.MustCompile(`\{([^=}]+)=[^}]*\}`)

// restCall derives the REST call of a request from the google.api.http rule, as
// google/api/http.proto defines it. It shares no code with the gateway, whose tests have calls
// written by hand.
func restCall(m protoreflect.MethodDescriptor, req proto.Message) (rest, body string) {
	rule := proto.GetExtension(m.Options(), annotations.E_Http).(*annotations.HttpRule)
	raw, err := protojson.Marshal(req)
	if err != nil {
		panic(err)
	}
	fields := map[string]any{}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber() // keeps numbers as they are written
	if err := decoder.Decode(&fields); err != nil {
		panic(err)
	}
	for method, template := range map[string]string{
		"GET ": rule.GetGet(), "POST ": rule.GetPost(), "PATCH ": rule.GetPatch(), "DELETE ": rule.GetDelete(),
	} {
		if template != "" {
			rest = method + pathVariable.ReplaceAllStringFunc(template, func(v string) string {
				return take(fields, pathVariable.FindStringSubmatch(v)[1])
			})
		}
	}
	var held any
	switch rule.GetBody() {
	case "":
	case "*":
		held, fields = fields, nil
	default:
		field := m.Input().Fields().ByName(protoreflect.Name(rule.GetBody())).JSONName()
		if held = fields[field]; held == nil {
			held = map[string]any{}
		}
		delete(fields, field)
	}
	if held != nil {
		raw, _ = json.Marshal(held)
		body = string(raw)
	}
	query := url.Values{}
	flatten(query, "", fields)
	if len(query) > 0 {
		rest += "?" + query.Encode()
	}
	return rest, body
}

// take removes a field by its path, such as "site.name", and returns its text.
func take(fields map[string]any, path string) string {
	for {
		first, rest, deep := strings.Cut(path, ".")
		if !deep {
			text, _ := fields[first].(string)
			delete(fields, first)
			return text
		}
		fields, path = fields[first].(map[string]any), rest
	}
}

// flatten writes fields as parameters: "filter.userId=u".
func flatten(query url.Values, prefix string, fields map[string]any) {
	for key, value := range fields {
		switch v := value.(type) {
		case map[string]any:
			flatten(query, prefix+key+".", v)
		case []any:
			for _, item := range v {
				query.Add(prefix+key, fmt.Sprint(item))
			}
		case string:
			if v != "" { // an empty mask has no form in a query
				query.Set(prefix+key, v)
			}
		default:
			query.Set(prefix+key, fmt.Sprint(v))
		}
	}
}

// restName returns the name that a field of the request has over REST. The body can be the resource
// alone.
func (c call) restName(field string) string {
	method := contract.Lookup(c.method).Method
	rule := proto.GetExtension(method.Options(), annotations.E_Http).(*annotations.HttpRule)
	field = strings.TrimPrefix(field, rule.GetBody()+".")
	words := strings.Split(field, "_")
	for i := 1; i < len(words); i++ {
		words[i] = strings.ToUpper(words[i][:1]) + words[i][1:]
	}
	return strings.Join(words, "")
}
