package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func examplesOf(t *testing.T, name, text string) map[string]example {
	t.Helper()
	examples, err := readExamples(fstest.MapFS{"examples/" + name: {Data: []byte(text)}})
	if err != nil {
		t.Fatal(err)
	}
	return examples
}

func TestAnAnswerIsShownWithAllItsFields(t *testing.T) {
	const text = `{"request": {"displayName": "B"}, "response": {"displayName": "B"}}`
	doc := documentOf(t, examplesOf(t, "OrderService_UpdateOrder.json", text))
	update := doc.Paths.Value("/v1/vendors/{vendor}/siteOrders/{siteOrder}").Patch
	request := update.RequestBody.Value.Content["application/json"].Example.(map[string]any)
	if len(request) != 1 || request["displayName"] != "B" {
		t.Errorf("the request shows %v", request)
	}
	response := update.Responses.Status(200).Value.Content["application/json"].Example.(map[string]any)
	created, shown := response["createTime"]
	if response["displayName"] != "B" || response["name"] != "" || !shown || created != nil {
		t.Errorf("the answer shows %v", response)
	}
}

func TestAnExampleOfAStreamIsARow(t *testing.T) {
	doc := documentOf(t, examplesOf(t, "OrderService_StreamOrders.json", `{"response": {"displayName": "B"}}`))
	stream := doc.Paths.Value("/v1/vendors/{vendor}/siteOrders:stream").Get
	row := stream.Responses.Status(200).Value.Content["application/x-ndjson"].Example.(map[string]any)
	if row["displayName"] != "B" {
		t.Errorf("got %v", row)
	}
}

func TestAnExampleThatTheContractDoesNotKnowIsRefused(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"OrderService_ListOrders.json", `{"response": {"color": "red"}}`, "is no drmhub.v1.ListOrdersResponse"},
		{"OrderService_CancelOrder.json", `{"request": {"reason": 5}}`, "is no drmhub.v1.CancelOrderRequest"},
		{"OrderService_ListOrders.json", `{"request": {"pageSize": 5}}`, "takes no body"},
		{"OrderService_ListOrders.json", `{"parameters": {"site": "B"}}`, "the parameter site, which it does not take"},
		{"OrderService_Gone.json", `{}`, "belongs to no operation"},
	} {
		_, err := describe(contractOf(t, testdata(t, "orders.proto")), examplesOf(t, test.name, test.text))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got the error %v, want one with %q", test.name, err, test.want)
		}
	}
	if _, err := readExamples(fstest.MapFS{"examples/X.json": {Data: []byte("{")}}); err == nil {
		t.Error("a broken file passed")
	}
}

func TestEachParameterHasAnExampleThatWorks(t *testing.T) {
	const text = `{"parameters": {"vendor": "v", "filter.tags": ["a"]}, "options": {"filter.userId": "u"}}`
	doc := documentOf(t, examplesOf(t, "OrderService_CountOrders.json", text))
	var got []string
	for _, reference := range doc.Paths.Value("/v1/vendors/{vendor}/orderCount").Get.Parameters {
		p := reference.Value
		got = append(got, fmt.Sprint(p.Name, p.Example, p.Schema.Value.Examples))
	}
	want := []string{"vendorv[]", "pageSize10 []", "filter.userId<nil> [u]", "filter.tags[a] []"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	missing := withoutExamples(doc)
	if !slices.Contains(missing, "examples/OrderService_ListOrders.json lacks the parameter filter.color") ||
		!slices.Contains(missing, "examples/OrderService_CancelOrder.json lacks the request") ||
		strings.Contains(strings.Join(missing, "\n"), "CountOrders") {
		t.Errorf("got %q", missing)
	}
}
