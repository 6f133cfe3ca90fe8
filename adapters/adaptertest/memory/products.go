package memory

import (
	"context"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/paging"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var (
	_ adapters.ProductLister  = (*Adapter)(nil)
	_ adapters.ProductGetter  = (*Adapter)(nil)
	_ adapters.ProductCreator = (*Adapter)(nil)
	_ adapters.ProductUpdater = (*Adapter)(nil)
)

// ListProducts answers the vendor's products, a page at a time.
func (a *Adapter) ListProducts(ctx context.Context, req *pb.ListProductsRequest) (*pb.ListProductsResponse, error) {
	products, err := a.products(ctx)
	if err != nil {
		return nil, err
	}
	page, next, err := paging.Slice(req, products)
	return &pb.ListProductsResponse{Products: page, NextPageToken: next, TotalSize: int32(len(products))}, err
}

// GetProduct looks the product up in the vendor's list.
func (a *Adapter) GetProduct(ctx context.Context, req *pb.GetProductRequest) (*pb.Product, error) {
	products, err := a.products(ctx)
	return named(products, err, req.GetName(), "product")
}

// CreateProduct creates a product. Whether a lost one arrived is seen by a product of its name for
// people that was not there before.
func (a *Adapter) CreateProduct(ctx context.Context, req *pb.CreateProductRequest) (*pb.Product, error) {
	wanted := req.GetProduct()
	ofThisName := func(ctx context.Context) (*pb.ListProductsResponse, error) {
		products, err := a.products(ctx)
		products = slices.DeleteFunc(products, func(p *pb.Product) bool { return p.GetDisplayName() != wanted.GetDisplayName() })
		return &pb.ListProductsResponse{Products: products}, err
	}
	before, err := mutation.Snapshot(ctx, "before", ofThisName)
	if err != nil {
		return nil, err
	}
	send := func(ctx context.Context, _ mutation.Attempt) (*pb.Product, error) {
		created, err := a.vendor.AddProduct(ctx, wanted)
		if err != nil {
			return nil, a.explainWrite(ctx, err)
		}
		return a.product(created), nil
	}
	check := func(ctx context.Context) (*pb.Product, bool, error) {
		now, err := ofThisName(ctx)
		created := newcomer(before.GetProducts(), now.GetProducts())
		return created, created != nil, err
	}
	expect := func() *pb.Product {
		expected := proto.CloneOf(wanted)
		expected.Name = ""
		return expected
	}
	return mutation.Do(ctx, mutation.Write[*pb.Product]{Step: "create", Send: send, ReadBack: check, Preview: expect})
}

// UpdateProduct changes what the mask names.
func (a *Adapter) UpdateProduct(ctx context.Context, req *pb.UpdateProductRequest) (*pb.Product, error) {
	wanted := req.GetProduct()
	ids, err := names.Product.IDs(wanted.GetName())
	if err != nil {
		return nil, apierror.Invalid("product.name", "%v", err)
	}
	set := func(p *pb.Product) { copyFields(p, wanted, req.GetUpdateMask().GetPaths()) }
	read := func(ctx context.Context) (*pb.Product, error) {
		return a.GetProduct(ctx, &pb.GetProductRequest{Name: wanted.GetName()})
	}
	before, err := mutation.SnapshotExisting(ctx, "before", read, wanted)
	if err != nil {
		return nil, err
	}
	send := func(ctx context.Context, _ mutation.Attempt) (*pb.Product, error) {
		changed, err := a.vendor.ChangeProduct(ctx, ids[1], set)
		if err != nil {
			return nil, a.explainWrite(ctx, err)
		}
		return a.product(changed), nil
	}
	check := func(ctx context.Context) (*pb.Product, bool, error) {
		now, err := read(ctx)
		return now, isAs(now, set), err
	}
	expect := func() *pb.Product {
		set(before)
		return before
	}
	return mutation.Do(ctx, mutation.Write[*pb.Product]{Step: "update", Send: send, ReadBack: check, Preview: expect})
}

func (a *Adapter) products(ctx context.Context) ([]*pb.Product, error) {
	products, err := a.vendor.Products(ctx)
	if err != nil {
		return nil, a.explain(ctx, err)
	}
	for _, p := range products {
		a.product(p)
	}
	return products, nil
}

func (a *Adapter) product(held *pb.Product) *pb.Product {
	held.Name = names.Product.Name(a.id, held.GetName())
	return held
}

// newcomer is the first thing of now that was not there before, or nil.
func newcomer[M interface{ GetName() string }](before, now []M) (none M) {
	for _, n := range now {
		if !slices.ContainsFunc(before, func(b M) bool { return b.GetName() == n.GetName() }) {
			return n
		}
	}
	return none
}
