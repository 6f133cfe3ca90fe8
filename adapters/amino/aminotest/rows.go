package aminotest

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/adaptertest"
	"github.com/drmhub/drmhub/adapters/amino/emulator"
	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// This file maps from the contract to the vendor's words. It is written from AminoTV's pages,
// without the adapter's tables.

// withRows adds products and product licenses to a harness.
func withRows(h adaptertest.Harness, vendorSide *emulator.Emulator) adaptertest.Harness {
	h.Products = &adaptertest.Resource[*pb.Product]{
		Put: func(products ...*pb.Product) {
			for _, p := range products {
				vendorSide.PutProducts(vendorProduct(p))
			}
		},
		// AminoTV can hold every product of the contract.
		Show: func(p *pb.Product) *pb.Product { return p },
	}
	h.ProductLicenses = &adaptertest.Resource[*pb.ProductLicense]{
		Put: func(licenses ...*pb.ProductLicense) {
			for _, l := range licenses {
				vendorSide.PutLicenses(vendorLicense(l))
			}
		},
		Show: func(l *pb.ProductLicense) *pb.ProductLicense {
			over := l.GetStopTime() != nil && !vendorSide.Clock().Now().Before(l.GetStopTime().AsTime())
			if l.GetStatus() == pb.ProductLicense_ACTIVE && over {
				l.Status = pb.ProductLicense_EXPIRED
			}
			l.VendorStatus = status(l)
			return l
		},
	}
	return h
}

// lastID returns the id at the end of a name.
func lastID(p names.Pattern, name string) string {
	ids, err := p.IDs(name)
	if err != nil {
		panic(err)
	}
	return ids[len(ids)-1]
}

func vendorProduct(p *pb.Product) emulator.Product {
	return emulator.Product{
		ID: lastID(names.Product, p.GetName()), Name: p.GetDisplayName(), Description: p.GetDescription(),
		Buyable: p.GetBuyable(), Visible: p.GetVisible(), Recurring: p.GetRecurring(),
		PriceAmount: int64(p.GetPrice().GetAmount()), PriceCurrency: p.GetPrice().GetCurrency(),
	}
}

func vendorLicense(l *pb.ProductLicense) emulator.License {
	return emulator.License{
		ID: lastID(names.ProductLicense, l.GetName()), OrderID: l.GetOrderId(), Status: status(l),
		UserID: l.GetUser(), ProductID: lastID(names.Product, l.GetProduct()),
		StartDate: instant(l.GetStartTime()), StopDate: instant(l.GetStopTime()),
		Recurring: l.GetRenewal().GetRecurring(), ExpiryDate: instant(l.GetRenewal().GetExpireTime()),
		PriceAmount:       int64(l.GetPurchase().GetPrice().GetAmount()),
		PriceCurrency:     l.GetPurchase().GetPrice().GetCurrency(),
		PurchaseTimestamp: instant(l.GetPurchase().GetTime()), PaymentMethod: l.GetPurchase().GetPaymentMethod(),
	}
}

// status returns AminoTV's word for the status of a license. It keeps an unknown word.
func status(l *pb.ProductLicense) string {
	switch l.GetStatus() {
	case pb.ProductLicense_ACTIVE:
		return emulator.StatusActive
	case pb.ProductLicense_SUSPENDED:
		return emulator.StatusSuspended
	case pb.ProductLicense_SUSPENDED_ADMIN:
		return emulator.StatusSuspendedAdmin
	case pb.ProductLicense_EXPIRED:
		return emulator.StatusExpired
	case pb.ProductLicense_PROCESSING:
		return emulator.StatusProcessing
	case pb.ProductLicense_CHECK_INVALID:
		return emulator.StatusCheckInvalid
	case pb.ProductLicense_ORDER_ERROR:
		return emulator.StatusOrderError
	}
	return l.GetVendorStatus()
}

// instant returns a time, or the zero time for nil.
func instant(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}
