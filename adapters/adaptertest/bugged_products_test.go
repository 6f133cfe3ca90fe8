package adaptertest_test

import (
	"context"

	"google.golang.org/protobuf/types/known/emptypb"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

func (b *bugged) ListProducts(ctx context.Context, req *pb.ListProductsRequest) (*pb.ListProductsResponse, error) {
	return reading(ctx, b, req, b.good.ListProducts)
}

func (b *bugged) GetProduct(ctx context.Context, req *pb.GetProductRequest) (*pb.Product, error) {
	return reading(ctx, b, req, b.good.GetProduct)
}

func (b *bugged) CreateProduct(ctx context.Context, req *pb.CreateProductRequest) (*pb.Product, error) {
	return writing(ctx, b, req, b.good.CreateProduct)
}

func (b *bugged) UpdateProduct(ctx context.Context, req *pb.UpdateProductRequest) (*pb.Product, error) {
	return writing(ctx, b, req, b.good.UpdateProduct)
}

func (b *bugged) ListProductLicenses(ctx context.Context, req *pb.ListProductLicensesRequest) (*pb.ListProductLicensesResponse, error) {
	return reading(ctx, b, req, b.good.ListProductLicenses)
}

func (b *bugged) GetProductLicense(ctx context.Context, req *pb.GetProductLicenseRequest) (*pb.ProductLicense, error) {
	return reading(ctx, b, req, b.good.GetProductLicense)
}

func (b *bugged) CreateProductLicense(ctx context.Context, req *pb.CreateProductLicenseRequest) (*pb.ProductLicense, error) {
	return writing(ctx, b, req, b.good.CreateProductLicense)
}

func (b *bugged) DeleteProductLicense(ctx context.Context, req *pb.DeleteProductLicenseRequest) (*emptypb.Empty, error) {
	return writing(ctx, b, req, b.good.DeleteProductLicense)
}

func (b *bugged) BatchCreateProductLicenses(ctx context.Context, req *pb.BatchCreateProductLicensesRequest) (*pb.BatchCreateProductLicensesResponse, error) {
	return writing(ctx, b, req, b.good.BatchCreateProductLicenses)
}

func (b *bugged) BatchDeleteProductLicenses(ctx context.Context, req *pb.BatchDeleteProductLicensesRequest) (*pb.BatchDeleteProductLicensesResponse, error) {
	return writing(ctx, b, req, b.good.BatchDeleteProductLicenses)
}

func (b *bugged) ReplaceProductLicense(ctx context.Context, req *pb.ReplaceProductLicenseRequest) (*pb.ProductLicense, error) {
	return writing(ctx, b, req, b.good.ReplaceProductLicense)
}
