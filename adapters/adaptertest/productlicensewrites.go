package adaptertest

import (
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var productLicenseWritePromises = []Promise{
	{"CreateProductLicense is found again, as it was requested",
		needs("CreateProductLicense", "GetProductLicense", "ListProductLicenses"), createdLicenseIsFound},
	{"CreateProductLicense fills in what is left out: an order_id of its own, ACTIVE, and what the product says",
		needs("CreateProductLicense", "GetProductLicense"), fillsIn},
	{"DeleteProductLicense revokes one license, and nothing else",
		needs("DeleteProductLicense", "GetProductLicense"), deletesOneLicense},
}

var productLicenseWrites = []write{
	{
		needs: needs("CreateProductLicense"),
		prepare: func(t T, h Harness) *attempt {
			product := putProducts(t, h, 2)[0].GetName()
			wanted := bought(viewers[0], product, "order-1")
			held := named(h, proto.CloneOf(wanted), 0) // Another license is of the same order.
			hold(t, h, held)
			create := h.calling(creatingLicense(h, wanted))
			return &attempt{create, wanting(func(t T, what string, got *pb.ProductLicense) {
				if got.GetName() == held.GetName() {
					t.Errorf("%s: it returns the license that was there", what)
				}
				wantLicense(t, what, got, wanted)
			})}
		},
		ofNothing: func(t T, h Harness) call {
			putProducts(t, h, 2)
			unknown := names.Product.Name(h.Vendor, noID)
			return h.calling(creatingLicense(h, bought(viewers[0], unknown, "order-1")))
		},
		what: "product",
	},
	{
		needs: needs("CreateProductLicense"),
		as:    " without an order_id",
		prepare: func(t T, h Harness) *attempt {
			sold := sellLicenses(t, h, 12)
			wanted := &pb.ProductLicense{User: sold[0].GetUser(), Product: sold[0].GetProduct()}
			create := h.calling(creatingLicense(h, wanted))
			return &attempt{create, wanting(func(t T, what string, got *pb.ProductLicense) {
				wantLicense(t, what, got, wanted)
			})}
		},
	},
	{
		needs: needs("DeleteProductLicense"),
		hides: true,
		prepare: func(t T, h Harness) *attempt {
			gone := sellLicenses(t, h, 12)[1].GetName()
			return &attempt{h.calling(deletingLicense(gone)), wanting(func(T, string, *emptypb.Empty) {})}
		},
		ofNothing: func(t T, h Harness) call {
			sellLicenses(t, h, 3)
			return h.calling(deletingLicense(names.ProductLicense.Name(h.Vendor, noID)))
		},
		what: "license",
	},
}

func creatingLicense(h Harness, l *pb.ProductLicense) proto.Message {
	return &pb.CreateProductLicenseRequest{Parent: vendorName(h), ProductLicense: l}
}

func deletingLicense(name string) proto.Message { return &pb.DeleteProductLicenseRequest{Name: name} }

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
		created := done[*pb.ProductLicense](t, h, creatingLicense(h, wanted))
		if i == 2 { // It has ended, and some vendors say so at once.
			wanted.Status = created.GetStatus()
		}
		got := getProductLicense(t, h, created.GetName())
		wantLicense(t, "GetProductLicense of what was created", got, wanted)
		if playable := i == 0; got.GetPlayable() != playable {
			t.Errorf("the license %v has playable %t", got, got.GetPlayable())
		}
		held = append(held, got)
	}
	listProductLicenses(h, nil).wantRows(t, held, 0)
}

func fillsIn(t T, h Harness) {
	orders := map[string]bool{}
	for _, product := range putProducts(t, h, 5) {
		least := &pb.ProductLicense{User: viewers[0], Product: product.GetName()}
		created := done[*pb.ProductLicense](t, h, creatingLicense(h, least))
		for _, got := range []*pb.ProductLicense{created, getProductLicense(t, h, created.GetName())} {
			wantLicense(t, "CreateProductLicense", got, least)
			if got.GetRenewal().GetRecurring() != product.GetRecurring() || got.GetPurchase().GetTime() == nil ||
				!proto.Equal(got.GetPurchase().GetPrice(), product.GetPrice()) {
				t.Errorf("the license %v differs from its product %v, or has no time of purchase", got, product)
			}
		}
		if order := created.GetOrderId(); orders[order] {
			t.Errorf("CreateProductLicense gives the order_id %q twice", order)
		}
		orders[created.GetOrderId()] = true
	}
}

func deletesOneLicense(t T, h Harness) {
	held := sellLicenses(t, h, 12)
	for i, gone := range held[:2] {
		done[*emptypb.Empty](t, h, deletingLicense(gone.GetName()))
		wantGone(t, h, "after DeleteProductLicense", gone.GetName())
		wantHeld(t, h, "after DeleteProductLicense", held[i+1:]...)
		_, err := h.calling(deletingLicense(gone.GetName())).in(t.Context(), newSteps())
		WantError(t, "DeleteProductLicense of what is gone", err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
	}
	wantWrites(t, "DeleteProductLicense of two licenses", h, 2)
}
