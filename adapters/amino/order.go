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

// order is a license to be issued, and how it is found again should the answer be lost: under its
// user, by product and order id. AminoTV does not keep order ids unique, so licenses that stood
// before are not it.
type order struct {
	terms  *pb.ProductLicense // with an order id
	before []*pb.ProductLicense
}

// drawn are terms with an order id, which is drawn at random where they have none: then nothing
// else can have it.
func drawn(terms *pb.ProductLicense) *pb.ProductLicense {
	terms = proto.CloneOf(terms)
	if terms.GetOrderId() == "" {
		terms.OrderId = "drmhub-" + rand.Text()
	}
	return terms
}

// prepare makes an order of what stands in this field of the request, and keeps it: a run after
// this one is to look for the same license.
func (a *Adapter) prepare(ctx context.Context, field string, terms *pb.ProductLicense) (order, error) {
	noted, err := mutation.Snapshot(ctx, "order", func(ctx context.Context) (*pb.ListProductLicensesResponse, error) {
		before, err := a.taken(ctx, terms)
		if err == nil && len(before) > 0 && a.config.UniqueOrders {
			err = orderTaken(field, before[0])
		}
		return &pb.ListProductLicensesResponse{ProductLicenses: append([]*pb.ProductLicense{drawn(terms)}, before...)}, err
	})
	if err != nil {
		return order{}, err
	}
	return order{noted.GetProductLicenses()[0], noted.GetProductLicenses()[1:]}, nil
}

// taken are the licenses that stand for the user, product and order id of any of these terms. Those
// without an order id get one that is not taken.
func (a *Adapter) taken(ctx context.Context, some ...*pb.ProductLicense) ([]*pb.ProductLicense, error) {
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

// find is the license that was issued for an order, or nil.
func (a *Adapter) find(ctx context.Context, o order) (*pb.ProductLicense, error) {
	found, err := a.taken(ctx, o.terms)
	known := make([]string, len(o.before))
	for i, l := range o.before {
		known[i] = l.GetName()
	}
	if arrived := mutation.NotIn(known, found); len(arrived) > 0 {
		return arrived[0], nil
	}
	return nil, err
}

// orderTaken is the error of an order id that another license has.
func orderTaken(field string, by *pb.ProductLicense) error {
	return apierror.New(codes.AlreadyExists, pb.ErrorReason_VENDOR_ALREADY_EXISTS,
		"nothing is issued: the user has a license of this product with this %s.order_id already: %s; with unique_orders, one order is one license", field, by.GetName())
}
