package validation_test

import (
	"testing"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

func TestAnItemOfABatchHasNoRequestIDAndIsNotTriedAlone(t *testing.T) {
	const id = "6f2a4f5e-3a4c-4b83-9d0c-0b6f3c1c2d11"
	item := func(requestID string, validateOnly bool) *pb.CreateProductLicenseRequest {
		return &pb.CreateProductLicenseRequest{ProductLicense: &pb.ProductLicense{User: "u", Product: "vendors/v/products/p"}, RequestId: requestID, ValidateOnly: validateOnly}
	}
	batch := func(items ...*pb.CreateProductLicenseRequest) *pb.BatchCreateProductLicensesRequest {
		return &pb.BatchCreateProductLicensesRequest{Parent: "vendors/v", Requests: items, RequestId: id, ValidateOnly: true}
	}
	v := newValidator(t)
	wantViolated(t, v.Request(batch(item("", false), item("", false))))
	wantViolated(t, v.Request(batch(item("", false), item(id, false))), "requests[1].request_id")
	wantViolated(t, v.Request(batch(item("no UUID", true), item("", true))), "requests[0].request_id", "requests[0].validate_only", "requests[1].validate_only")

	alone := item(id, true)
	alone.Parent = "vendors/v"
	wantViolated(t, v.Request(alone))
}
