package amino

import (
	"context"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// statuses are AminoTV's, all of them documented.
var statuses = map[string]pb.ProductLicense_Status{
	"ACTIVE":         pb.ProductLicense_ACTIVE,
	"SUSPENDED":      pb.ProductLicense_SUSPENDED,
	"SUSPENDEDADMIN": pb.ProductLicense_SUSPENDED_ADMIN,
	"EXPIRED":        pb.ProductLicense_EXPIRED,
	"PROCESSING":     pb.ProductLicense_PROCESSING,
	"CHECK_INVALID":  pb.ProductLicense_CHECK_INVALID,
	"ORDER_ERROR":    pb.ProductLicense_ORDER_ERROR,
}

func vendorStatus(status pb.ProductLicense_Status) string {
	for word, s := range statuses {
		if s == status {
			return word
		}
	}
	return ""
}

// ListProductLicenses lists all licenses, or those of the one user that the filter names. The other
// conditions are drmhub's own to apply.
func (a *Adapter) ListProductLicenses(ctx context.Context, req *pb.ListProductLicensesRequest) (*pb.ListProductLicensesResponse, error) {
	filter := req.GetFilter()
	path := licensesPath
	if filter.GetUser() != "" {
		path = userLicensesPath(filter.GetUser())
	}
	var match func(licenseResource) bool
	if filter.GetProduct() != "" || filter.GetStatus() != pb.ProductLicense_STATUS_UNSPECIFIED {
		product := a.productOf(filter.GetProduct())
		match = func(r licenseResource) bool {
			return (product == "" || product == a.productName(r.Relationships.Product.Data.ID)) &&
				(filter.GetStatus() == pb.ProductLicense_STATUS_UNSPECIFIED || filter.GetStatus() == statuses[r.Attributes.Status])
		}
	}
	rows, next, err := page(ctx, a, req, path, match)
	switch {
	case isNotFound(err) && filter.GetUser() != "":
		// of a user who is not there, there are no licenses
		return &pb.ListProductLicensesResponse{}, nil
	case err != nil:
		return nil, err
	}
	res := &pb.ListProductLicensesResponse{NextPageToken: next}
	for _, row := range rows {
		res.ProductLicenses = append(res.ProductLicenses, a.answer(a.license(row)))
	}
	return res, nil
}

// productOf is the name of the product that a filter names, by its name or its id alone.
func (a *Adapter) productOf(filter string) string {
	if filter == "" {
		return ""
	}
	if ids, err := names.Product.IDs(filter); err == nil {
		return names.Product.Name(ids...)
	}
	return a.productName(filter)
}

// GetProductLicense is GET /licenses/{license_id}.
func (a *Adapter) GetProductLicense(ctx context.Context, req *pb.GetProductLicenseRequest) (*pb.ProductLicense, error) {
	l, err := a.findLicense(ctx, "name", req.GetName())
	if err != nil {
		return nil, err
	}
	return a.answer(l), nil
}

// findLicense reads a license by its name, which stands in this field of the request.
func (a *Adapter) findLicense(ctx context.Context, field, name string) (*pb.ProductLicense, error) {
	id, err := a.licenseID(field, name)
	if err != nil {
		return nil, err
	}
	row, err := one[licenseResource](ctx, a, licensePath(id))
	switch {
	case isNotFound(err):
		return nil, withMessage(err, "AminoTV holds no license "+name)
	case err != nil:
		return nil, err
	}
	return a.license(row), nil
}

func (a *Adapter) licenseID(field, name string) (string, error) {
	ids, err := names.ProductLicense.IDs(name)
	switch {
	case err != nil:
		return "", apierror.Invalid(field, "%v", err)
	case ids[0] != a.id:
		return "", apierror.Invalid(field, "must be of the vendor %s", names.Vendor.Name(a.id))
	}
	return ids[1], nil
}

// licensesOf are all licenses of a user.
func (a *Adapter) licensesOf(ctx context.Context, user string) ([]*pb.ProductLicense, error) {
	held, err := all[licenseResource](ctx, a, userLicensesPath(user))
	if isNotFound(err) {
		return nil, nil
	}
	var licenses []*pb.ProductLicense
	for _, row := range held {
		licenses = append(licenses, a.license(row))
	}
	return licenses, err
}

// license is a license as AminoTV told of it, whenever that was: answer makes of it what a caller
// is told now.
func (a *Adapter) license(row licenseResource) *pb.ProductLicense {
	attributes := row.Attributes
	l := &pb.ProductLicense{
		Name:         a.licenseName(row.ID),
		User:         row.Relationships.User.Data.ID,
		Status:       statuses[attributes.Status],
		VendorStatus: attributes.Status,
		StartTime:    attributes.StartDate.timestamp(),
		StopTime:     attributes.StopDate.timestamp(),
		OrderId:      attributes.OrderID,
	}
	if id := row.Relationships.Product.Data.ID; id != "" {
		l.Product = a.productName(id)
	}
	if r := attributes.RenewRecord; r != nil {
		l.Renewal = &pb.ProductLicense_Renewal{Recurring: r.Recurring, ExpireTime: r.ExpiryDate.timestamp()}
	}
	if p := attributes.PurchaseRecord; p != nil {
		l.Purchase = &pb.ProductLicense_Purchase{
			Price: price(p.PriceAmount, p.PriceCurrency), Time: p.PurchaseTimestamp.timestamp(), PaymentMethod: p.PaymentMethod,
		}
	}
	return l
}

// price is an amount of cents; nil where there is none.
func price(amount *int32, currency string) *pb.Price {
	if amount == nil {
		return nil
	}
	return &pb.Price{Amount: *amount, Currency: currency}
}

// answer is a copy of a license for a caller, at this moment.
func (a *Adapter) answer(l *pb.ProductLicense) *pb.ProductLicense {
	l = proto.CloneOf(l)
	now := a.now()
	l.Playable = l.GetStatus() == pb.ProductLicense_ACTIVE && !stopped(l, now) && (l.GetStartTime() == nil || !now.Before(l.GetStartTime().AsTime()))
	return l
}

func stopped(l *pb.ProductLicense, now time.Time) bool {
	return l.GetStopTime() != nil && !now.Before(l.GetStopTime().AsTime())
}
