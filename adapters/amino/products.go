package amino

import (
	"context"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// ListProducts is GET /products.
func (a *Adapter) ListProducts(ctx context.Context, req *pb.ListProductsRequest) (*pb.ListProductsResponse, error) {
	rows, next, err := page[productResource](ctx, a, req, productsPath, nil)
	if err != nil {
		return nil, err
	}
	res := &pb.ListProductsResponse{NextPageToken: next}
	for _, row := range rows {
		res.Products = append(res.Products, a.product(row))
	}
	return res, nil
}

// GetProduct is GET /products/{product_id}.
func (a *Adapter) GetProduct(ctx context.Context, req *pb.GetProductRequest) (*pb.Product, error) {
	return a.findProduct(ctx, req.GetName())
}

func (a *Adapter) findProduct(ctx context.Context, name string) (*pb.Product, error) {
	row, err := a.productRow(ctx, name)
	if err != nil {
		return nil, err
	}
	return a.product(row), nil
}

// productRow returns the product of this name as AminoTV shows it.
func (a *Adapter) productRow(ctx context.Context, name string) (productResource, error) {
	id, err := a.productID("name", name)
	if err != nil {
		return productResource{}, err
	}
	row, err := one[productResource](ctx, a, productPath(id))
	if isNotFound(err) {
		err = withMessage(err, "AminoTV holds no product "+name)
	}
	return row, err
}

func (a *Adapter) productID(field, name string) (string, error) {
	ids, err := names.Product.IDs(name)
	switch {
	case err != nil:
		return "", apierror.Invalid(field, "%v", err)
	case ids[0] != a.id:
		return "", apierror.Invalid(field, "must be of the vendor %s", names.Vendor.Name(a.id))
	}
	return ids[1], nil
}

// CreateProduct is POST /products. A lost request is read back from the list: if it arrived, the list
// has a new product like the one wanted. A product without a name cannot be recognized, so its
// creation is not read back.
func (a *Adapter) CreateProduct(ctx context.Context, req *pb.CreateProductRequest) (*pb.Product, error) {
	wanted := req.GetProduct()
	if err := checkProductName(wanted.GetDisplayName()); err != nil {
		return nil, err
	}
	creation := mutation.Create[*pb.Product]{
		Step: "create",
		Send: func(ctx context.Context, _ mutation.Attempt) (*pb.Product, error) {
			body := productResource{Type: productType, Attributes: a.productBody(wanted)}
			row, err := create(ctx, a, productsPath, body)
			if err != nil {
				return nil, err
			}
			if row.Attributes == (productAttributes{}) { // The answer holds only the id.
				created := proto.CloneOf(wanted)
				created.Name = a.productName(row.ID)
				return created, nil
			}
			return a.product(row), nil
		},
		Preview: func() *pb.Product {
			p := proto.CloneOf(wanted)
			p.Name = ""
			return p
		},
	}
	if wanted.GetDisplayName() == "" {
		return mutation.DoCreate(ctx, creation)
	}
	before, err := mutation.SnapshotNames(ctx, "before", a.allProducts)
	if err != nil {
		return nil, err
	}
	creation.Before = before
	creation.List = func(ctx context.Context) ([]*pb.Product, error) {
		held, err := a.allProducts(ctx)
		return slices.DeleteFunc(held, func(p *pb.Product) bool { return !isLike(p, wanted) }), err
	}
	return mutation.DoCreate(ctx, creation)
}

// allProducts returns all products of the operator.
func (a *Adapter) allProducts(ctx context.Context) ([]*pb.Product, error) {
	held, err := all[productResource](ctx, a, productsPath)
	products := make([]*pb.Product, len(held))
	for i, row := range held {
		products[i] = a.product(row)
	}
	return products, err
}

// checkProductName refuses a name that AminoTV may store as another one. A product is found again by
// its name.
func checkProductName(name string) error {
	if strings.TrimSpace(name) != name {
		return apierror.Invalid("product.display_name", "must not begin or end with a blank: AminoTV may drop it, "+
			"and then drmhub could not find the product again")
	}
	return nil
}

// isLike reports whether a product has everything that a wanted one sets.
func isLike(p, wanted *pb.Product) bool {
	return wanted.GetDisplayName() == p.GetDisplayName() &&
		(wanted.GetDescription() == "" || wanted.GetDescription() == p.GetDescription()) &&
		(wanted.GetPrice() == nil || proto.Equal(wanted.GetPrice(), p.GetPrice())) &&
		wanted.GetBuyable() == p.GetBuyable() &&
		wanted.GetVisible() == p.GetVisible() &&
		wanted.GetRecurring() == p.GetRecurring()
}
