package memory

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// Products are all products, in the order in which they came. Their names are their ids.
func (v *Vendor) Products(ctx context.Context) ([]*pb.Product, error) {
	return readingAll(ctx, v, &v.products)
}

// AddProduct takes a product in.
func (v *Vendor) AddProduct(ctx context.Context, p *pb.Product) (added *pb.Product, err error) {
	return added, v.write(ctx, func() error {
		added = proto.CloneOf(p)
		added.Name = v.id()
		v.products = append(v.products, proto.CloneOf(added))
		return nil
	})
}

// ChangeProduct changes the product with this id.
func (v *Vendor) ChangeProduct(ctx context.Context, id string, change func(*pb.Product)) (changed *pb.Product, err error) {
	return changed, v.write(ctx, func() error {
		held := v.product(id)
		if held == nil {
			return &Failure{Code: noSuchThing}
		}
		change(held)
		held.Name = id
		changed = proto.CloneOf(held)
		return nil
	})
}

// ProductLicenses are all product licenses, in the order in which they came. Their names, and those
// of their products, are ids.
func (v *Vendor) ProductLicenses(ctx context.Context) ([]*pb.ProductLicense, error) {
	return readingAll(ctx, v, &v.sold)
}

// Issue issues a license to a product that the vendor holds, which says what the license leaves
// out.
func (v *Vendor) Issue(ctx context.Context, l *pb.ProductLicense) (issued *pb.ProductLicense, err error) {
	return issued, v.write(ctx, func() error {
		p := v.product(idIn(names.Product, l.GetProduct()))
		if p == nil {
			return &Failure{Code: noSuchThing}
		}
		issued = proto.CloneOf(l)
		issued.Status = cmp.Or(issued.GetStatus(), pb.ProductLicense_ACTIVE)
		issued.StartTime = cmp.Or(issued.GetStartTime(), timestamppb.Now())
		issued.Renewal = cmp.Or(issued.GetRenewal(), &pb.ProductLicense_Renewal{})
		issued.Renewal.Recurring = cmp.Or(issued.Renewal.Recurring, new(p.GetRecurring()))
		issued.Purchase = cmp.Or(issued.GetPurchase(), &pb.ProductLicense_Purchase{})
		issued.Purchase.Price = cmp.Or(issued.Purchase.GetPrice(), proto.CloneOf(p.GetPrice()))
		issued.Purchase.Time = cmp.Or(issued.Purchase.GetTime(), timestamppb.Now())
		issued.Name, issued.Product = v.id(), p.GetName()
		inTheVendorsWords(issued)
		v.sold = append(v.sold, proto.CloneOf(issued))
		return nil
	})
}

// Revoke takes a license away.
func (v *Vendor) Revoke(ctx context.Context, id string) error {
	return v.write(ctx, func() error {
		i := slices.IndexFunc(v.sold, func(l *pb.ProductLicense) bool { return l.GetName() == id })
		if i < 0 {
			return &Failure{Code: noSuchThing}
		}
		v.sold = slices.Delete(v.sold, i, i+1)
		return nil
	})
}

// PutProducts lets the vendor hold these products too, by the ids in their names.
func (v *Vendor) PutProducts(products ...*pb.Product) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, p := range clones(products) {
		p.Name = idIn(names.Product, p.GetName())
		v.products = append(v.products, p)
	}
}

// PutProductLicenses lets the vendor hold these licenses too, by the ids in their names.
func (v *Vendor) PutProductLicenses(licenses ...*pb.ProductLicense) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, l := range clones(licenses) {
		l.Name, l.Product = idIn(names.ProductLicense, l.GetName()), idIn(names.Product, l.GetProduct())
		v.sold = append(v.sold, inTheVendorsWords(l))
	}
}

// inTheVendorsWords is a license with the vendor's own word for its status.
func inTheVendorsWords(l *pb.ProductLicense) *pb.ProductLicense {
	if l.GetStatus() != pb.ProductLicense_STATUS_UNSPECIFIED {
		l.VendorStatus = strings.ToLower(l.GetStatus().String())
	}
	return l
}

// product is the product with this id, or nil. The caller holds the lock.
func (v *Vendor) product(id string) *pb.Product {
	i := slices.IndexFunc(v.products, func(p *pb.Product) bool { return p.GetName() == id })
	if i < 0 {
		return nil
	}
	return v.products[i]
}
