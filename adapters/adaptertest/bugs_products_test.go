package adaptertest_test

import (
	"context"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/paging"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

const (
	everyProduct        = "ListProducts gives every product exactly once, as the vendor holds it, whatever the page sizes"
	createdProduct      = "CreateProduct is found again, apart from another one of its name"
	updatedProduct      = "UpdateProduct changes what its mask names, and no other product"
	everyProductLicense = "ListProductLicenses gives every license exactly once, as the vendor holds it, whatever the page sizes"
	playableLicenses    = "ListProductLicenses tells what is playable: what is ACTIVE, has begun and has not ended"
	chosenLicenses      = "ListProductLicenses chooses exactly by user, product and status, and by all at once"
	licenseTokens       = "ListProductLicenses refuses what is no page token of this request"
	createdLicense      = "CreateProductLicense is listed and got, as it was asked for"
	filledIn            = "CreateProductLicense fills in what is left out: an order_id of its own, ACTIVE, and what the product says"
	deletedLicense      = "DeleteProductLicense takes one license away, and nothing else"
)

// pagingProducts and pagingLicenses change a page of the list.
func pagingProducts(change func(*pb.ListProductsRequest, *pb.ListProductsResponse)) func(*bugged) {
	return showingInstead(change)
}

func pagingLicenses(change func(*pb.ListProductLicensesRequest, *pb.ListProductLicensesResponse)) func(*bugged) {
	return showingInstead(change)
}

// showingLicenses changes every license of the list.
func showingLicenses(change func(*pb.ProductLicense)) func(*bugged) {
	return pagingLicenses(func(_ *pb.ListProductLicensesRequest, res *pb.ListProductLicensesResponse) {
		for _, l := range res.GetProductLicenses() {
			change(l)
		}
	})
}

// updatesAllProducts changes every product before the one that is meant.
func updatesAllProducts(ctx context.Context, req *pb.UpdateProductRequest, b *bugged, call callOf) (proto.Message, error) {
	products, err := b.vendor.Products.List(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range products {
		err := bypassesLog(ctx, func(ctx context.Context) error {
			return b.vendor.Products.Change(ctx, p.GetName(), func(p *pb.Product) error { p.DisplayName = req.GetProduct().GetDisplayName(); return nil })
		})
		if err != nil {
			return nil, err
		}
	}
	return call(ctx)
}

var productReadBugs = []bug{
	{everyProduct, "ends after the first page", pagingProducts(func(_ *pb.ListProductsRequest, res *pb.ListProductsResponse) { res.NextPageToken = "" })},
	{everyProduct, "ignores the page size", requesting(func(req *pb.ListProductsRequest) { req.PageSize = paging.MaxSize })},
	{everyProduct, "loses a product between pages", pagingProducts(func(req *pb.ListProductsRequest, res *pb.ListProductsResponse) {
		if req.GetPageToken() != "" {
			res.Products = res.Products[1:]
		}
	})},
	{everyProduct, "takes a price of nothing for no price", pagingProducts(func(_ *pb.ListProductsRequest, res *pb.ListProductsResponse) {
		for _, p := range res.GetProducts() {
			if p.GetPrice().GetAmount() == 0 {
				p.Price = nil
			}
		}
	})},
	{everyProduct, "counts the products of a page", pagingProducts(func(_ *pb.ListProductsRequest, res *pb.ListProductsResponse) {
		res.TotalSize = int32(len(res.GetProducts()))
	})},
	{"ListProducts without products is empty", "shows an empty product", pagingProducts(func(_ *pb.ListProductsRequest, res *pb.ListProductsResponse) {
		res.Products = append(res.Products, &pb.Product{})
	})},
	{"ListProducts refuses what is no page token", "begins again", requesting(func(req *pb.ListProductsRequest) { req.PageToken = "" })},
	{"GetProduct shows what the vendor holds", "shows less", showingInstead(func(_ *pb.GetProductRequest, res *pb.Product) { res.Description = "" })},
	{"GetProduct shows what the vendor holds", "escapes no names", showingInstead(func(_ *pb.GetProductRequest, res *pb.Product) {
		res.Name = strings.ReplaceAll(res.GetName(), "%2F", "/")
	})},
	{"GetProduct of an unknown product is NOT_FOUND", "shows an empty product", swallowingErrors},
	{everyProductLicense, "ends after the first page", pagingLicenses(func(_ *pb.ListProductLicensesRequest, res *pb.ListProductLicensesResponse) { res.NextPageToken = "" })},
	{everyProductLicense, "ignores the page size", requesting(func(req *pb.ListProductLicensesRequest) { req.PageSize = paging.MaxSize })},
	{everyProductLicense, "shows a license twice", pagingLicenses(func(req *pb.ListProductLicensesRequest, res *pb.ListProductLicensesResponse) {
		if req.GetPageToken() == "" && len(res.GetProductLicenses()) > 1 {
			res.ProductLicenses[1] = proto.CloneOf(res.ProductLicenses[0])
		}
	})},
	{everyProductLicense, "counts the licenses of a page", pagingLicenses(func(_ *pb.ListProductLicensesRequest, res *pb.ListProductLicensesResponse) {
		res.TotalSize = int32(len(res.GetProductLicenses()))
	})},
	{everyProductLicense, "loses a word that it does not know", showingLicenses(func(l *pb.ProductLicense) {
		if l.GetStatus() == pb.ProductLicense_STATUS_UNSPECIFIED {
			l.VendorStatus = ""
		}
	})},
	{everyProductLicense, "leaves out that a license does not renew", showingLicenses(func(l *pb.ProductLicense) {
		if !l.GetRenewal().GetRecurring() {
			l.Renewal = nil
		}
	})},
	{playableLicenses, "takes ACTIVE for playable", showingLicenses(func(l *pb.ProductLicense) { l.Playable = l.GetStatus() == pb.ProductLicense_ACTIVE })},
	{playableLicenses, "takes a license that does not end for one that has ended", showingLicenses(func(l *pb.ProductLicense) { l.Playable = l.GetPlayable() && l.GetStopTime() != nil })},
	{playableLicenses, "shows everything as playable", showingLicenses(func(l *pb.ProductLicense) { l.Playable = true })},
	{chosenLicenses, "ignores the user", requesting(func(req *pb.ListProductLicensesRequest) { req.GetFilter().User = "" })},
	{chosenLicenses, "has no regard to the user's case", requesting(func(req *pb.ListProductLicensesRequest) {
		req.GetFilter().User = strings.ToLower(req.GetFilter().GetUser())
	})},
	{chosenLicenses, "ignores the product", requesting(func(req *pb.ListProductLicensesRequest) { req.GetFilter().Product = "" })},
	{chosenLicenses, "does not take a product's id", requesting(func(req *pb.ListProductLicensesRequest) {
		if p := req.GetFilter().GetProduct(); p != "" && !strings.HasPrefix(p, "vendors/") {
			req.Filter.Product = "vendors/acme/products/none"
		}
	})},
	{chosenLicenses, "ignores the status", requesting(func(req *pb.ListProductLicensesRequest) { req.GetFilter().Status = 0 })},
	{"ListProductLicenses without licenses is empty", "shows an empty license", pagingLicenses(func(_ *pb.ListProductLicensesRequest, res *pb.ListProductLicensesResponse) {
		res.ProductLicenses = append(res.ProductLicenses, &pb.ProductLicense{})
	})},
	{licenseTokens, "begins again", requesting(func(req *pb.ListProductLicensesRequest) { req.PageToken = "" })},
	{licenseTokens, "binds its tokens to no filter", requesting(func(req *pb.ListProductLicensesRequest) { req.Filter = nil })},
	{"GetProductLicense shows what the vendor holds", "shows nothing as playable", showingInstead(func(_ *pb.GetProductLicenseRequest, res *pb.ProductLicense) { res.Playable = false })},
	{"GetProductLicense of an unknown license is NOT_FOUND", "shows an empty license", swallowingErrors},
}

var productWriteBugs = []bug{
	{"CreateProduct takes effect once, and says what became of it", "forgets the price", requesting(func(req *pb.CreateProductRequest) { req.GetProduct().Price = nil })},
	{createdProduct, "answers another's name", showingInstead(func(_ *pb.CreateProductRequest, res *pb.Product) { res.Name += "0" })},
	{createdProduct, "hides it", requesting(func(req *pb.CreateProductRequest) { req.GetProduct().Visible = false })},
	{updatedProduct, "ignores the mask", requesting(func(req *pb.UpdateProductRequest) {
		req.UpdateMask.Paths = []string{"display_name", "description", "buyable", "visible", "recurring", "price"}
	})},
	{updatedProduct, "takes nothing away", requesting(func(req *pb.UpdateProductRequest) {
		if req.GetProduct().GetPrice() == nil {
			req.UpdateMask.Paths = slices.DeleteFunc(req.UpdateMask.Paths, func(path string) bool { return path == "price" })
		}
	})},
	{updatedProduct, "changes every product", around(updatesAllProducts)},
	{createdLicense, "answers another's name", showingInstead(func(_ *pb.CreateProductLicenseRequest, res *pb.ProductLicense) { res.Name += "0" })},
	{createdLicense, "forgets when it ends", requesting(func(req *pb.CreateProductLicenseRequest) { req.GetProductLicense().StopTime = nil })},
	{createdLicense, "takes every status for ACTIVE", requesting(func(req *pb.CreateProductLicenseRequest) { req.GetProductLicense().Status = pb.ProductLicense_ACTIVE })},
	{filledIn, "has one order for all", requesting(func(req *pb.CreateProductLicenseRequest) { req.GetProductLicense().OrderId = "order" })},
	{filledIn, "takes what is not set for no", requesting(func(req *pb.CreateProductLicenseRequest) {
		req.GetProductLicense().Renewal = &pb.ProductLicense_Renewal{Recurring: new(false)}
	})},
	{filledIn, "takes no price for a price of nothing", requesting(func(req *pb.CreateProductLicenseRequest) {
		req.GetProductLicense().Purchase = &pb.ProductLicense_Purchase{Price: &pb.Price{Currency: "EUR"}}
	})},
	{deletedLicense, "only says so", around(doesNothing[*pb.DeleteProductLicenseRequest])},
	{deletedLicense, "takes what is gone for a success", around(hidesFailure[*pb.DeleteProductLicenseRequest])},
	{deletedLicense, "takes the next license too", around(func(ctx context.Context, req *pb.DeleteProductLicenseRequest, b *bugged, call callOf) (proto.Message, error) {
		held, err := b.vendor.ProductLicenses.List(ctx)
		if err != nil {
			return nil, err
		}
		if err := bypassesLog(ctx, func(ctx context.Context) error {
			return b.vendor.ProductLicenses.Remove(ctx, held[len(held)-1].GetName())
		}); err != nil {
			return nil, err
		}
		return call(ctx)
	})},
}

var productBugs = slices.Concat(productReadBugs, productWriteBugs, productBatchBugs, replaceBugs)
