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
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// rpc returns the call of a request. Each request belongs to one RPC.
func rpc(req proto.Message) call {
	for _, m := range methods() {
		if m.Input() == req.ProtoReflect().Descriptor() {
			rest, body := restCall(m, req)
			return call{method: "/" + name(m), req: req, rest: rest, body: body}
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
	decoder.UseNumber() // so that numbers stay as they are written
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
	for _, c := range []struct {
		req        proto.Message
		rest, body string
	}{
		{&pb.ListVendorsRequest{PageSize: 7, PageToken: "x="}, "GET /v1/vendors?pageSize=7&pageToken=x%3D", ""},
		{&pb.GetSiteRequest{Name: "vendors/v/sites/a%2Fb"}, "GET /v1/vendors/v/sites/a%2Fb", ""},
		{&pb.CheckVendorRequest{Name: "vendors/acme"}, "POST /v1/vendors/acme:check", `{}`},
		{
			&pb.ListLicensesRequest{Parent: demo, Filter: &pb.LicenseFilter{UserId: "u@example.com", Status: pb.License_FAILURE}},
			"GET /v1/" + demo + "/licenses?filter.status=FAILURE&filter.userId=u%40example.com", "",
		},
		{&pb.StreamLicensesRequest{Parent: demo}, "GET /v1/" + demo + "/licenses:stream", ""},
		{
			&pb.DisableSiteRequest{Name: demo, Message: "audit", ValidateOnly: true},
			"POST /v1/" + demo + ":disable", `{"message":"audit","validateOnly":true}`,
		},
		{
			&pb.UpdateSiteRequest{
				Site:       &pb.Site{Name: mySite, DisplayName: "renamed"},
				UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"display_name", "policy_id"}},
			},
			"PATCH /v1/" + mySite + "?updateMask=displayName%2CpolicyId", `{"displayName":"renamed"}`,
		},
		{&pb.UpdateProductRequest{Product: &pb.Product{Name: movies}}, "PATCH /v1/" + movies, `{}`},
		{
			&pb.DeleteDrmAccountDeviceRequest{Name: donald + "/devices/d", Force: true},
			"DELETE /v1/" + donald + "/devices/d?force=true", "",
		},
		{
			&pb.CreateDrmAccountRequest{Parent: "vendors/v", View: pb.DrmAccount_FULL, DrmAccount: &pb.DrmAccount{Username: "mickey"}},
			"POST /v1/vendors/v/drmAccounts?view=FULL", `{"username":"mickey"}`,
		},
		{
			&pb.BatchDeleteProductLicensesRequest{Parent: aminoVendor, Names: []string{owned + "/L2"}},
			"POST /v1/" + owned + ":batchDelete", `{"names":["` + owned + `/L2"]}`,
		},
	} {
		if got := rpc(c.req); got.rest != c.rest || got.body != c.body {
			t.Errorf("%s %s, want %s %s", got.rest, got.body, c.rest, c.body)
		}
	}
}
