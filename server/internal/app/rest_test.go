package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"

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

// restCall derives the REST call of a request from the google.api.http rule, as google/api/http.proto
// defines it. It shares no code with the gateway.
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

// TestRESTCalls compares what restCall derives with calls that were written by hand.
func TestRESTCalls(t *testing.T) {
	for request, want := range map[string]string{
		`ListVendors {"pageSize":7,"pageToken":"x="}`:               "GET /v1/vendors?pageSize=7&pageToken=x%3D ",
		`GetSite {"name":"vendors/v/sites/a%2Fb"}`:                  "GET /v1/vendors/v/sites/a%2Fb ",
		`CheckVendor {"name":"vendors/acme"}`:                       "POST /v1/vendors/acme:check {}",
		`StreamLicenses {"parent":"vendors/v/sites/s"}`:             "GET /v1/vendors/v/sites/s/licenses:stream ",
		`UpdateProduct {"product":{"name":"vendors/v/products/p"}}`: "PATCH /v1/vendors/v/products/p {}",
		`ListLicenses {"parent":"vendors/v/sites/s","filter":{"userId":"u@example.com","status":"FAILURE"}}`: "GET " +
			"/v1/vendors/v/sites/s/licenses?filter.status=FAILURE&filter.userId=u%40example.com ",
		`DisableSite {"name":"vendors/v/sites/s","message":"audit","validateOnly":true}`: "POST " +
			`/v1/vendors/v/sites/s:disable {"message":"audit","validateOnly":true}`,
		`UpdateSite {"site":{"name":"vendors/v/sites/s","displayName":"n"},"updateMask":"policyId,displayName"}`: "" +
			`PATCH /v1/vendors/v/sites/s?updateMask=policyId%2CdisplayName {"displayName":"n"}`,
		`DeleteDrmAccountDevice {"name":"vendors/v/drmAccounts/a/devices/d","force":true}`: "DELETE " +
			"/v1/vendors/v/drmAccounts/a/devices/d?force=true ",
		`CreateDrmAccount {"parent":"vendors/v","view":"FULL","drmAccount":{"username":"mickey"}}`: "POST " +
			`/v1/vendors/v/drmAccounts?view=FULL {"username":"mickey"}`,
		`BatchDeleteProductLicenses {"parent":"vendors/v","names":["vendors/v/productLicenses/2"]}`: "POST " +
			`/v1/vendors/v/productLicenses:batchDelete {"names":["vendors/v/productLicenses/2"]}`,
	} {
		if c := parse(request); c.rest+" "+c.body != want {
			t.Errorf("%s: %s %s, want %s", request, c.rest, c.body, want)
		}
	}
}
