package amino

import (
	"context"
	"net/http"
	"slices"

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
	if err := checkChange(wanted, mask); err != nil {
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
			attributes, err := a.changedAttributes(ctx, before, wanted, mask)
			if err != nil {
				return err
			}
			body := a.body(map[string]any{"type": productType, "id": id, "attributes": attributes})
			path := productsPath + upstream.Path(id)
			_, err = a.change(ctx, upstream.Request{Method: http.MethodPatch, Path: path, Body: body})
			return err
		},
	})
}

// checkChange refuses a change that cannot be made.
func checkChange(wanted *pb.Product, mask []string) error {
	known := []string{"display_name", "description", "buyable", "visible", "recurring", "price"}
	for _, field := range mask {
		if !slices.Contains(known, field) {
			return apierror.Invalid("update_mask", "%s cannot be changed", field)
		}
	}
	switch {
	case len(mask) == 0:
		return apierror.Invalid("update_mask", "must name a field to change")
	case slices.Contains(mask, "display_name"):
		return checkProductName(wanted.GetDisplayName())
	}
	return nil
}

// changedAttributes returns the attributes of the fields that the mask names, unless they were as
// wanted before.
func (a *Adapter) changedAttributes(
	ctx context.Context, before, wanted *pb.Product, mask []string,
) (map[string]any, error) {
	attributes := map[string]any{}
	for _, field := range mask {
		changed := proto.CloneOf(before)
		applyProduct(changed, wanted, []string{field})
		if proto.Equal(changed, before) {
			continue
		}
		var defaults *licenseDefaults
		if field == "recurring" && a.config.ProductShape == shapeCurrent {
			now, err := a.productRow(ctx, wanted.GetName())
			if err != nil {
				return nil, err
			}
			defaults = now.Attributes.LicenseDefaults
		}
		a.setAttribute(attributes, field, wanted, defaults)
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
