package memory

import (
	"context"

	"google.golang.org/protobuf/proto"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// ListProducts returns a page of the vendor's products.
func (a *Adapter) ListProducts(ctx context.Context, req *pb.ListProductsRequest) (*pb.ListProductsResponse, error) {
	products, next, total, err := page(ctx, req, a.vendor.Products.List)
	return &pb.ListProductsResponse{Products: products, NextPageToken: next, TotalSize: total}, err
}

// GetProduct looks the product up in the vendor's list.
func (a *Adapter) GetProduct(ctx context.Context, req *pb.GetProductRequest) (*pb.Product, error) {
	return a.vendor.Products.Get(ctx, req.GetName())
}

// CreateProduct creates a product.
func (a *Adapter) CreateProduct(ctx context.Context, req *pb.CreateProductRequest) (*pb.Product, error) {
	wanted := proto.CloneOf(req.GetProduct())
	wanted.Name = ""
	return create(ctx, a.vendor.Products, wanted, func(p *pb.Product) bool {
		return p.GetDisplayName() == wanted.GetDisplayName()
	})
}

// UpdateProduct changes what the mask names.
func (a *Adapter) UpdateProduct(ctx context.Context, req *pb.UpdateProductRequest) (*pb.Product, error) {
	wanted, products := req.GetProduct(), a.vendor.Products
	change := fields(wanted, req.GetUpdateMask().GetPaths())
	return update(ctx, products, products.Named(wanted.GetName()), change, wanted)
}
