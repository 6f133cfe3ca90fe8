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
	id, err := a.productID("name", name)
	if err != nil {
		return nil, err
	}
	row, err := one[productResource](ctx, a, productPath(id))
	switch {
	case isNotFound(err):
		return nil, withMessage(err, "AminoTV holds no product "+name)
	case err != nil:
		return nil, err
	}
	return a.product(row), nil
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

// CreateProduct is POST /products. Whether a lost request arrived is read back from the list: it
// then has a product like the one wanted that it did not have before. One without a name could be
// anybody's, so that this is not read back.
func (a *Adapter) CreateProduct(ctx context.Context, req *pb.CreateProductRequest) (*pb.Product, error) {
	wanted := req.GetProduct()
	w := mutation.Write[*pb.Product]{
		Step: "create",
		Send: func(ctx context.Context, _ mutation.Attempt) (*pb.Product, error) {
			row, err := create(ctx, a, productsPath, productResource{Type: productType, Attributes: productBody(wanted)})
			if err != nil {
				return nil, err
			}
			return a.product(row), nil
		},
		Preview: func() *pb.Product {
			p := proto.CloneOf(wanted)
			p.Name = ""
			return p
		},
	}
	if err := checkProductName(wanted.GetDisplayName()); err != nil {
		return nil, err
	}
	if wanted.GetDisplayName() == "" {
		return mutation.Do(ctx, w)
	}
	before, err := mutation.Snapshot(ctx, "before", func(ctx context.Context) (*pb.ListProductsResponse, error) {
		// All of them, and not those like it alone: one that becomes like it later has not arrived.
		held, err := all[productResource](ctx, a, productsPath)
		known := &pb.ListProductsResponse{}
		for _, row := range held {
			known.Products = append(known.Products, &pb.Product{Name: a.product(row).GetName()})
		}
		return known, err
	})
	if err != nil {
		return nil, err
	}
	w.ReadBack = func(ctx context.Context) (*pb.Product, bool, error) {
		alike, err := a.productsLike(ctx, wanted)
		for _, p := range alike {
			if !slices.ContainsFunc(before.GetProducts(), func(b *pb.Product) bool { return b.GetName() == p.GetName() }) {
				return p, true, nil
			}
		}
		return nil, false, err
	}
	return mutation.Do(ctx, w)
}

// checkProductName refuses what AminoTV may store as another name: a product is found again by its
// name.
func checkProductName(name string) error {
	if strings.TrimSpace(name) != name {
		return apierror.Invalid("product.display_name", "must neither begin nor end with a blank: AminoTV may drop it, and the product could not be found again")
	}
	return nil
}

// productsLike are the products that hold everything that a wanted one says.
func (a *Adapter) productsLike(ctx context.Context, wanted *pb.Product) ([]*pb.Product, error) {
	held, err := all[productResource](ctx, a, productsPath)
	var alike []*pb.Product
	for _, row := range held {
		p := a.product(row)
		if wanted.GetDisplayName() == p.GetDisplayName() &&
			(wanted.GetDescription() == "" || wanted.GetDescription() == p.GetDescription()) &&
			(wanted.GetPrice() == nil || proto.Equal(wanted.GetPrice(), p.GetPrice())) &&
			wanted.GetBuyable() == p.GetBuyable() && wanted.GetVisible() == p.GetVisible() && wanted.GetRecurring() == p.GetRecurring() {
			alike = append(alike, p)
		}
	}
	return alike, err
}

func (a *Adapter) product(row productResource) *pb.Product {
	attributes := row.Attributes
	return &pb.Product{
		Name:        a.productName(row.ID),
		DisplayName: attributes.Name,
		Description: attributes.Description,
		Buyable:     attributes.IsBuyable,
		Visible:     attributes.IsVisible,
		Price:       price(attributes.PriceAmount, attributes.PriceCurrency),
		Recurring:   attributes.Recurring,
	}
}

func productBody(p *pb.Product) productAttributes {
	attributes := productAttributes{
		Name: p.GetDisplayName(), Description: p.GetDescription(), IsBuyable: p.GetBuyable(), IsVisible: p.GetVisible(), Recurring: p.GetRecurring(),
	}
	if p.GetPrice() != nil {
		attributes.PriceAmount, attributes.PriceCurrency = &p.Price.Amount, p.GetPrice().GetCurrency()
	}
	return attributes
}
