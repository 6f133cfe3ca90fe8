package services

import (
	"context"

	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

// productLicenses is the ProductLicenseService. Its Unsafe server makes a missing RPC a
// compile error.
type productLicenses struct {
	pb.UnsafeProductLicenseServiceServer
	vendors *vendors.Registry
}

var _ pb.ProductLicenseServiceServer = (*productLicenses)(nil)

func (s *productLicenses) ListProducts(
	ctx context.Context, req *pb.ListProductsRequest,
) (*pb.ListProductsResponse, error) {
	return list(ctx, s.vendors, adapters.ProductLister.ListProducts, req)
}

func (s *productLicenses) GetProduct(ctx context.Context, req *pb.GetProductRequest) (*pb.Product, error) {
	return delegate(ctx, s.vendors, req.GetName(), adapters.ProductGetter.GetProduct, req)
}

func (s *productLicenses) CreateProduct(ctx context.Context, req *pb.CreateProductRequest) (*pb.Product, error) {
	return delegate(ctx, s.vendors, req.GetParent(), adapters.ProductCreator.CreateProduct, req)
}

func (s *productLicenses) UpdateProduct(ctx context.Context, req *pb.UpdateProductRequest) (*pb.Product, error) {
	return delegate(ctx, s.vendors, req.GetProduct().GetName(), adapters.ProductUpdater.UpdateProduct, req)
}

func (s *productLicenses) ListProductLicenses(
	ctx context.Context, req *pb.ListProductLicensesRequest,
) (*pb.ListProductLicensesResponse, error) {
	return list(ctx, s.vendors, adapters.ProductLicenseLister.ListProductLicenses, req)
}

func (s *productLicenses) GetProductLicense(
	ctx context.Context, req *pb.GetProductLicenseRequest,
) (*pb.ProductLicense, error) {
	return delegate(ctx, s.vendors, req.GetName(), adapters.ProductLicenseGetter.GetProductLicense, req)
}

func (s *productLicenses) CreateProductLicense(
	ctx context.Context, req *pb.CreateProductLicenseRequest,
) (*pb.ProductLicense, error) {
	return delegate(ctx, s.vendors, req.GetParent(), adapters.ProductLicenseCreator.CreateProductLicense, req)
}

func (s *productLicenses) DeleteProductLicense(
	ctx context.Context, req *pb.DeleteProductLicenseRequest,
) (*emptypb.Empty, error) {
	return delegate(ctx, s.vendors, req.GetName(), adapters.ProductLicenseDeleter.DeleteProductLicense, req)
}

func (s *productLicenses) BatchCreateProductLicenses(
	ctx context.Context, req *pb.BatchCreateProductLicensesRequest,
) (*pb.BatchCreateProductLicensesResponse, error) {
	call := adapters.ProductLicenseBatchCreator.BatchCreateProductLicenses
	res, err := delegate(ctx, s.vendors, req.GetParent(), call, req)
	nameVendor(req.GetParent(), res.GetResults())
	return res, err
}

func (s *productLicenses) BatchDeleteProductLicenses(
	ctx context.Context, req *pb.BatchDeleteProductLicensesRequest,
) (*pb.BatchDeleteProductLicensesResponse, error) {
	call := adapters.ProductLicenseBatchDeleter.BatchDeleteProductLicenses
	res, err := delegate(ctx, s.vendors, req.GetParent(), call, req)
	nameVendor(req.GetParent(), res.GetResults())
	return res, err
}

// nameVendor adds the vendor id to the errors of a batch's items, as withVendor does for a call.
func nameVendor(parent string, results []*pb.ProductLicenseResult) {
	v := vendors.Vendor{ID: vendorOf(parent)}
	for _, r := range results {
		if r.GetError() != nil {
			named := apierror.Convert(withVendor(v, status.FromProto(r.GetError()).Err()))
			r.Result = &pb.ProductLicenseResult_Error{Error: named.GRPCStatus().Proto()}
		}
	}
}

func (s *productLicenses) ReplaceProductLicense(
	ctx context.Context, req *pb.ReplaceProductLicenseRequest,
) (*pb.ProductLicense, error) {
	return delegate(ctx, s.vendors, req.GetName(), adapters.ProductLicenseReplacer.ReplaceProductLicense, req)
}
