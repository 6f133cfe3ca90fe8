package amino

import (
	"cmp"
	"context"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// statuses are the documented statuses of AminoTV.
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

// ListProductLicenses lists all licenses, or those of the user in the filter. drmhub itself applies
// the other conditions.
func (a *Adapter) ListProductLicenses(
	ctx context.Context, req *pb.ListProductLicensesRequest,
) (*pb.ListProductLicensesResponse, error) {
	filter := req.GetFilter()
	path := licensesPath
	if filter.GetUser() != "" {
		path = userLicensesPath(filter.GetUser())
	}
	rows, next, err := page(ctx, a, req, path, a.matcher(filter))
	switch {
	case isNotFound(err) && filter.GetUser() != "": // an unknown user has no licenses
		return &pb.ListProductLicensesResponse{}, nil
	case err != nil:
		return nil, err
	}
	res := &pb.ListProductLicensesResponse{NextPageToken: next}
	for _, row := range rows {
		l := a.license(row)
		l.User = cmp.Or(l.GetUser(), filter.GetUser())
		res.ProductLicenses = append(res.ProductLicenses, a.answer(l))
	}
	return res, nil
}

// matcher returns whether a license meets the conditions of the filter. It fails for a license that
// meets all conditions that can be checked, but does not show what another condition asks for. It
// is nil if every license meets them.
func (a *Adapter) matcher(filter *pb.ProductLicenseFilter) func(licenseResource) (bool, error) {
	product, wanted := a.productOf(filter.GetProduct()), filter.GetStatus()
	byStatus := wanted != pb.ProductLicense_STATUS_UNSPECIFIED
	if product == "" && !byStatus && filter.GetUser() == "" {
		return nil
	}
	return func(r licenseResource) (bool, error) {
		l := a.license(r)
		switch {
		case filter.GetUser() != "" && l.GetUser() != "" && l.GetUser() != filter.GetUser():
			return false, errOtherUser(filter.GetUser(), l)
		case product != "" && l.GetProduct() != "" && l.GetProduct() != product,
			byStatus && l.GetVendorStatus() != "" && l.GetStatus() != wanted:
			return false, nil
		case product != "" && l.GetProduct() == "":
			return false, errUntold("product", l)
		case byStatus && l.GetVendorStatus() == "":
			return false, errUntold("status", l)
		}
		return true, nil
	}
}

// errUntold returns the error of a condition on something that AminoTV does not show of a license.
func errUntold(condition string, l *pb.ProductLicense) error {
	return apierror.New(codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID,
		"AminoTV does not show the %[1]s of the license %[2]s, so drmhub cannot apply filter.%[1]s. "+
			"List without filter.%[1]s.", condition, l.GetName())
}

// errOtherUser returns the error of a user's list that shows another user's license.
func errOtherUser(user string, l *pb.ProductLicense) error {
	return apierror.New(codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID,
		"AminoTV's list of the licenses of the user %q shows the license %s of the user %q",
		user, l.GetName(), l.GetUser())
}

// productOf returns the name of the product in a filter, which holds a name or an id.
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

// findLicense reads the license that this field of the request names.
func (a *Adapter) findLicense(ctx context.Context, field, name string) (*pb.ProductLicense, error) {
	id, err := a.licenseID(field, name)
	if err != nil {
		return nil, err
	}
	row, err := one[licenseResource](ctx, a, licensesPath, id)
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

// A held is a license of a user.
type held struct {
	*pb.ProductLicense
	row        licenseAttributes
	unreadable error // what cannot be read; the license has the rest
}

// licensesOf returns all licenses of a user. whole is false if the user may have more.
func (a *Adapter) licensesOf(ctx context.Context, user string) (licenses []held, whole bool, err error) {
	rows, whole, err := all[licenseResource](ctx, a, userLicensesPath(user))
	if isNotFound(err) {
		return nil, true, nil
	}
	for _, row := range rows {
		l := a.license(row.row)
		if l.GetUser() != "" && l.GetUser() != user {
			return nil, false, errOtherUser(user, l)
		}
		l.User = user
		licenses = append(licenses, held{l, row.row.Attributes, row.unreadable})
	}
	return licenses, whole, err
}

// license returns the license that AminoTV showed. It may be kept, so playable is not set: see
// answer.
func (a *Adapter) license(row licenseResource) *pb.ProductLicense {
	attributes := row.Attributes
	l := &pb.ProductLicense{
		Name:         a.licenseName(row.ID),
		User:         row.Relationships.User.id(),
		Status:       statuses[attributes.Status],
		VendorStatus: attributes.Status,
		StartTime:    attributes.StartDate.timestamp(),
		StopTime:     attributes.StopDate.end(),
		OrderId:      attributes.OrderID.text,
	}
	if id := row.Relationships.Product.id(); id != "" {
		l.Product = a.productName(id)
	}
	if r := attributes.RenewRecord; r != nil {
		l.Renewal = &pb.ProductLicense_Renewal{Recurring: r.Recurring, ExpireTime: r.ExpiryDate.end()}
	}
	if p := attributes.PurchaseRecord; p != nil {
		l.Purchase = &pb.ProductLicense_Purchase{
			Price: price(p.PriceAmount, p.PriceCurrency), Time: p.PurchaseTimestamp.timestamp(),
			PaymentMethod: p.PaymentMethod,
		}
	}
	return l
}

// price returns an amount of cents, or nil without an amount.
func price(amount *int32, currency string) *pb.Price {
	if amount == nil {
		return nil
	}
	return &pb.Price{Amount: *amount, Currency: currency}
}

// answer returns a copy of a license for a caller. It says whether the license is playable now.
func (a *Adapter) answer(l *pb.ProductLicense) *pb.ProductLicense {
	l = proto.CloneOf(l)
	now := a.now()
	started := l.GetStartTime() == nil || !now.Before(l.GetStartTime().AsTime())
	l.Playable = l.GetStatus() == pb.ProductLicense_ACTIVE && started && !stopped(l, now)
	return l
}

func stopped(l *pb.ProductLicense, now time.Time) bool {
	return l.GetStopTime() != nil && !now.Before(l.GetStopTime().AsTime())
}
