package amino

import (
	"context"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/upstream/jsonx"
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
	row, err := one[productResource](ctx, a, productsPath, id)
	if isNotFound(err) {
		err = withMessage(err, "AminoTV holds no product "+name)
	}
	return row, err
}

// wantProduct fails unless AminoTV holds the product of this name.
func (a *Adapter) wantProduct(ctx context.Context, name string) error {
	id, err := a.productID("name", name)
	if err != nil {
		return err
	}
	if _, err = one[resource[productIdentity, struct{}]](ctx, a, productsPath, id); isNotFound(err) {
		err = withMessage(err, "AminoTV holds no product "+name)
	}
	return err
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

// CreateProduct is POST /products. A lost request is read back from the list: if it arrived, the
// list has a new product like the one wanted. A product without a name cannot be recognized, so its
// creation is not read back.
func (a *Adapter) CreateProduct(ctx context.Context, req *pb.CreateProductRequest) (*pb.Product, error) {
	wanted := req.GetProduct()
	if err := checkProductName(wanted.GetDisplayName()); err != nil {
		return nil, err
	}
	var creation mutation.Create[*pb.Product]
	creation = mutation.Create[*pb.Product]{
		Step: "create",
		Send: func(ctx context.Context, _ mutation.Attempt) (*pb.Product, error) {
			return a.newProduct(ctx, wanted, creation.Before)
		},
		Preview: func() *pb.Product {
			p := proto.CloneOf(wanted)
			p.Name = ""
			return p
		},
	}
	if wanted.GetDisplayName() == "" {
		creation.Send = func(ctx context.Context, _ mutation.Attempt) (*pb.Product, error) {
			made, err := a.newProduct(ctx, wanted, nil)
			return made, mutation.DoubtForeign(err, "AminoTV")
		}
		return mutation.DoCreate(ctx, creation)
	}
	before, err := mutation.SnapshotNames(ctx, "before", func(ctx context.Context) ([]*pb.Product, error) {
		rows, whole, err := all[productResource](ctx, a, productsPath)
		var held []*pb.Product
		for _, row := range rows {
			held = append(held, a.product(row.row))
		}
		if !whole {
			held = append(held, &pb.Product{Name: partlyListed})
		}
		return held, err
	})
	if err != nil {
		return nil, err
	}
	creation.Before = before
	creation.List = func(ctx context.Context) ([]*pb.Product, error) { return a.likeProducts(ctx, wanted, before) }
	return mutation.DoCreate(ctx, creation)
}

// newProduct posts a product. AminoTV had the products in before.
func (a *Adapter) newProduct(ctx context.Context, wanted *pb.Product, before []string) (*pb.Product, error) {
	isNew := func(row productResource) bool { return !slices.Contains(before, a.productName(row.ID)) }
	body := productResource{Type: productType, Attributes: a.productBody(wanted)}
	row, err := create(ctx, a, productsPath, body, func(shown productResource) bool {
		return wanted.GetDisplayName() != "" && isNew(shown) && isLike(a.product(shown), wanted)
	})
	switch {
	case err != nil:
		return nil, err
	case !isNew(row):
		return nil, apierror.OutcomeUnknown("Outcome unknown: AminoTV reported success to POST %s with the older "+
			"product %s"+mutation.RetryAdvice, productsPath, a.productName(row.ID))
	case row.Attributes == (productAttributes{}) || isLike(a.product(row), wanted):
		return a.productOr(row, wanted), nil
	}
	// The response may hold a part of the product, or AminoTV did not take all of it.
	if shown, err := a.productRow(ctx, a.productName(row.ID)); err == nil {
		return a.product(shown), nil
	}
	return a.productOr(row, wanted), nil
}

// likeProducts returns the products that are like a wanted one and were not there before. It fails
// if nobody can say which are.
func (a *Adapter) likeProducts(ctx context.Context, wanted *pb.Product, before []string) ([]*pb.Product, error) {
	rows, whole, err := all[productResource](ctx, a, productsPath)
	if err != nil {
		return nil, err
	}
	var like []*pb.Product
	for _, row := range rows {
		p := a.product(row.row)
		switch {
		case slices.Contains(before, p.GetName()):
		case row.unreadable != nil && (p.GetDisplayName() == "" || p.GetDisplayName() == wanted.GetDisplayName()):
			return nil, row.unreadable
		case isLike(p, wanted):
			like = append(like, p)
		case isLike(ungarbled(p, wanted), wanted):
			return nil, invalidList("shows the new product "+p.GetName()+", which may be the wanted one with a "+
				"garbled text. Look for it at AminoTV.", productsPath)
		}
	}
	switch {
	case len(like) > 0 && slices.Contains(before, partlyListed):
		return nil, invalidList("may have had more rows before the creation than AminoTV showed, so drmhub cannot "+
			"tell a new product from an older one. Look for it at AminoTV, and check offset_parameter.", productsPath)
	case len(like) == 0 && !whole:
		return nil, invalidList("may have more rows than AminoTV shows. Check offset_parameter.", productsPath)
	}
	return like, nil
}

// ungarbled returns a product with the texts of a wanted one in place of those that were garbled
// and may be the same.
func ungarbled(p, wanted *pb.Product) *pb.Product {
	p = proto.CloneOf(p)
	if jsonx.MayBe(p.GetDisplayName(), wanted.GetDisplayName()) {
		p.DisplayName = wanted.GetDisplayName()
	}
	if jsonx.MayBe(p.GetDescription(), wanted.GetDescription()) {
		p.Description = wanted.GetDescription()
	}
	return p
}

// checkProductName refuses a name that AminoTV may store as another one. A product is found again
// by its name.
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
