package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// orders is a small service with all kinds of operations.
const orders = `
// OrderService orders sites.
service OrderService {
  // Lists orders. Each comes once.
  rpc ListOrders(ListOrdersRequest) returns (ListOrdersResponse) {
    option (scope) = "sites:read";
    option (google.api.http) = {get: "/v1/{parent=vendors/*}/siteOrders"};
  }
  // Streams orders.
  rpc StreamOrders(ListOrdersRequest) returns (stream ListOrdersResponse) {
    option (scope) = "sites:read";
    option (google.api.http) = {get: "/v1/{parent=vendors/*}/siteOrders:stream"};
  }
  // Changes an order.
  rpc UpdateOrder(UpdateOrderRequest) returns (Order) {
    option (scope) = "sites:write";
    option (google.api.http) = {patch: "/v1/{order.name=vendors/*/siteOrders/*}" body: "order"};
  }
  // Cancels an order.
  rpc CancelOrder(CancelOrderRequest) returns (google.protobuf.Empty) {
    option (scope) = "sites:write";
    option (google.api.http) = {post: "/v1/{name=vendors/*/siteOrders/*}:cancel" body: "*"};
  }
}
// Order is an order.
message Order {
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string display_name = 2 [(google.api.field_behavior) = REQUIRED];
  google.protobuf.Timestamp create_time = 3;
}
message Filter {
  option (buf.validate.message).cel = {id: "f" message: "user must rhyme" expression: "true"};
  // Whose.
  string user_id = 1 [(buf.validate.field).string.max_len = 9, (google.api.field_behavior) = REQUIRED];
  repeated string tags = 2;
}
message ListOrdersRequest {
  // The vendor.
  string parent = 1 [(google.api.field_behavior) = REQUIRED];
  int32 page_size = 2;
  Filter filter = 3;
}
// The answer of ListOrders.
message ListOrdersResponse { repeated Order orders = 1; }
message UpdateOrderRequest {
  Order order = 1 [(google.api.field_behavior) = REQUIRED];
  google.protobuf.FieldMask update_mask = 2;
  string request_id = 3;
}
message CancelOrderRequest {
  string name = 1 [(google.api.field_behavior) = REQUIRED];
  string reason = 2;
  string request_id = 3;
}
`

func documentOf(t *testing.T, examples map[string]example) *openapi3.T {
	t.Helper()
	doc, err := describe(contractOf(t, orders), examples)
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

func parameterNames(operation *openapi3.Operation) []string {
	var names []string
	for _, parameter := range operation.Parameters {
		if parameter.Ref != "" {
			names = append(names, parameter.Ref[strings.LastIndex(parameter.Ref, "/")+1:])
		} else {
			names = append(names, parameter.Value.Name)
		}
	}
	return names
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
	if tag := documentOf(t, nil).Tags.Get("OrderService"); tag == nil || tag.Description != "OrderService orders sites." {
		t.Errorf("got the tag %v", tag)
	}
}

func TestAFilterIsParametersWithADot(t *testing.T) {
	list := operationOf(t, "OrderService_ListOrders")
	if got := parameterNames(list); !slices.Equal(got, []string{"vendor", "pageSize", "filter.userId", "filter.tags"}) {
		t.Fatalf("got %v", got)
	}
	user := list.Parameters[2].Value
	if *user.Schema.Value.MaxLength != 9 || user.Description != "Whose." {
		t.Errorf("got %v", jsonOf(t, user))
	}
	if user.Required {
		t.Error("a field that only a filter needs is needed without a filter")
	}
}

func TestAListOfMessagesCannotBeAQuery(t *testing.T) {
	c := contractOf(t, `message M { repeated Vendor vendors = 1; }`)
	if _, err := newSchemas().queryParameters(c.message(t, "M"), nil); err == nil {
		t.Error("it passed")
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

func TestOnlyChangesTakeAnIdempotencyKey(t *testing.T) {
	for id, want := range map[string]bool{"OrderService_ListOrders": false, "OrderService_UpdateOrder": true, "OrderService_CancelOrder": true} {
		operation := operationOf(t, id)
		if got := slices.Contains(parameterNames(operation), idempotencyKey); got != want {
			t.Errorf("%s: the header is there: %v", id, got)
		}
		if got := operation.Responses.Status(200).Value.Headers["Drmhub-Mutation"] != nil; got != want {
			t.Errorf("%s: the answer's header is there: %v", id, got)
		}
	}
}

func TestAnUpdateTakesAPartOfTheResource(t *testing.T) {
	update := operationOf(t, "OrderService_UpdateOrder")
	if ref := update.RequestBody.Value.Content["application/json"].Schema.Ref; ref != schemaPrefix+"OrderPatch" {
		t.Errorf("got the body %s", ref)
	}
	schemas := documentOf(t, nil).Components.Schemas
	if len(schemas["OrderPatch"].Value.Required) != 0 || len(schemas["Order"].Value.Required) != 1 {
		t.Error("the whole resource has required fields, and its update has none")
	}
	if got := parameterNames(update); !slices.Equal(got, []string{"vendor", "siteOrder", "updateMask", "requestId", idempotencyKey}) {
		t.Errorf("got %v", got)
	}
}

func TestABodyLeavesOutWhatThePathHolds(t *testing.T) {
	cancel := operationOf(t, "OrderService_CancelOrder")
	if got := parameterNames(cancel); !slices.Equal(got, []string{"vendor", "siteOrder", idempotencyKey}) {
		t.Errorf("got %v", got)
	}
	body := documentOf(t, nil).Components.Schemas["CancelOrderRequest"].Value
	if body.Properties["name"] != nil || body.Properties["reason"] == nil || len(body.Required) != 0 {
		t.Errorf("got %v", jsonOf(t, body))
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
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, second) {
		t.Error("two runs differ")
	}
}
