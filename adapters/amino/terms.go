package amino

import (
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// terms are what a caller wants issued, checked as far as that goes without asking AminoTV. The
// field is where they stand in the request.
func (a *Adapter) terms(field string, wanted *pb.ProductLicense) (*pb.ProductLicense, error) {
	l := proto.CloneOf(wanted)
	var violations []*errdetails.BadRequest_FieldViolation
	refuse := func(member, why string) {
		violations = append(violations, &errdetails.BadRequest_FieldViolation{Field: field + "." + member, Description: why})
	}
	if l.GetUser() == "" {
		refuse("user", "must be set: AminoTV's id of the user")
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
	}{
		{"start_time", l.GetStartTime()}, {"stop_time", l.GetStopTime()}, {"renewal.expire_time", l.GetRenewal().GetExpireTime()}, {"purchase.time", l.GetPurchase().GetTime()},
	} {
		if at.time != nil && at.time.CheckValid() != nil {
			refuse(at.member, "must be an instant between the years 1 and 9999")
		}
	}
	if start, stop := epochOf(l.GetStartTime()), epochOf(l.GetStopTime()); start != nil && stop != nil && *stop <= *start {
		refuse("stop_time", "must be later than start_time: AminoTV keeps whole seconds")
	}
	if violations != nil {
		return nil, apierror.InvalidRequest(violations...)
	}
	l.Name, l.VendorStatus, l.Playable = "", vendorStatus(l.GetStatus()), false
	return l, nil
}

// reissueTerms returns the terms with which a license is issued again. A license whose time has ended
// since is EXPIRED.
func (a *Adapter) reissueTerms(old *pb.ProductLicense) *pb.ProductLicense {
	l := proto.CloneOf(old)
	if l.GetStatus() == pb.ProductLicense_ACTIVE && stopped(l, a.now()) {
		l.Status, l.VendorStatus = pb.ProductLicense_EXPIRED, vendorStatus(pb.ProductLicense_EXPIRED)
	}
	return l
}

// licenseBody are terms as AminoTV takes them. What they leave open is left out: AminoTV then takes
// it from the product, or from the moment.
func licenseBody(terms *pb.ProductLicense) licenseResource {
	attributes := licenseAttributes{
		Status:    terms.GetVendorStatus(),
		StartDate: epochOf(terms.GetStartTime()),
		StopDate:  epochOf(terms.GetStopTime()),
		OrderID:   terms.GetOrderId(),
	}
	if r := terms.GetRenewal(); r != nil {
		attributes.RenewRecord = &renewRecord{Recurring: r.Recurring, ExpiryDate: epochOf(r.GetExpireTime())}
	}
	if p := terms.GetPurchase(); p != nil {
		attributes.PurchaseRecord = &purchaseRecord{PurchaseTimestamp: epochOf(p.GetTime()), PaymentMethod: p.GetPaymentMethod()}
		if p.GetPrice() != nil {
			attributes.PurchaseRecord.PriceAmount, attributes.PurchaseRecord.PriceCurrency = &p.Price.Amount, p.GetPrice().GetCurrency()
		}
	}
	return licenseResource{Type: licenseType, Attributes: attributes, Relationships: licenseRelationships{
		User:    related(userType, terms.GetUser()),
		Product: related(productType, productIDOf(terms.GetProduct())),
	}}
}

// productIDOf is the id in a product's name, which is known to be one.
func productIDOf(name string) string {
	ids, err := names.Product.IDs(name)
	if err != nil {
		return ""
	}
	return ids[1]
}

// expected is a license as it would be answered, as far as that can be told before it is issued.
func expected(terms *pb.ProductLicense) *pb.ProductLicense {
	l := proto.CloneOf(terms)
	if l.GetStatus() == pb.ProductLicense_STATUS_UNSPECIFIED {
		l.Status, l.VendorStatus = pb.ProductLicense_ACTIVE, vendorStatus(pb.ProductLicense_ACTIVE)
	}
	return l
}
