package amino

import (
	"cmp"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// terms returns the license to issue from this field of the request. It checks everything that can
// be checked without AminoTV.
func (a *Adapter) terms(field string, wanted *pb.ProductLicense) (*pb.ProductLicense, error) {
	l := proto.CloneOf(wanted)
	var violations []*errdetails.BadRequest_FieldViolation
	refuse := func(member, why string) {
		violations = append(violations, violation(field+"."+member, why))
	}
	if l.GetUser() == "" {
		refuse("user", "must be set to AminoTV's id of the user")
	}
	switch ids, err := names.Product.IDs(l.GetProduct()); {
	case err != nil:
		refuse("product", err.Error())
	case ids[0] != a.id:
		refuse("product", "must be of the vendor "+names.Vendor.Name(a.id))
	default:
		l.Product = names.Product.Name(ids...)
	}
	for _, at := range []struct {
		member string
		time   *timestamppb.Timestamp
		isEnd  bool
	}{
		{"start_time", l.GetStartTime(), false},
		{"stop_time", l.GetStopTime(), true},
		{"renewal.expire_time", l.GetRenewal().GetExpireTime(), true},
		{"purchase.time", l.GetPurchase().GetTime(), false},
	} {
		switch {
		case at.time == nil:
		case at.time.CheckValid() != nil:
			refuse(at.member, "must be a time in the years 1 to 9999")
		case at.isEnd && epochOf(at.time).end() == nil:
			refuse(at.member, "must be later than 1970-01-01T00:00:00Z: AminoTV may take that for no end. "+
				"Leave it out for no end")
		}
	}
	start, stop := epochOf(l.GetStartTime()), epochOf(l.GetStopTime())
	if start != nil && stop != nil && stop.seconds <= start.seconds {
		refuse("stop_time", "must be at least a second later than start_time: AminoTV keeps whole seconds")
	}
	if violations != nil {
		return nil, apierror.InvalidRequest(violations...)
	}
	l.Name, l.VendorStatus, l.Playable = "", vendorStatus(l.GetStatus()), false
	return l, nil
}

// reissueTerms returns the terms with which a license is issued again. A license whose time has
// ended since is EXPIRED.
func (a *Adapter) reissueTerms(old *pb.ProductLicense) *pb.ProductLicense {
	l := proto.CloneOf(old)
	if l.GetStatus() == pb.ProductLicense_ACTIVE && stopped(l, a.now()) {
		l.Status, l.VendorStatus = pb.ProductLicense_EXPIRED, vendorStatus(pb.ProductLicense_EXPIRED)
	}
	return l
}

// licenseBody returns terms as AminoTV takes them. It leaves out what the terms leave open, and
// AminoTV uses the values of the product or the current time.
func licenseBody(terms *pb.ProductLicense) licenseResource {
	attributes := licenseAttributes{
		Status:    terms.GetVendorStatus(),
		StartDate: epochOf(terms.GetStartTime()),
		StopDate:  epochOf(terms.GetStopTime()),
		OrderID:   shownText{text: terms.GetOrderId()},
	}
	if r := terms.GetRenewal(); r != nil {
		attributes.RenewRecord = &renewRecord{Recurring: r.Recurring, ExpiryDate: epochOf(r.GetExpireTime())}
	}
	if p := terms.GetPurchase(); p != nil {
		record := &purchaseRecord{PurchaseTimestamp: epochOf(p.GetTime()), PaymentMethod: p.GetPaymentMethod()}
		if p.GetPrice() != nil {
			record.PriceAmount, record.PriceCurrency = &p.Price.Amount, p.GetPrice().GetCurrency()
		}
		attributes.PurchaseRecord = record
	}
	return licenseResource{Type: licenseType, Attributes: attributes, Relationships: licenseRelationships{
		User:    related(userType, terms.GetUser()),
		Product: related(productType, productIDOf(terms.GetProduct())),
	}}
}

// productIDOf returns the id in a product's name, which is valid.
func productIDOf(name string) string {
	ids, err := names.Product.IDs(name)
	if err != nil {
		return ""
	}
	return ids[1]
}

// expected returns the license that AminoTV is expected to issue.
func expected(terms *pb.ProductLicense) *pb.ProductLicense {
	l := proto.CloneOf(terms)
	if l.GetStatus() == pb.ProductLicense_STATUS_UNSPECIFIED {
		l.Status, l.VendorStatus = pb.ProductLicense_ACTIVE, vendorStatus(pb.ProductLicense_ACTIVE)
	}
	return l
}

// completed returns a license that AminoTV issued. What identifies the license is as it was asked
// for where AminoTV does not show it. The other terms are as AminoTV shows them.
func completed(l, terms *pb.ProductLicense) *pb.ProductLicense {
	asked := expected(terms)
	l = proto.CloneOf(l)
	l.User = cmp.Or(l.GetUser(), asked.GetUser())
	l.Product = cmp.Or(l.GetProduct(), asked.GetProduct())
	l.OrderId = cmp.Or(l.GetOrderId(), asked.GetOrderId())
	if l.GetVendorStatus() == "" {
		l.Status, l.VendorStatus = asked.GetStatus(), asked.GetVendorStatus()
	}
	return l
}
