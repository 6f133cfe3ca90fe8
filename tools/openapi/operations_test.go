package main

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

func documentOf(t *testing.T, examples map[string]example) *openapi3.T {
	t.Helper()
	doc, err := describe(contractOf(t, testdata(t, "orders.proto")), examples)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func operationOf(t *testing.T, id string) *openapi3.Operation {
	t.Helper()
	for _, item := range documentOf(t, nil).Paths.Map() {
		for _, operation := range item.Operations() {
			if operation.OperationID == id {
				return operation
			}
		}
	}
	t.Fatalf("no operation %s", id)
	return nil
}

func TestOperationsAreNamedAndDescribedByTheirRPC(t *testing.T) {
	list := operationOf(t, "OrderService_ListOrders")
	if list.Summary != "Lists orders" || !slices.Equal(list.Tags, []string{"OrderService"}) {
		t.Errorf("got %q, %v", list.Summary, list.Tags)
	}
	want := "Lists orders. Each comes once.\n\nRule of `filter`: user must rhyme.\n\nNeeds the scope `sites:read`."
	if list.Description != want {
		t.Errorf("got %q, want %q", list.Description, want)
	}
	tag := documentOf(t, nil).Tags.Get("OrderService")
	if tag == nil || tag.Description != "OrderService orders sites." {
		t.Errorf("got the tag %v", tag)
	}
	// A field that a filter needs is not needed without a filter.
	user := list.Parameters[2].Value
	if *user.Schema.Value.MaxLength != 9 || user.Description != "Whose." || user.Required {
		t.Errorf("got %v", jsonOf(t, user))
	}
}

func TestParameters(t *testing.T) {
	for id, want := range map[string]string{
		"OrderService_ListOrders":  "vendor pageSize filter.userId filter.tags filter.color",
		"OrderService_UpdateOrder": "vendor siteOrder updateMask requestId",
		"OrderService_CancelOrder": "vendor siteOrder",
		"OrderService_CountOrders": "vendor pageSize filter.userId filter.tags!",
	} {
		operation := operationOf(t, id)
		var names []string
		for _, parameter := range operation.Parameters {
			name := parameter.Value.Name
			if parameter.Value.In == openapi3.ParameterInQuery && parameter.Value.Required {
				name += "!"
			}
			names = append(names, name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s takes %s, want %s", id, got, want)
		}
		headers := slices.Sorted(maps.Keys(operation.Responses.Status(200).Value.Headers))
		wanted := []string{"X-Request-Id"}
		if operation.RequestBody != nil {
			wanted = []string{
				"Drmhub-Mutation", "Drmhub-Planned-Request", "Drmhub-Planned-Request-1", "Drmhub-Replayed",
				"X-Request-Id",
			}
		}
		if !slices.Equal(headers, wanted) {
			t.Errorf("%s: its response has the headers %v, want %v", id, headers, wanted)
		}
	}
	c := contractOf(t, `message M { repeated Vendor vendors = 1; }`)
	if _, err := newSchemas().queryParameters(c.message(t, "M"), nil); err == nil {
		t.Error("a list of messages passed as a parameter")
	}
}

func TestAStreamIsRowsOnLines(t *testing.T) {
	content := operationOf(t, "OrderService_StreamOrders").Responses.Status(200).Value.Content
	if len(content) != 2 || content["application/x-ndjson"] == nil || content["text/csv"].Schema.Value.Type == nil {
		t.Fatalf("got %v", content)
	}
	if ref := content["application/x-ndjson"].Schema.Ref; ref != schemaPrefix+"Order" {
		t.Errorf("got rows of %s", ref)
	}
}

func TestBodies(t *testing.T) {
	update := operationOf(t, "OrderService_UpdateOrder")
	if ref := update.RequestBody.Value.Content["application/json"].Schema.Ref; ref != schemaPrefix+"OrderPatch" {
		t.Errorf("an update takes the body %s", ref)
	}
	schemas := documentOf(t, nil).Components.Schemas
	if got := schemas["OrderPatch"].Value.Required; len(got) != 0 {
		t.Errorf("an update requires %v", got)
	}
	// A body leaves out what the path holds.
	cancel := schemas["CancelOrderRequest"].Value
	if cancel.Properties["name"] != nil || cancel.Properties["reason"] == nil || len(cancel.Required) != 0 {
		t.Errorf("got %v", jsonOf(t, cancel))
	}
	// A call whose body needs no field needs no body.
	if operationOf(t, "OrderService_CancelOrder").RequestBody.Value.Required || !update.RequestBody.Value.Required {
		t.Error("an update needs a body, and a call without required fields does not")
	}
}

func TestEveryFailureHasOneShape(t *testing.T) {
	doc := documentOf(t, nil)
	for path, item := range doc.Paths.Map() {
		for verb, operation := range item.Operations() {
			if operation.Responses.Default().Ref != "#/components/responses/Error" {
				t.Errorf("%s %s has another", verb, path)
			}
			if operation.Security != nil {
				t.Errorf("%s %s has its own security", verb, path)
			}
		}
	}
	if len(doc.Security) != 2 || len(doc.Security[0]) != 0 || doc.Security[1][bearer] == nil {
		t.Errorf("a token is optional, got %v", doc.Security)
	}
	headers := []string{"Drmhub-Mutation", "Drmhub-Replayed", "Retry-After", "WWW-Authenticate", "X-Request-Id"}
	for _, name := range headers {
		if doc.Components.Responses[errorAnswer].Value.Headers[name] == nil || doc.Components.Headers[name] == nil {
			t.Errorf("it has no header %s", name)
		}
	}
	failure := doc.Components.Schemas["Error"].Value.Properties["error"].Value
	for _, name := range []string{"code", "status", "message", "details"} {
		if failure.Properties[name] == nil {
			t.Errorf("it has no %s", name)
		}
	}
	if codes := failure.Properties["status"].Value.Enum; len(codes) != 16 || !slices.Contains(codes, "NOT_FOUND") {
		t.Errorf("got the codes %v", codes)
	}
}

func TestTheDocumentIsValidAndReadsTheSameAtEveryRun(t *testing.T) {
	first, err := encode(documentOf(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	second, err := encode(documentOf(t, nil))
	if err != nil || !bytes.Equal(first, second) {
		t.Errorf("two runs differ, %v", err)
	}
}
