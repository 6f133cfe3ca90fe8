package gateway_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/gateway"
)

// FuzzBody checks that a body is taken exactly if it is the message, read strictly. Otherwise the
// response is an error body.
func FuzzBody(f *testing.F) {
	for _, seed := range []string{
		``, ` `, `{}`, `{"requests":[{"productLicense":{"user":"u","startTime":"2026-01-31T09:00:00Z"}}]}`,
		`{"requests":[{},{"x":1}]}`, `{"requests":{}}`, `{"requestId":"a","request_id":"b"}`,
		"{\n\"requestId\":\n\"\xff\"}", `{"requestId":"\ud800"}`, `[[[[`, `{"a":{"b":[1,{"c":`, `{}{}`, `null`,
		`{"requestId":"(line 9:9): unknown field"`,
		`{"parent":"vendors/%76"}`, `{"parent":"vendors/w"}`, `{"requests":[{}` + strings.Repeat(",{}", 1000) + `]}`,
		`{"requestId":"[,\\\",,"}`,
	} {
		f.Add(seed)
	}
	var got proto.Message
	h := backend{call: func(_ context.Context, _ string, req proto.Message) (proto.Message, error) {
		got = req
		return nil, nil
	}}.handler(f, gateway.Options{})
	f.Fuzz(func(t *testing.T, body string) {
		got = nil
		r := record(h, &http.Request{
			Method: "POST", URL: &url.URL{Path: "/v1/vendors/v/productLicenses:batchCreate"},
			Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)),
		})
		var want pb.BatchCreateProductLicensesRequest
		err := protojson.Unmarshal([]byte(body), &want)
		parent, _ := names.Canonical(want.GetParent())
		elsewhere := want.GetParent() != "" && parent != "vendors/v"
		want.Parent = "vendors/v"
		switch {
		case r.status != http.StatusOK:
			parseFailure(t, r.body.String())
			if err == nil && !elsewhere && len(want.GetRequests()) <= 1000 {
				t.Errorf("refused: %s", r.body.String())
			}
		case strings.TrimSpace(body) != "" && err != nil:
			t.Errorf("taken, though %v", err)
		case strings.TrimSpace(body) != "" && !proto.Equal(got, &want):
			t.Errorf("got %v, want %v", got, &want)
		}
	})
}

// known matches the parameters of ListSiteOrders.
var known = regexp.MustCompile(`^(page(Size|_size|Token|_token)|filter\.(start(Date|_date)|end(Date|_date)|` +
	`vendor(Status|_status)|account(Id|_id)|site(Id|_id)))$`)

// FuzzQuery checks that no parameter is dropped. A query that is not taken gets an error body.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{
		"", "pageSize=1", "page_size=1&pageSize=1", "filter.startDate=2026-01-31", "filter=", "filter.=", ".=",
		"&&", "%zz", "a;b", "pageToken=%ff", "parent=x", "filter.siteId.x=1", "filter[siteId]=1",
		"pageSize", "filter.siteId=a&filter.site_id=b",
	} {
		f.Add(seed)
	}
	called := false
	h := backend{call: func(context.Context, string, proto.Message) (proto.Message, error) {
		called = true
		return nil, nil
	}}.handler(f, gateway.Options{})
	f.Fuzz(func(t *testing.T, query string) {
		called = false
		to := &url.URL{Path: "/v1/vendors/v/siteOrders", RawQuery: query}
		r := record(h, &http.Request{Method: "GET", URL: to, Header: http.Header{}, Body: http.NoBody})
		if called != (r.status == http.StatusOK) {
			t.Errorf("HTTP %d, called: %t", r.status, called)
		}
		if r.status != http.StatusOK {
			parseFailure(t, r.body.String())
			return
		}
		sent, _ := url.ParseQuery(query)
		for key := range sent {
			if !known.MatchString(key) {
				t.Errorf("%q was dropped", key)
			}
		}
	})
}
