package services_test

import (
	"context"
	"testing"

	"google.golang.org/grpc/status"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// halves is an adapter whose batches succeed in their first item alone.
type halves struct{ bare }

func (halves) results() []*pb.ProductLicenseResult {
	failed := apierror.NotFound("there is no such thing").With(apierror.VendorCode, "4711").GRPCStatus().Proto()
	return []*pb.ProductLicenseResult{
		{Result: &pb.ProductLicenseResult_ProductLicense{ProductLicense: &pb.ProductLicense{Name: "vendors/v/productLicenses/l"}}},
		{Result: &pb.ProductLicenseResult_Error{Error: failed}},
	}
}

func (h halves) BatchCreateProductLicenses(context.Context, *pb.BatchCreateProductLicensesRequest) (*pb.BatchCreateProductLicensesResponse, error) {
	return &pb.BatchCreateProductLicensesResponse{Results: h.results()}, nil
}

func (h halves) BatchDeleteProductLicenses(context.Context, *pb.BatchDeleteProductLicensesRequest) (*pb.BatchDeleteProductLicensesResponse, error) {
	return &pb.BatchDeleteProductLicensesResponse{Results: h.results()}, nil
}

func TestTheErrorOfAnItemNamesTheVendor(t *testing.T) {
	conn, _ := serve(t, configured("v", halves{}))
	client := pb.NewProductLicenseServiceClient(conn)
	created, err := client.BatchCreateProductLicenses(t.Context(), &pb.BatchCreateProductLicensesRequest{Parent: "vendors/v"})
	if err != nil {
		t.Fatal(err)
	}
	deleted, err := client.BatchDeleteProductLicenses(t.Context(), &pb.BatchDeleteProductLicensesRequest{Parent: "vendors/v"})
	if err != nil {
		t.Fatal(err)
	}
	for _, results := range [][]*pb.ProductLicenseResult{created.GetResults(), deleted.GetResults()} {
		if len(results) != 2 || results[0].GetProductLicense().GetName() != "vendors/v/productLicenses/l" {
			t.Fatalf("%v", results)
		}
		e := apierror.Convert(status.FromProto(results[1].GetError()).Err())
		if e.Message != "there is no such thing" || e.Metadata[apierror.VendorCode] != "4711" {
			t.Errorf("the item's error is %v %v", e, e.Metadata)
		}
		wantVendor(t, e, "v")
	}
}
