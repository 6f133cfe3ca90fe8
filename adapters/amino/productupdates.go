package amino

import (
	"context"
	"net/http"

	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// UpdateProduct is PATCH /products/{product_id} with what the mask names, read back. No page
// documents it, so an account supports it only if its configuration says so.
func (a *Adapter) UpdateProduct(ctx context.Context, req *pb.UpdateProductRequest) (*pb.Product, error) {
	wanted, mask := req.GetProduct(), req.GetUpdateMask().GetPaths()
	id, err := a.productID("product.name", wanted.GetName())
	if err != nil {
		return nil, err
	}
	attributes, err := changedAttributes(wanted, mask)
	if err != nil {
		return nil, err
	}
	read := func(ctx context.Context) (*pb.Product, error) { return a.findProduct(ctx, wanted.GetName()) }
	before, err := mutation.SnapshotExisting(ctx, "before", read, wanted)
	if err != nil {
		return nil, err
	}
	return mutation.DoUpdate(ctx, mutation.Update[*pb.Product]{
		Vendor: vendorName, Step: "update", Before: before, Read: read,
		Change: func(p *pb.Product) { applyProduct(p, wanted, mask) },
		Send: func(ctx context.Context) error {
			body := a.body(map[string]any{"type": productType, "id": id, "attributes": attributes})
			return a.change(ctx, upstream.Request{Method: http.MethodPatch, Path: productPath(id), Body: body})
		},
	})
}

// changedAttributes returns the attributes that the mask names. An empty one is null, as AminoTV
// shows it.
func changedAttributes(wanted *pb.Product, mask []string) (map[string]any, error) {
	attributes := map[string]any{}
	orNull := func(text string) any {
		if text == "" {
			return nil
		}
		return text
	}
	for _, field := range mask {
		switch field {
		case "display_name":
			if err := checkProductName(wanted.GetDisplayName()); err != nil {
				return nil, err
			}
			attributes["name"] = orNull(wanted.GetDisplayName())
		case "description":
			attributes["description"] = orNull(wanted.GetDescription())
		case "buyable":
			attributes["is_buyable"] = wanted.GetBuyable()
		case "visible":
			attributes["is_visible"] = wanted.GetVisible()
		case "recurring":
			attributes["recurring"] = wanted.GetRecurring()
		case "price":
			attributes["price_currency_amount"], attributes["price_currency_iso4217"] = nil, nil
			if price := wanted.GetPrice(); price != nil {
				attributes["price_currency_amount"] = price.GetAmount()
				attributes["price_currency_iso4217"] = price.GetCurrency()
			}
		default:
			return nil, apierror.Invalid("update_mask", "%s cannot be changed", field)
		}
	}
	if len(attributes) == 0 {
		return nil, apierror.Invalid("update_mask", "must name a field to change")
	}
	return attributes, nil
}

// applyProduct changes the fields of a product that the mask names.
func applyProduct(p, wanted *pb.Product, mask []string) {
	for _, field := range mask {
		switch field {
		case "display_name":
			p.DisplayName = wanted.GetDisplayName()
		case "description":
			p.Description = wanted.GetDescription()
		case "buyable":
			p.Buyable = wanted.GetBuyable()
		case "visible":
			p.Visible = wanted.GetVisible()
		case "recurring":
			p.Recurring = wanted.GetRecurring()
		case "price":
			p.Price = proto.CloneOf(wanted.GetPrice())
		}
	}
}
