package adaptertest

import (
	"context"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var productPromises = []Promise{
	{"ListProducts gives every product exactly once, as the vendor holds it, whatever the page sizes", needs(productLister), everyProductOnce},
	{"ListProducts without products is empty", needs(productLister), noProducts},
	{"ListProducts refuses what is no page token", needs(productLister), productsRefuseGarbage},
	{"GetProduct shows what the vendor holds", needs(productGetter), productAsHeld},
	{"GetProduct of an unknown product is NOT_FOUND", needs(productGetter), unknownProduct},
	{"CreateProduct is found again, apart from another one of its name", needs(productCreator, productGetter), createdProductIsFound},
	{"UpdateProduct changes what its mask names, and no other product", needs(productUpdater, productGetter), updatesOneProduct},
}

var productWrites = []write{
	{
		needs: needs(productCreator),
		prepare: func(t T, h Harness) *attempt {
			wanted := kidsPackage()
			held := proto.CloneOf(wanted) // one of that name is not the one that is asked for
			held.Name = names.Product.Name(h.Vendor, productIDs(1)[0])
			h.Products.Put(held)
			return &attempt{creatingProduct(h, wanted), wanting(func(t T, what string, got *pb.Product) {
				if got.GetName() == held.GetName() {
					t.Errorf("%s: it answers the product that was there", what)
				}
				wantProduct(t, h, what, got, wanted)
			})}
		},
	},
	{
		needs: needs(productUpdater),
		hides: true,
		prepare: func(t T, h Harness) *attempt {
			wanted := proto.CloneOf(putProducts(t, h, 3)[1])
			wanted.DisplayName, wanted.Price = "Kids 2", &pb.Price{Amount: 1, Currency: "DKK"}
			return &attempt{updatingProduct(h, wanted, "display_name", "price"), wanting(func(t T, what string, got *pb.Product) {
				sameRows(t, what, []*pb.Product{got}, []*pb.Product{wanted})
			})}
		},
		ofNothing: func(t T, h Harness) call {
			putProducts(t, h, 1)
			return updatingProduct(h, &pb.Product{Name: names.Product.Name(h.Vendor, noID), DisplayName: "Kids"}, "display_name")
		},
		what: "product",
	},
}

// productCapabilities are those that concern products alone.
var productCapabilities = needs(productLister, productGetter, productCreator, productUpdater)

// noID is the id of no product and no product license.
const noID = "999999999999"

// productIDs are n ids, some of which need an escape in a name or a path.
func productIDs(n int) []string {
	all := []string{"basic", "Basic", "100000000001", "a/b", "100%", "a%2Fb", "é:@ ü"}
	for i := len(all); i < n; i++ {
		all = append(all, fmt.Sprintf("product-%03d", i))
	}
	return all[:n]
}

func kidsPackage() *pb.Product {
	return &pb.Product{DisplayName: "Kids", Description: "Cartoons, all day.", Buyable: true, Visible: true, Price: &pb.Price{Amount: 999, Currency: "EUR"}, Recurring: true}
}

// putProducts lets the vendor hold n products, as far as it can, and answers what the adapter must
// show of them.
func putProducts(t T, h Harness, n int) []*pb.Product {
	t.Helper()
	var seeds, want []*pb.Product
	for i, id := range productIDs(n) {
		p := &pb.Product{
			Name: names.Product.Name(h.Vendor, id), DisplayName: fmt.Sprintf("Package %d", i/2), Description: "Für Kinder & <Erwachsene>", Buyable: i%2 == 0,
			Visible: i%3 == 0, Recurring: i%4 == 0, Price: &pb.Price{Amount: int32(i * 199), Currency: []string{"EUR", "DKK"}[i%2]},
		}
		if shown := h.Products.Show(proto.CloneOf(p)); shown != nil {
			seeds, want = append(seeds, p), append(want, shown)
		}
	}
	if len(want) == 0 {
		t.Fatalf("the harness can hold no products: ShowProduct is nil for every one")
	}
	h.Products.Put(seeds...)
	return want
}

func listProducts(h Harness) listing[*pb.Product] {
	return listing[*pb.Product]{"ListProducts", func(ctx context.Context, size int32, token string) ([]*pb.Product, string, int32, error) {
		res, err := h.Adapter.(adapters.ProductLister).ListProducts(ctx, &pb.ListProductsRequest{Parent: vendorName(h), PageSize: size, PageToken: token})
		return res.GetProducts(), res.GetNextPageToken(), res.GetTotalSize(), err
	}}
}

func getProduct(t T, h Harness, name string) *pb.Product {
	t.Helper()
	got, err := h.Adapter.(adapters.ProductGetter).GetProduct(t.Context(), &pb.GetProductRequest{Name: name})
	if err != nil {
		t.Fatalf("GetProduct of %q: %v", name, err)
	}
	checkNames(t, h.Vendor, "GetProduct", got)
	return got
}

func creatingProduct(h Harness, p *pb.Product) call {
	return typed(h.Adapter.(adapters.ProductCreator).CreateProduct, &pb.CreateProductRequest{Parent: vendorName(h), Product: p})
}

func updatingProduct(h Harness, p *pb.Product, mask ...string) call {
	return typed(h.Adapter.(adapters.ProductUpdater).UpdateProduct, &pb.UpdateProductRequest{Product: p, UpdateMask: &fieldmaskpb.FieldMask{Paths: mask}})
}

// wantProduct demands a product, with a name that the vendor gave, that is as it was wanted.
func wantProduct(t T, h Harness, what string, got, wanted *pb.Product) {
	t.Helper()
	if got.GetName() == "" {
		t.Errorf("%s: the product has no name", what)
	}
	got = proto.CloneOf(got)
	got.Name = ""
	sameRows(t, what, []*pb.Product{got}, []*pb.Product{h.Products.Show(proto.CloneOf(wanted))})
}

func everyProductOnce(t T, h Harness) {
	want := putProducts(t, h, 130)
	for _, sizes := range pagings {
		sameRows(t, fmt.Sprintf("page sizes %d", sizes), listProducts(h).all(t, len(want), sizes...), want)
	}
}

func noProducts(t T, h Harness) {
	if listed := listProducts(h).all(t, 0, 0); len(listed) > 0 {
		t.Errorf("ListProducts gives %v, and the vendor holds nothing", listed)
	}
}

func productsRefuseGarbage(t T, h Harness) {
	putProducts(t, h, 130)
	listProducts(h).refusesTokens(t, nil)
}

func productAsHeld(t T, h Harness) {
	for _, want := range putProducts(t, h, 12) {
		sameRows(t, "GetProduct", []*pb.Product{getProduct(t, h, want.GetName())}, []*pb.Product{want})
	}
}

func unknownProduct(t T, h Harness) {
	putProducts(t, h, 1)
	for _, id := range []string{noID, "BASIC", "c/d"} {
		_, err := h.Adapter.(adapters.ProductGetter).GetProduct(t.Context(), &pb.GetProductRequest{Name: names.Product.Name(h.Vendor, id)})
		wantError(t, "GetProduct of "+id, err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
	}
}

func createdProductIsFound(t T, h Harness) {
	named := map[string]bool{}
	for range 2 { // of one name
		answer, err := creatingProduct(h, kidsPackage()).in(t.Context(), newSteps())
		if err != nil {
			t.Fatalf("CreateProduct: %v", err)
		}
		created := answer.(*pb.Product)
		if named[created.GetName()] {
			t.Errorf("two products are both %q", created.GetName())
		}
		named[created.GetName()] = true
		wantProduct(t, h, "GetProduct of what was created", getProduct(t, h, created.GetName()), kidsPackage())
	}
}

func updatesOneProduct(t T, h Harness) {
	want := putProducts(t, h, 3)
	other := kidsPackage()
	for i, c := range []struct {
		set  *pb.Product
		mask []string
	}{
		{other, []string{"display_name"}},
		{other, []string{"description", "buyable"}},
		{other, []string{"visible", "recurring", "price"}},
		{&pb.Product{Price: &pb.Price{Amount: 0, Currency: "KRW"}}, []string{"price", "buyable"}},
		// takes them away
		{&pb.Product{}, []string{"description", "price", "visible", "recurring"}},
	} {
		set, to := proto.CloneOf(c.set), proto.CloneOf(want[1])
		set.Name = to.GetName()
		copyFields(to, set, c.mask...)
		if to = h.Products.Show(to); to == nil {
			continue // this vendor can hold no such product
		}
		want[1] = to
		answer, err := updatingProduct(h, set, c.mask...).in(t.Context(), newSteps())
		if err != nil || !proto.Equal(answer, to) {
			t.Fatalf("UpdateProduct %d, of %q: %v, %v, want %v", i, c.mask, answer, err, to)
		}
		for _, w := range want {
			sameRows(t, fmt.Sprintf("after UpdateProduct of %q", c.mask), []*pb.Product{getProduct(t, h, w.GetName())}, []*pb.Product{w})
		}
	}
}

// productReads are the reads of products and product licenses.
func productReads(t T, h Harness) []read {
	t.Helper()
	if !hasAny(h.Adapter, productCapabilities) && !hasAny(h.Adapter, productLicenseCapabilities) {
		return nil
	}
	var all []read
	products := putProducts(t, h, 4)
	product := products[len(products)-1].GetName()
	if a, ok := h.Adapter.(adapters.ProductLister); ok {
		all = append(all, read{"ListProducts", func(ctx context.Context) (proto.Message, error) {
			return a.ListProducts(ctx, &pb.ListProductsRequest{Parent: vendorName(h)})
		}})
	}
	if a, ok := h.Adapter.(adapters.ProductGetter); ok {
		all = append(all, read{"GetProduct", func(ctx context.Context) (proto.Message, error) {
			return a.GetProduct(ctx, &pb.GetProductRequest{Name: product})
		}})
	}
	if !hasAny(h.Adapter, productLicenseCapabilities) {
		return all
	}
	l := bought(viewers[0], product, "order-1")
	l.Name = names.ProductLicense.Name(h.Vendor, productLicenseIDs(1)[0])
	l = hold(t, h, l)[0]
	if a, ok := h.Adapter.(adapters.ProductLicenseLister); ok {
		for what, filter := range map[string]*pb.ProductLicenseFilter{"ListProductLicenses": nil, "ListProductLicenses of a user": {User: l.GetUser()}} {
			all = append(all, read{what, func(ctx context.Context) (proto.Message, error) {
				return a.ListProductLicenses(ctx, &pb.ListProductLicensesRequest{Parent: vendorName(h), Filter: filter})
			}})
		}
	}
	if a, ok := h.Adapter.(adapters.ProductLicenseGetter); ok {
		all = append(all, read{"GetProductLicense", func(ctx context.Context) (proto.Message, error) {
			return a.GetProductLicense(ctx, &pb.GetProductLicenseRequest{Name: l.GetName()})
		}})
	}
	return all
}
