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

// productUpdater is an adapter to an AminoTV that changes products, which no page documents: a
// capability is seen by its method.
type productUpdater struct{ *Adapter }

// UpdateProduct is PATCH /products/{product_id} with what the mask names, read back.
func (a productUpdater) UpdateProduct(ctx context.Context, req *pb.UpdateProductRequest) (*pb.Product, error) {
	wanted, mask := req.GetProduct(), req.GetUpdateMask().GetPaths()
	id, err := a.productID("product.name", wanted.GetName())
	if err != nil {
		return nil, err
	}
	attributes, err := changedAttributes(wanted, mask)
	if err != nil {
		return nil, err
	}
	before, err := mutation.SnapshotExisting(ctx, "before", func(ctx context.Context) (*pb.Product, error) { return a.findProduct(ctx, wanted.GetName()) }, wanted)
	if err != nil {
		return nil, err
	}
	if proto.Equal(before, merged(before, wanted, mask)) {
		return before, nil
	}
	return mutation.Do(ctx, mutation.Write[*pb.Product]{
		Step: "update",
		Send: func(ctx context.Context, _ mutation.Attempt) (*pb.Product, error) {
			err := a.change(ctx, upstream.Request{Method: http.MethodPatch, Path: productPath(id), Body: a.body(map[string]any{
				"type": productType, "id": id, "attributes": attributes,
			})})
			if err != nil {
				return nil, err
			}
			changed, err := a.findProduct(ctx, wanted.GetName())
			if err != nil {
				return nil, apierror.OutcomeUnknown("AminoTV took the change, and what became of it could not be read: %v; call again with the same request_id", err)
			}
			if !proto.Equal(changed, merged(changed, wanted, mask)) {
				return nil, apierror.OutcomeUnknown("AminoTV answers success to the update, and the product, read back, is not as it was to be; call again with the same request_id to settle it")
			}
			return changed, nil
		},
		ReadBack: func(ctx context.Context) (*pb.Product, bool, error) {
			now, err := a.findProduct(ctx, wanted.GetName())
			return now, err == nil && proto.Equal(now, merged(now, wanted, mask)), err
		},
		Preview: func() *pb.Product { return merged(before, wanted, mask) },
	})
}

// changedAttributes are the attributes that the mask names. What is to be empty is null, as AminoTV
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
			if wanted.GetPrice() != nil {
				attributes["price_currency_amount"], attributes["price_currency_iso4217"] = wanted.GetPrice().GetAmount(), wanted.GetPrice().GetCurrency()
			}
		default:
			return nil, apierror.Invalid("update_mask", "%s cannot be changed", field)
		}
	}
	if len(attributes) == 0 {
		return nil, apierror.Invalid("update_mask", "names nothing to change")
	}
	return attributes, nil
}

// merged is a product with what the mask names in place.
func merged(held, wanted *pb.Product, mask []string) *pb.Product {
	p := proto.CloneOf(held)
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
	return p
}
