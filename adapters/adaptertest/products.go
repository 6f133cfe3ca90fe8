package adaptertest

import (
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// products are the products of a vendor account.
var products = kind[*pb.Product]{
	rpc: "ListProducts", row: "product",
	list: func(h Harness) listing[*pb.Product] {
		return listing[*pb.Product]{h, &pb.ListProductsRequest{Parent: vendorName(h)}}
	},
	put: putProducts,
}

var productPromises = append(products.promises(),
	Promise{"GetProduct shows what the vendor holds", needs("GetProduct"), productAsHeld},
	Promise{"GetProduct of an unknown product is NOT_FOUND", needs("GetProduct"), notFound(unknownProducts)},
	Promise{"CreateProduct is found again, apart from another one of its name",
		needs("CreateProduct", "GetProduct"), createdProductIsFound},
	Promise{"UpdateProduct changes what its mask names, and no other product",
		needs("UpdateProduct", "GetProduct"), updatesOneProduct},
)

var productWrites = []write{
	{
		needs: needs("CreateProduct"),
		prepare: func(t T, h Harness) *attempt {
			wanted := kidsPackage()
			held := proto.CloneOf(wanted) // Another product has the same name.
			held.Name = names.Product.Name(h.Vendor, productIDs(1)[0])
			h.Products.Put(held)
			return &attempt{h.calling(creatingProduct(h, wanted)), wanting(func(t T, what string, got *pb.Product) {
				if got.GetName() == held.GetName() {
					t.Errorf("%s: it returns the product that was there", what)
				}
				wantProduct(t, h, what, got, wanted)
			})}
		},
	},
	{
		needs: needs("UpdateProduct"),
		hides: true,
		prepare: func(t T, h Harness) *attempt {
			wanted := proto.CloneOf(putProducts(t, h, 3)[1])
			wanted.DisplayName, wanted.Price = "Kids 2", &pb.Price{Amount: 1, Currency: "DKK"}
			update := h.calling(updatingProduct(wanted, "display_name", "price"))
			return &attempt{update, wanting(func(t T, what string, got *pb.Product) { same(t, what, got, wanted) })}
		},
		ofNothing: func(t T, h Harness) call {
			putProducts(t, h, 1)
			unknown := &pb.Product{Name: names.Product.Name(h.Vendor, noID), DisplayName: "Kids"}
			return h.calling(updatingProduct(unknown, "display_name"))
		},
		what: "product",
	},
}

// productCapabilities are those that concern products alone.
var productCapabilities = needs("ListProducts", "GetProduct", "CreateProduct", "UpdateProduct")

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
	return &pb.Product{
		DisplayName: "Kids", Description: "Cartoons, all day.", Buyable: true, Visible: true, Recurring: true,
		Price: &pb.Price{Amount: 999, Currency: "EUR"},
	}
}

// putProducts adds up to n products, and returns what the adapter must show of them.
func putProducts(t T, h Harness, n int) []*pb.Product {
	t.Helper()
	var seeds []*pb.Product
	for i, id := range productIDs(n) {
		seeds = append(seeds, &pb.Product{
			Name: names.Product.Name(h.Vendor, id), DisplayName: fmt.Sprintf("Package %d", i/2),
			Description: "Für Kinder & <Erwachsene>", Buyable: i%2 == 0, Visible: i%3 == 0, Recurring: i%4 == 0,
			Price: &pb.Price{Amount: int32(i * 199), Currency: []string{"EUR", "DKK"}[i%2]},
		})
	}
	return held(t, h.Products, seeds...)
}

func getProduct(t T, h Harness, name string) *pb.Product {
	t.Helper()
	return get[*pb.Product](t, h, &pb.GetProductRequest{Name: name})
}

func creatingProduct(h Harness, p *pb.Product) proto.Message {
	return &pb.CreateProductRequest{Parent: vendorName(h), Product: p}
}

func updatingProduct(p *pb.Product, mask ...string) proto.Message {
	return &pb.UpdateProductRequest{Product: p, UpdateMask: &fieldmaskpb.FieldMask{Paths: mask}}
}

// wantProduct demands a product, with a name that the vendor gave, that is as it was wanted.
func wantProduct(t T, h Harness, what string, got, wanted *pb.Product) {
	t.Helper()
	if got.GetName() == "" {
		t.Errorf("%s: the product has no name", what)
	}
	got = proto.CloneOf(got)
	got.Name = ""
	same(t, what, got, h.Products.Show(proto.CloneOf(wanted)))
}

func productAsHeld(t T, h Harness) {
	for _, want := range putProducts(t, h, 12) {
		same(t, "GetProduct", getProduct(t, h, want.GetName()), want)
	}
}

func unknownProducts(t T, h Harness) []proto.Message {
	putProducts(t, h, 1)
	var requests []proto.Message
	for _, id := range []string{noID, "BASIC", "c/d"} {
		requests = append(requests, &pb.GetProductRequest{Name: names.Product.Name(h.Vendor, id)})
	}
	return requests
}

func createdProductIsFound(t T, h Harness) {
	seen := map[string]bool{}
	for range 2 { // of one name
		created := done[*pb.Product](t, h, creatingProduct(h, kidsPackage()))
		if seen[created.GetName()] {
			t.Errorf("two products have the name %q", created.GetName())
		}
		seen[created.GetName()] = true
		wantProduct(t, h, "GetProduct of what was created", getProduct(t, h, created.GetName()), kidsPackage())
	}
}

func updatesOneProduct(t T, h Harness) {
	want := putProducts(t, h, 3)
	other := kidsPackage()
	for _, c := range []struct {
		set  *pb.Product
		mask []string
	}{
		{other, []string{"display_name"}},
		{other, []string{"description", "buyable"}},
		{other, []string{"visible", "recurring", "price"}},
		{&pb.Product{Price: &pb.Price{Amount: 0, Currency: "KRW"}}, []string{"price", "buyable"}},
		{&pb.Product{}, []string{"description", "price", "visible", "recurring"}}, // clears them
	} {
		set, to := proto.CloneOf(c.set), proto.CloneOf(want[1])
		set.Name = to.GetName()
		copyFields(to, set, c.mask...)
		if to = h.Products.Show(to); to == nil {
			continue // This vendor can hold no such product.
		}
		want[1] = to
		what := fmt.Sprintf("UpdateProduct of %q", c.mask)
		same(t, what, done[*pb.Product](t, h, updatingProduct(set, c.mask...)), to)
		for _, w := range want {
			same(t, "after "+what, getProduct(t, h, w.GetName()), w)
		}
	}
}
