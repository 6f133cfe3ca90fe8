package gateway_test

import (
	"context"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// TestFieldsHaveTheNamesOfTheCaller makes requests that are refused. The services use the proto
// names, and the caller sees its own.
func TestFieldsHaveTheNamesOfTheCaller(t *testing.T) {
	var refusal error
	refuses := streaming(func(*pb.StreamLicensesRequest, streamServer) error { return refusal })
	refuses.call = func(context.Context, string, proto.Message) (proto.Message, error) { return nil, refusal }
	s := refuses.serve(t)
	const licenses, products = "/v1/vendors/v/sites/s/licenses", "/v1/vendors/v/products"
	const batch, orders = "/v1/vendors/v/productLicenses:batchCreate", "/v1/vendors/v/siteOrders"
	for _, c := range []struct{ call, body, refusal, want string }{
		// parameters
		{"GET " + licenses + "?pageSize=-1", "", "page_size: is wrong", "pageSize: is wrong"},
		{"GET " + licenses + "?page_size=-1", "", "page_size: is wrong", "page_size: is wrong"},
		{"GET " + licenses, "", "page_token: is wrong", "pageToken: is wrong"},
		{"GET " + licenses + "?filter.startTime=2026-01-31T09:00:00Z", "", "filter.start_time: is wrong",
			"filter.startTime: is wrong"},
		{"GET " + licenses + "?filter.start_time=2026-01-31T09:00:00Z", "", "filter: start_time is after end_time.",
			"filter: start_time is after endTime."},
		{"GET " + licenses + "?filter.startTime=2026-01-31T09:00:00Z", "", "filter: start_time is after end_time",
			"filter: startTime is after endTime"},
		{"GET " + licenses, "", "filter.content_id must be set", "filter.contentId must be set"},
		{"GET " + licenses + ":stream?filter.user_id=u", "", "filter.user_id: is bad", "filter.user_id: is bad"},
		{"GET /v1/vendors/v/sites/s/usage", "", "name: is wrong", "name: is wrong"},
		// a body that is the resource
		{"POST " + orders, `{"displayName":"a"}`, "site_order.display_name: is wrong", "displayName: is wrong"},
		{"POST " + orders, `{"display_name":"a"}`, "site_order.display_name: is wrong", "display_name: is wrong"},
		{"POST " + orders, `{}`, "site_order.policy_id: needs site_order.display_name",
			"policyId: needs displayName"},
		{"POST " + orders, `{"fairplayCertificate":{"private_key_uri":"u"}}`,
			"site_order.fairplay_certificate.private_key_uri: needs certificate_uri",
			"fairplayCertificate.private_key_uri: needs certificateUri"},
		{"POST " + orders, `{}`, "site_order: is wrong", "is wrong"},
		{"POST " + orders, `{"fairplayCertificate":{"private_key_uri":"u"}}`, "set private_key_uri or certificate_uri",
			"set private_key_uri or certificateUri"},
		{"POST " + orders + "?validateOnly=true", `{}`, "a site_order takes no validate_only",
			"a siteOrder takes no validateOnly"},
		{"PATCH " + products + "/p", `{}`, "product.name: is wrong", "name: is wrong"},
		// a body that is the request
		{"POST " + batch, `{"requests":[{},{"productLicense":{"order_id":"o"}}]}`,
			"requests[1].product_license.order_id: repeats requests[0].product_license.order_id",
			"requests[1].productLicense.order_id: repeats requests[0].productLicense.orderId"},
		{"POST " + batch, `{"requests":[{"product_license":{"orderId":"o"}}]}`,
			"requests[0].product_license.order_id: differs from start_time",
			"requests[0].product_license.orderId: differs from startTime"},
		{"POST " + batch, `{"requests":[]}`, "requests[7].request_id: is wrong; validate_only: is wrong",
			"requests[7].requestId: is wrong; validateOnly: is wrong"},
		// masks
		{"PATCH " + products + "/p?updateMask=displayNam,price", `{}`,
			`update_mask: "display_nam" is no field, display_name is one`,
			`updateMask: "displayNam" is no field, displayName is one`},
		{"PATCH " + products + "/p?update_mask=display_name", `{}`, "update_mask: display_name is fixed",
			"update_mask: display_name is fixed"},
		{"PATCH " + products + "/p", `{"display_name":"a"}`, "update_mask: display_name is fixed",
			"updateMask: display_name is fixed"},
		// the request_id
		{"POST /v1/vendors/v/sites/s:disable", `{"requestId":"a"}`, "Retry with the same request_id.",
			"Retry with the same requestId."},
		{"POST /v1/vendors/v/sites/s:disable", `{"request_id":"a"}`, "Retry with the same request_id.",
			"Retry with the same request_id."},
		{"POST /v1/vendors/v/sites/s:disable", "KEY", "request_id 7 was used",
			"Idempotency-Key 7 was used"},
		{"POST /v1/vendors/v/members?requestId=a", "KEY", "request_id: differs from the Idempotency-Key header",
			"requestId: differs from the Idempotency-Key header"},
		// what is no name
		{"GET " + licenses, "", `is "page_size", from /x/page_size, page_size/x, a@user_id and vendor page-size_x`,
			`is "page_size", from /x/page_size, page_size/x, a@user_id and vendor page-size_x`},
		{"GET " + licenses, "", "check base_url and store.digest_key, e.g. in drmhub.yaml: page_size",
			"check base_url and store.digest_key, e.g. in drmhub.yaml: pageSize"},
	} {
		e := apierror.New(codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED, "%s", c.refusal)
		if before, _, ok := strings.Cut(c.refusal, ": "); ok && !strings.Contains(before, " ") {
			e = apierror.InvalidRequest(violationsOf(c.refusal)...)
		}
		refusal = e
		method, path, _ := strings.Cut(c.call, " ")
		var headers []string
		if c.body == "KEY" {
			c.body, headers = "{}", []string{"Idempotency-Key: a"}
		}
		f := parseFailure(t, send(t, s, method, path, c.body, headers...).text)
		if f.Message != c.want || len(e.Violations) > 0 && f.violations() != c.want {
			t.Errorf("%s %s: %q, and %q; want %q", c.call, c.body, f.Message, f.violations(), c.want)
		}
	}
}

// violationsOf reads violations such as "a: is wrong; b: is wrong".
func violationsOf(text string) (all []*errdetails.BadRequest_FieldViolation) {
	for one := range strings.SplitSeq(text, "; ") {
		field, description, _ := strings.Cut(one, ": ")
		all = append(all, &errdetails.BadRequest_FieldViolation{Field: field, Description: description})
	}
	return all
}

func TestTheVendorsTextKeepsItsWords(t *testing.T) {
	s := backend{call: func(context.Context, string, proto.Message) (proto.Message, error) {
		const text = "user_id is wrong"
		const reason = pb.ErrorReason_VENDOR_REJECTED
		e := apierror.New(codes.FailedPrecondition, reason, "page_size: the vendor said: %s", text)
		return nil, e.With(apierror.VendorMessage, text)
	}}.serve(t)
	f := parseFailure(t, send(t, s, "GET", "/v1/vendors/v/sites/s/licenses", "").text)
	if f.Message != "pageSize: the vendor said: user_id is wrong" {
		t.Error(f.Message)
	}
}

func TestItemsOfABatchHaveTheNamesOfTheCaller(t *testing.T) {
	failed := func(field string) *pb.ProductLicenseResult {
		e := apierror.Invalid(field, "must be before product_license.stop_time")
		return &pb.ProductLicenseResult{Result: &pb.ProductLicenseResult_Error{Error: e.GRPCStatus().Proto()}}
	}
	kept := &pb.BatchCreateProductLicensesResponse{Results: []*pb.ProductLicenseResult{
		{}, failed("product_license.start_time"), failed("requests[2].product_license.start_time"),
	}}
	s := backend{call: func(context.Context, string, proto.Message) (proto.Message, error) {
		return kept, nil
	}}.serve(t)
	before := proto.CloneOf(kept)
	r := send(t, s, "POST", "/v1/vendors/v/productLicenses:batchCreate",
		`{"requests":[{},{"product_license":{"startTime":"2026-01-31T09:00:00Z"}},{}]}`)
	for _, want := range []string{
		`"product_license.startTime: must be before product_license.stopTime"`,
		`"requests[2].productLicense.startTime: must be before productLicense.stopTime"`,
	} {
		if !strings.Contains(strings.ReplaceAll(r.text, `": "`, `":"`), want) {
			t.Errorf("no %s: %s", want, r.text)
		}
	}
	if !proto.Equal(kept, before) {
		t.Error("the response of the service was changed")
	}
}
