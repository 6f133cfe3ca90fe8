package amino

import (
	"context"
	"crypto/rand"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// order is a license to be issued. If the response is lost, it is found again under its user, by
// product and order id. AminoTV does not keep order ids unique, so the licenses in before are not
// it.
type order struct {
	terms  *pb.ProductLicense // with an order id
	before []*pb.ProductLicense
	// partly reports whether the user may have had more such licenses before.
	partly bool
	// shared reports whether the batch has another license of this user and order id. Then a
	// license without a product may be that one.
	shared bool
}

// partlyListed marks a snapshot of a list that may have had more licenses.
const partlyListed = "partly"

// withOrderID returns the terms with an order id. If they have none, it is random, so that no other
// license has it.
func withOrderID(terms *pb.ProductLicense) *pb.ProductLicense {
	terms = proto.CloneOf(terms)
	if terms.GetOrderId() == "" {
		terms.OrderId = "drmhub-" + rand.Text()
	}
	return terms
}

// prepare returns the order of the terms in this field of the request. It keeps the order, because
// a later run must look for the same license.
func (a *Adapter) prepare(ctx context.Context, field string, terms *pb.ProductLicense) (order, error) {
	noted, err := mutation.Snapshot(ctx, "order", func(ctx context.Context) (*pb.ListProductLicensesResponse, error) {
		return a.orders(ctx, field, "", terms)
	})
	if err != nil {
		return order{}, err
	}
	all := noted.GetProductLicenses()
	return order{terms: all[0], before: all[1:], partly: noted.GetNextPageToken() == partlyListed}, nil
}

// orders returns the terms, each with an order id, and then the licenses that could be mistaken for
// theirs. field is the field of the request that has the first terms. With unique_orders, orders
// fails if a license other than the replaced one has the order of these terms.
func (a *Adapter) orders(
	ctx context.Context, field, replaced string, some ...*pb.ProductLicense,
) (*pb.ListProductLicensesResponse, error) {
	noted := &pb.ListProductLicensesResponse{}
	given := false
	for _, terms := range some {
		noted.ProductLicenses = append(noted.ProductLicenses, withOrderID(terms))
		given = given || terms.GetOrderId() != ""
	}
	if !given { // No license has an order id that drmhub draws.
		return noted, nil
	}
	owned, whole, err := a.licensesOf(ctx, some[0].GetUser())
	if err != nil {
		return nil, err
	}
	if !whole {
		noted.NextPageToken = partlyListed
	}
	for _, l := range owned {
		for _, terms := range some {
			if l.match(terms) != different {
				noted.ProductLicenses = append(noted.ProductLicenses, l.ProductLicense)
				break
			}
		}
	}
	if a.config.UniqueOrders && some[0].GetOrderId() != "" {
		return noted, checkUnique(field, replaced, some[0], owned, whole)
	}
	return noted, nil
}

// checkUnique fails if a license other than the replaced one has the order of terms, or if nobody
// can say so.
func checkUnique(field, replaced string, terms *pb.ProductLicense, owned []held, whole bool) error {
	unclear := ""
	if !whole {
		unclear = "it shows only a part of them"
	}
	for _, l := range owned {
		switch m := l.match(terms); {
		case l.GetName() == replaced || m == different:
		case m == same:
			return orderTaken(field, l.GetName())
		default:
			unclear = l.GetName()
		}
	}
	if unclear == "" {
		return nil
	}
	return apierror.New(codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID,
		"Nothing was issued: with unique_orders, no other license may have this %s.order_id. AminoTV does not show "+
			"enough of the user's licenses to check that: %s", field, unclear)
}

// match is whether a license is of an order.
type match int

const (
	different match = iota
	same
	perhaps // it has the order id, and AminoTV does not show its product
	untold  // AminoTV does not show its order id
)

// match compares a license of the user with terms.
func (l held) match(terms *pb.ProductLicense) match {
	otherProduct := l.GetProduct() != "" && l.GetProduct() != terms.GetProduct()
	switch {
	case terms.GetOrderId() == "" || otherProduct:
		return different
	case !l.row.OrderID.shown:
		return untold
	case l.GetOrderId() != terms.GetOrderId():
		return different
	case l.GetProduct() == "":
		return perhaps
	}
	return same
}

// find returns the license that was issued for an order, or nil if AminoTV does not hold it. It
// fails if nobody can say so.
func (a *Adapter) find(ctx context.Context, o order) (*pb.ProductLicense, error) {
	owned, whole, err := a.licensesOf(ctx, o.terms.GetUser())
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, l := range o.before {
		known[l.GetName()] = true
	}
	arrived := map[match][]held{}
	for _, l := range owned {
		if m := l.match(o.terms); !known[l.GetName()] {
			arrived[m] = append(arrived[m], l)
		}
	}
	likely := append(arrived[same], arrived[perhaps]...)
	switch {
	case len(likely) > 0 && o.partly:
		return nil, errNotFoundSurely("the license " + likely[0].GetName() + " may be an older one of the order, " +
			"since AminoTV showed only a part of the user's licenses")
	case len(arrived[same]) > 0:
		return o.issued(arrived[same][0]), nil
	case len(arrived[perhaps]) == 1 && !o.shared:
		return o.issued(arrived[perhaps][0]), nil
	case len(arrived[perhaps]) > 0:
		return nil, errNotFoundSurely("AminoTV does not show the product of the license " + likely[0].GetName())
	case len(arrived[untold]) > 0:
		return nil, errNotFoundSurely("AminoTV does not show the order of the license " + arrived[untold][0].GetName())
	case !whole:
		return nil, errNotFoundSurely("AminoTV shows only a part of the user's licenses. Check offset_parameter")
	}
	return nil, nil
}

// issued returns a license that was issued for an order. What AminoTV does not show of it is as it
// was asked for.
func (o order) issued(l held) *pb.ProductLicense {
	if l.unreadable != nil || l.row == (licenseAttributes{}) {
		asked := expected(o.terms)
		asked.Name = l.GetName()
		return asked
	}
	return completed(l.ProductLicense, o.terms)
}

// errNotFoundSurely returns the error of a license that may have been issued.
func errNotFoundSurely(why string) error {
	return apierror.New(codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID,
		"drmhub cannot find out whether the license was issued: %s", why)
}

// orderTaken returns the error of an order id that another license has.
func orderTaken(field, by string) error {
	return apierror.New(codes.AlreadyExists, pb.ErrorReason_VENDOR_ALREADY_EXISTS,
		"Nothing was issued: the user already has a license of this product with this %s.order_id, %s. "+
			"With unique_orders, one order is one license. Use another order_id.", field, by)
}
