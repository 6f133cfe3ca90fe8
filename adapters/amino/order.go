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
// product and order id. AminoTV does not keep order ids unique, so the licenses in before are not it.
type order struct {
	terms  *pb.ProductLicense // with an order id
	before []*pb.ProductLicense
}

// withOrderID returns the terms with an order id. If they have none, it is random, so that no other
// license has it.
func withOrderID(terms *pb.ProductLicense) *pb.ProductLicense {
	terms = proto.CloneOf(terms)
	if terms.GetOrderId() == "" {
		terms.OrderId = "drmhub-" + rand.Text()
	}
	return terms
}

// prepare returns the order of the terms in this field of the request. It keeps the order, because a
// later run must look for the same license.
func (a *Adapter) prepare(ctx context.Context, field string, terms *pb.ProductLicense) (order, error) {
	noted, err := mutation.Snapshot(ctx, "order", func(ctx context.Context) (*pb.ListProductLicensesResponse, error) {
		before, err := a.licensesOfOrder(ctx, terms)
		if err == nil && len(before) > 0 && a.config.UniqueOrders {
			err = orderTaken(field, before[0])
		}
		ordered := append([]*pb.ProductLicense{withOrderID(terms)}, before...)
		return &pb.ListProductLicensesResponse{ProductLicenses: ordered}, err
	})
	if err != nil {
		return order{}, err
	}
	return order{noted.GetProductLicenses()[0], noted.GetProductLicenses()[1:]}, nil
}

// licensesOfOrder returns the licenses with the user, product and order id of any of these terms. It
// skips terms without an order id, because they get one that no license has.
func (a *Adapter) licensesOfOrder(ctx context.Context, some ...*pb.ProductLicense) ([]*pb.ProductLicense, error) {
	given := false
	for _, terms := range some {
		given = given || terms.GetOrderId() != ""
	}
	if !given {
		return nil, nil
	}
	held, err := a.licensesOf(ctx, some[0].GetUser())
	var found []*pb.ProductLicense
	for _, l := range held {
		for _, terms := range some {
			if ofOrder(l, terms) {
				found = append(found, l)
				break
			}
		}
	}
	return found, err
}

func ofOrder(l, terms *pb.ProductLicense) bool {
	return terms.GetOrderId() != "" && l.GetOrderId() == terms.GetOrderId() && l.GetProduct() == terms.GetProduct()
}

// find returns the license that was issued for an order, or nil.
func (a *Adapter) find(ctx context.Context, o order) (*pb.ProductLicense, error) {
	found, err := a.licensesOfOrder(ctx, o.terms)
	known := make([]string, len(o.before))
	for i, l := range o.before {
		known[i] = l.GetName()
	}
	if arrived := mutation.NotIn(known, found); len(arrived) > 0 {
		return arrived[0], nil
	}
	return nil, err
}

// orderTaken returns the error of an order id that another license has.
func orderTaken(field string, by *pb.ProductLicense) error {
	return apierror.New(codes.AlreadyExists, pb.ErrorReason_VENDOR_ALREADY_EXISTS,
		"Nothing was issued: the user already has a license of this product with this %s.order_id, %s. "+
			"With unique_orders, one order is one license. Use another order_id.", field, by.GetName())
}
