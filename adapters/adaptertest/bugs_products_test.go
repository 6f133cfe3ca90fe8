package adaptertest_test

import (
	"context"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// misnames is a hook that returns another's name.
var misnames = showing(func(_, res proto.Message) {
	name := field(res, "name")
	m := res.ProtoReflect()
	m.Set(name, protoreflect.ValueOfString(m.Get(name).String()+"0"))
})

var productBugs = bugs{
	"ListProducts gives every product exactly once, as the vendor holds it, whatever the page sizes": {
		"takes a price of nothing for no price": shows(func(res *pb.ListProductsResponse) {
			for _, p := range res.GetProducts() {
				if p.GetPrice().GetAmount() == 0 {
					p.Price = nil
				}
			}
		}),
	},
	"GetProduct shows what the vendor holds": {
		"shows less":       shows(func(res *pb.Product) { res.Description = "" }),
		"escapes no names": shows(func(res *pb.Product) { res.Name = strings.ReplaceAll(res.GetName(), "%2F", "/") }),
	},
	"GetProduct of an unknown product is NOT_FOUND": {"shows an empty product": swallowsErrors},
	"CreateProduct takes effect once, and returns the outcome": {
		"forgets the price": asks(func(req *pb.CreateProductRequest) { req.GetProduct().Price = nil }),
	},
	"CreateProduct is found again, apart from another one of its name": {
		"returns another's name": on("CreateProduct", misnames),
		"hides it":               asks(func(req *pb.CreateProductRequest) { req.GetProduct().Visible = false }),
	},
	"UpdateProduct changes what its mask names, and no other product": {
		"ignores the mask": asks(func(req *pb.UpdateProductRequest) {
			req.UpdateMask.Paths = []string{"display_name", "description", "buyable", "visible", "recurring", "price"}
		}),
		"takes nothing away": asks(func(req *pb.UpdateProductRequest) {
			if m := req.UpdateMask; req.GetProduct().GetPrice() == nil {
				m.Paths = slices.DeleteFunc(m.Paths, func(path string) bool { return path == "price" })
			}
		}),
		"changes every product": before(func(ctx context.Context, v *vendor, req *pb.UpdateProductRequest) error {
			return changeAll(ctx, v.Products, func(p *pb.Product) { p.DisplayName = req.GetProduct().GetDisplayName() })
		}),
	},
}

// showsLicenses is a bug that changes every license of the list.
func showsLicenses(change func(*pb.ProductLicense)) bug {
	return shows(func(res *pb.ListProductLicensesResponse) {
		for _, l := range res.GetProductLicenses() {
			change(l)
		}
	})
}

// sells is a bug that changes the terms of CreateProductLicense.
func sells(change func(*pb.ProductLicense)) bug {
	return asks(func(req *pb.CreateProductLicenseRequest) { change(req.GetProductLicense()) })
}

// chooses is a bug that changes the filter of ListProductLicenses.
func chooses(change func(*pb.ProductLicenseFilter)) bug {
	return asks(func(req *pb.ListProductLicensesRequest) { change(req.GetFilter()) })
}

var productLicenseBugs = bugs{
	"ListProductLicenses gives every license exactly once, as the vendor holds it, whatever the page sizes": {
		"loses a word that it does not know": showsLicenses(func(l *pb.ProductLicense) {
			if l.GetStatus() == pb.ProductLicense_STATUS_UNSPECIFIED {
				l.VendorStatus = ""
			}
		}),
		"leaves out that a license does not renew": showsLicenses(func(l *pb.ProductLicense) {
			if !l.GetRenewal().GetRecurring() {
				l.Renewal = nil
			}
		}),
	},
	"ListProductLicenses shows as playable what is ACTIVE, has begun and has not ended": {
		"takes ACTIVE for playable": showsLicenses(func(l *pb.ProductLicense) {
			l.Playable = l.GetStatus() == pb.ProductLicense_ACTIVE
		}),
		"takes a license that does not end for one that has ended": showsLicenses(func(l *pb.ProductLicense) {
			l.Playable = l.GetPlayable() && l.GetStopTime() != nil
		}),
		"shows everything as playable": showsLicenses(func(l *pb.ProductLicense) { l.Playable = true }),
	},
	"ListProductLicenses chooses exactly by user, product and status, and by all at once": {
		"ignores the user": chooses(func(f *pb.ProductLicenseFilter) { f.User = "" }),
		"has no regard to the user's case": chooses(func(f *pb.ProductLicenseFilter) {
			f.User = strings.ToLower(f.GetUser())
		}),
		"ignores the product": chooses(func(f *pb.ProductLicenseFilter) { f.Product = "" }),
		"ignores the status":  chooses(func(f *pb.ProductLicenseFilter) { f.Status = 0 }),
		"does not take a product's id": chooses(func(f *pb.ProductLicenseFilter) {
			if f.GetProduct() != "" && !strings.HasPrefix(f.GetProduct(), "vendors/") {
				f.Product = "vendors/acme/products/none"
			}
		}),
	},
	"ListProductLicenses refuses what is no page token of this request": {
		"binds its tokens to no filter": on("ListProductLicenses", clearing("filter")),
	},
	"GetProductLicense shows what the vendor holds": {
		"shows nothing as playable": shows(func(res *pb.ProductLicense) { res.Playable = false }),
	},
	"GetProductLicense of an unknown license is NOT_FOUND": {"shows an empty license": swallowsErrors},
	"CreateProductLicense is found again, as it was requested": {
		"returns another's name":        on("CreateProductLicense", misnames),
		"forgets when it ends":          sells(func(l *pb.ProductLicense) { l.StopTime = nil }),
		"takes every status for ACTIVE": sells(func(l *pb.ProductLicense) { l.Status = pb.ProductLicense_ACTIVE }),
	},
	"CreateProductLicense fills in what is left out: an order_id of its own, ACTIVE, and what the product says": {
		"has one order for all": sells(func(l *pb.ProductLicense) { l.OrderId = "order" }),
		"takes what is not set for no": sells(func(l *pb.ProductLicense) {
			l.Renewal = &pb.ProductLicense_Renewal{Recurring: new(false)}
		}),
		"takes no price for a price of nothing": sells(func(l *pb.ProductLicense) {
			l.Purchase = &pb.ProductLicense_Purchase{Price: &pb.Price{Currency: "EUR"}}
		}),
	},
	"DeleteProductLicense revokes one license, and nothing else": {
		"only says so":                     on("DeleteProductLicense", doesNothing),
		"takes what is gone for a success": on("DeleteProductLicense", hidesFailure),
		"takes the last license too":       before(removesTheLast),
	},
}

func removesTheLast(ctx context.Context, v *vendor, _ *pb.DeleteProductLicenseRequest) error {
	held, err := v.ProductLicenses.List(ctx)
	if err != nil {
		return err
	}
	return v.ProductLicenses.Remove(ctx, held[len(held)-1].GetName())
}

// twoCalls revokes and issues in two calls of these contexts, and does not look back.
func twoCalls(revoke, issue func(context.Context) context.Context) bug {
	return instead(func(c *call, req *pb.ReplaceProductLicenseRequest) (proto.Message, error) {
		old := &pb.DeleteProductLicenseRequest{Name: req.GetName()}
		if _, err := c.DeleteProductLicense(revoke(c.ctx), old); err != nil {
			return nil, err
		}
		return c.issue(issue(c.ctx), req)
	})
}

func (c *call) issue(ctx context.Context, req *pb.ReplaceProductLicenseRequest) (proto.Message, error) {
	create := &pb.CreateProductLicenseRequest{ProductLicense: req.GetProductLicense()}
	return c.CreateProductLicense(ctx, create)
}

func same(ctx context.Context) context.Context { return ctx }

func item(name string) func(context.Context) context.Context {
	return func(ctx context.Context) context.Context { return mutation.ItemContext(ctx, name) }
}

// anyUser takes every user for that of the old license.
func anyUser(c *call, req *pb.ReplaceProductLicenseRequest) (proto.Message, error) {
	old, err := c.GetProductLicense(c.ctx, &pb.GetProductLicenseRequest{Name: req.GetName()})
	if err != nil {
		return nil, err
	}
	req.GetProductLicense().User = old.GetUser()
	return c.run()
}

// revokesOthers revokes the licenses of the user to other products.
func revokesOthers(ctx context.Context, v *vendor, req *pb.ReplaceProductLicenseRequest) error {
	old, err := v.ProductLicenses.Get(ctx, req.GetName())
	if err != nil {
		return err
	}
	others, err := v.ProductLicenses.Where(func(l *pb.ProductLicense) bool {
		return l.GetUser() == old.GetUser() && l.GetProduct() != old.GetProduct()
	})(ctx)
	for _, l := range others {
		if err == nil {
			err = v.ProductLicenses.Remove(ctx, l.GetName())
		}
	}
	return err
}

var (
	doesNotLookBack = twoCalls(same, same)
	noRecordOfHalf  = on("ReplaceProductLicense", dropsLog)
)

var replaceBugs = bugs{
	"ReplaceProductLicense leaves one license of the user to the product, with the new terms": {
		"only issues": instead(func(c *call, req *pb.ReplaceProductLicenseRequest) (proto.Message, error) {
			return c.issue(c.ctx, req)
		}),
		"keeps the old terms": asks(func(req *pb.ReplaceProductLicenseRequest) {
			req.GetProductLicense().StopTime = nil
		}),
		"revokes the user's other licenses too": before(revokesOthers),
	},
	"ReplaceProductLicense with another user is INVALID_ARGUMENT, and sends nothing": {
		"takes any user for the old one":    instead(anyUser),
		"gives the license to another user": doesNotLookBack,
	},
	"ReplaceProductLicense whose new terms are refused is ABORTED, and issues the old terms again": {
		"does not look back": doesNotLookBack,
		"names the old license": fails(func(e *apierror.Error) *apierror.Error {
			return e.With(apierror.Standing, "vendors/acme/productLicenses/none")
		}),
		"shows the key": says("not with " + vendorKey),
	},
	"ReplaceProductLicense whose old terms are refused too is ABORTED, and says that no license is left": {
		"does not look back":                       doesNotLookBack,
		"says that the old terms are issued again": recodes(codes.Aborted, pb.ErrorReason_REPLACE_ROLLED_BACK),
	},
	"ReplaceProductLicense whose second response is lost settles with the new terms": {
		"keeps no record": noRecordOfHalf, "says that nothing happened": on("ReplaceProductLicense", certain),
	},
	"ReplaceProductLicense whose second write is cut settles with the new terms": {
		"keeps no record": noRecordOfHalf, "takes it for done": on("ReplaceProductLicense", hidesFailure),
	},
	"ReplaceProductLicense that is half done is finished without a caller": {
		"keeps no record": noRecordOfHalf,
	},
	"ReplaceProductLicense whose second write is cut is finished without a caller": {
		"takes each write for a mutation of its own": twoCalls(item("1"), item("2")),
	},
	"ReplaceProductLicense that loses a response while it rolls back settles with the old terms": {
		"says that nothing happened": on("ReplaceProductLicense", certain),
	},
	"ReplaceProductLicense whose caller goes halfway is finished": {
		"goes with its caller": doesNotLookBack,
	},
	"ReplaceProductLicense at a vendor that cannot be read halfway leads to the new terms": {
		"reads between its writes": doesNotLookBack,
	},
}
