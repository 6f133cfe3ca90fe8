package adaptertest

import (
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var productLicenseWritePromises = []Promise{
	{"CreateProductLicense is listed and got, as it was asked for", needs(productLicenseCreator, productLicenseGetter, productLicenseLister), createdLicenseIsFound},
	{"CreateProductLicense fills in what is left out: an order_id of its own, ACTIVE, and what the product says", needs(productLicenseCreator, productLicenseGetter), fillsIn},
	{"DeleteProductLicense takes one license away, and nothing else", needs(productLicenseDeleter, productLicenseGetter), deletesOneLicense},
}

var productLicenseWrites = []write{
	{
		needs: needs(productLicenseCreator),
		prepare: func(t T, h Harness) *attempt {
			product := putProducts(t, h, 2)[0].GetName()
			wanted := bought(viewers[0], product, "order-1")
			held := proto.CloneOf(wanted) // one of that order is not the one that is asked for
			held.Name = names.ProductLicense.Name(h.Vendor, productLicenseIDs(1)[0])
			hold(t, h, held)
			return &attempt{creatingLicense(h, wanted), wanting(func(t T, what string, got *pb.ProductLicense) {
				if got.GetName() == held.GetName() {
					t.Errorf("%s: it answers the license that was there", what)
				}
				wantLicense(t, what, got, wanted)
			})}
		},
		ofNothing: func(t T, h Harness) call {
			putProducts(t, h, 2)
			return creatingLicense(h, bought(viewers[0], names.Product.Name(h.Vendor, noID), "order-1"))
		},
		what: "product",
	},
	{
		needs: needs(productLicenseCreator),
		as:    " without an order_id",
		prepare: func(t T, h Harness) *attempt {
			sold := sellLicenses(t, h, 12)
			wanted := &pb.ProductLicense{User: sold[0].GetUser(), Product: sold[0].GetProduct()}
			return &attempt{creatingLicense(h, wanted), wanting(func(t T, what string, got *pb.ProductLicense) { wantLicense(t, what, got, wanted) })}
		},
	},
	{
		needs: needs(productLicenseDeleter),
		hides: true,
		prepare: func(t T, h Harness) *attempt {
			return &attempt{deletingLicense(h, sellLicenses(t, h, 12)[1].GetName()), wanting(func(T, string, *emptypb.Empty) {})}
		},
		ofNothing: func(t T, h Harness) call {
			sellLicenses(t, h, 3)
			return deletingLicense(h, names.ProductLicense.Name(h.Vendor, noID))
		},
		what: "license",
	},
}

func creatingLicense(h Harness, l *pb.ProductLicense) call {
	return typed(h.Adapter.(adapters.ProductLicenseCreator).CreateProductLicense, &pb.CreateProductLicenseRequest{Parent: vendorName(h), ProductLicense: l})
}

func deletingLicense(h Harness, name string) call {
	return typed(h.Adapter.(adapters.ProductLicenseDeleter).DeleteProductLicense, &pb.DeleteProductLicenseRequest{Name: name})
}

// isLicense reports whether a license is as it was wanted, and has what was left out.
func isLicense(got, wanted *pb.ProductLicense) bool {
	wanted = proto.CloneOf(wanted)
	if wanted.GetStatus() == pb.ProductLicense_STATUS_UNSPECIFIED {
		wanted.Status = pb.ProductLicense_ACTIVE
	}
	return got.GetName() != "" && got.GetOrderId() != "" && holds(got.ProtoReflect(), wanted.ProtoReflect())
}

func wantLicense(t T, what string, got, wanted *pb.ProductLicense) {
	t.Helper()
	if !isLicense(got, wanted) {
		t.Errorf("%s: the license is %v, want one with a name, an order_id, and %v", what, got, wanted)
	}
}

func createdLicenseIsFound(t T, h Harness) {
	held := sellLicenses(t, h, 12)
	for i, period := range periods {
		wanted := bought(viewers[i], held[i].GetProduct(), "order-of-today")
		period(wanted)
		if i == 1 {
			wanted.Status = pb.ProductLicense_SUSPENDED
		}
		answer, err := creatingLicense(h, wanted).in(t.Context(), newSteps())
		if err != nil {
			t.Fatalf("CreateProductLicense of %v: %v", wanted, err)
		}
		if i == 2 { // it has ended, and some vendors say so at once
			wanted.Status = answer.(*pb.ProductLicense).GetStatus()
		}
		got := getProductLicense(t, h, answer.(*pb.ProductLicense).GetName())
		wantLicense(t, "GetProductLicense of what was created", got, wanted)
		if playable := i == 0; got.GetPlayable() != playable {
			t.Errorf("the license %v has playable %t", got, got.GetPlayable())
		}
		held = append(held, got)
	}
	sameRows(t, "ListProductLicenses", listProductLicenses(h, nil).all(t, len(held), 0), held)
}

func fillsIn(t T, h Harness) {
	orders := map[string]bool{}
	for _, product := range putProducts(t, h, 5) {
		answer, err := creatingLicense(h, &pb.ProductLicense{User: viewers[0], Product: product.GetName()}).in(t.Context(), newSteps())
		if err != nil {
			t.Fatalf("CreateProductLicense of the least that can be asked for: %v", err)
		}
		for what, got := range map[string]*pb.ProductLicense{
			"CreateProductLicense": answer.(*pb.ProductLicense),
			"GetProductLicense":    getProductLicense(t, h, answer.(*pb.ProductLicense).GetName()),
		} {
			wantLicense(t, what, got, &pb.ProductLicense{User: viewers[0], Product: product.GetName()})
			if got.GetRenewal().GetRecurring() != product.GetRecurring() || !proto.Equal(got.GetPurchase().GetPrice(), product.GetPrice()) || got.GetPurchase().GetTime() == nil {
				t.Errorf("%s: the license %v differs from what its product says: %v, or tells no time of purchase", what, got, product)
			}
		}
		if order := answer.(*pb.ProductLicense).GetOrderId(); orders[order] {
			t.Errorf("CreateProductLicense gives the order_id %q twice", order)
		} else {
			orders[order] = true
		}
	}
}

func deletesOneLicense(t T, h Harness) {
	held := sellLicenses(t, h, 12)
	for i, gone := range held[:2] {
		if _, err := deletingLicense(h, gone.GetName()).in(t.Context(), newSteps()); err != nil {
			t.Fatalf("DeleteProductLicense: %v", err)
		}
		wantGone(t, h, "after DeleteProductLicense", gone.GetName())
		for _, l := range held[i+1:] {
			sameRows(t, "after DeleteProductLicense", []*pb.ProductLicense{getProductLicense(t, h, l.GetName())}, []*pb.ProductLicense{l})
		}
		_, err := deletingLicense(h, gone.GetName()).in(t.Context(), newSteps())
		wantError(t, "DeleteProductLicense of what is gone", err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
	}
	wantWrites(t, "DeleteProductLicense of two licenses", h, 2)
}
