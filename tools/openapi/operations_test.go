package main

import (
	"bytes"
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
		"OrderService_ListOrders":  "vendor pageSize filter.userId filter.tags",
		"OrderService_UpdateOrder": "vendor siteOrder updateMask requestId " + idempotencyKey,
		"OrderService_CancelOrder": "vendor siteOrder " + idempotencyKey,
	} {
		operation := operationOf(t, id)
		var names []string
		for _, parameter := range operation.Parameters {
			if parameter.Ref != "" {
				names = append(names, parameter.Ref[strings.LastIndex(parameter.Ref, "/")+1:])
			} else {
				names = append(names, parameter.Value.Name)
			}
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s takes %s, want %s", id, got, want)
		}
		header := operation.Responses.Status(200).Value.Headers["Drmhub-Mutation"] != nil
		if changes := strings.Contains(want, idempotencyKey); header != changes {
			t.Errorf("%s: its response has the header Drmhub-Mutation: %v", id, header)
		}
	}
	c := contractOf(t, `message M { repeated Vendor vendors = 1; }`)
	if _, err := newSchemas().queryParameters(c.message(t, "M"), nil); err == nil {
		t.Error("a list of messages passed as a parameter")
	}
}

func TestAStreamIsRowsOnLines(t *testing.T) {
	content := operationOf(t, "OrderService_StreamOrders").Responses.Status(200).Value.Content
	if len(content) != 1 || content["application/x-ndjson"] == nil {
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
	if len(schemas["OrderPatch"].Value.Required) != 0 || len(schemas["Order"].Value.Required) != 1 {
		t.Error("the whole resource has required fields, and its update has none")
	}
	// A body leaves out what the path holds.
	cancel := schemas["CancelOrderRequest"].Value
	if cancel.Properties["name"] != nil || cancel.Properties["reason"] == nil || len(cancel.Required) != 0 {
		t.Errorf("got %v", jsonOf(t, cancel))
	}
}

func TestEveryFailureHasOneShape(t *testing.T) {
	doc := documentOf(t, nil)
	for path, item := range doc.Paths.Map() {
		for verb, operation := range item.Operations() {
			if operation.Responses.Default().Ref != "#/components/responses/Error" {
				t.Errorf("%s %s has another", verb, path)
			}
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
