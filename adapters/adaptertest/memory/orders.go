package memory

import (
	"context"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/paging"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// CreateSiteOrder orders a site. Whether a lost order arrived is seen by an order of its name that
// was not there before.
func (a *Adapter) CreateSiteOrder(ctx context.Context, req *pb.CreateSiteOrderRequest) (*pb.SiteOrder, error) {
	ofThisName := func(ctx context.Context) (*pb.ListSiteOrdersResponse, error) {
		orders, err := a.orders(ctx, func(o *pb.SiteOrder) bool { return o.GetDisplayName() == req.GetSiteOrder().GetDisplayName() })
		return &pb.ListSiteOrdersResponse{SiteOrders: orders}, err
	}
	before, err := mutation.Snapshot(ctx, "before", ofThisName)
	if err != nil {
		return nil, err
	}
	send := func(ctx context.Context, _ mutation.Attempt) (*pb.SiteOrder, error) {
		ordered, err := a.vendor.Order(ctx, req.GetSiteOrder().GetDisplayName())
		if err != nil {
			return nil, a.explainWrite(ctx, err)
		}
		return a.order(ordered), nil
	}
	check := func(ctx context.Context) (*pb.SiteOrder, bool, error) {
		now, err := ofThisName(ctx)
		for _, o := range now.GetSiteOrders() {
			if !slices.ContainsFunc(before.GetSiteOrders(), func(b *pb.SiteOrder) bool { return b.GetName() == o.GetName() }) {
				return o, true, err
			}
		}
		return nil, false, err
	}
	expect := func() *pb.SiteOrder {
		return &pb.SiteOrder{DisplayName: req.GetSiteOrder().GetDisplayName(), State: pb.SiteOrder_PENDING}
	}
	return mutation.Do(ctx, mutation.Write[*pb.SiteOrder]{Step: "order", Send: send, ReadBack: check, Preview: expect})
}

// ListSiteOrders answers the vendor's orders, a page at a time.
func (a *Adapter) ListSiteOrders(ctx context.Context, req *pb.ListSiteOrdersRequest) (*pb.ListSiteOrdersResponse, error) {
	orders, err := a.orders(ctx, func(o *pb.SiteOrder) bool { return chooses(req.GetFilter(), o) })
	if err != nil {
		return nil, err
	}
	page, next, err := paging.Slice(req, orders)
	return &pb.ListSiteOrdersResponse{SiteOrders: page, NextPageToken: next, TotalSize: int32(len(orders))}, err
}

// GetSiteOrder looks the order up in the vendor's list.
func (a *Adapter) GetSiteOrder(ctx context.Context, req *pb.GetSiteOrderRequest) (*pb.SiteOrder, error) {
	orders, err := a.orders(ctx, func(*pb.SiteOrder) bool { return true })
	return named(orders, err, req.GetName(), "order")
}

func (a *Adapter) orders(ctx context.Context, match func(*pb.SiteOrder) bool) ([]*pb.SiteOrder, error) {
	held, err := a.vendor.Orders(ctx)
	if err != nil {
		return nil, a.explain(ctx, err)
	}
	var orders []*pb.SiteOrder
	for _, o := range held {
		if match(o) {
			orders = append(orders, a.order(o))
		}
	}
	return orders, nil
}

func (a *Adapter) order(held *pb.SiteOrder) *pb.SiteOrder {
	held.Name = names.SiteOrder.Name(a.id, held.GetName())
	return held
}

// chooses reports whether every condition of the filter holds. A condition that is not set holds.
func chooses(f *pb.SiteOrderFilter, o *pb.SiteOrder) bool {
	day := o.GetCreateTime().AsTime().Format(time.DateOnly)
	site, err := names.Site.IDs(o.GetSite())
	switch {
	case f.GetStartDate() > day:
	case f.GetEndDate() != "" && f.GetEndDate() < day:
	case f.GetVendorStatus() != "" && f.GetVendorStatus() != o.GetVendorStatus():
	case f.GetAccountId() != "" && f.GetAccountId() != o.GetAccountId():
	case f.GetSiteId() != "" && (err != nil || f.GetSiteId() != site[1]):
	default:
		return true
	}
	return false
}

// Orders are all orders, newest first.
func (v *Vendor) Orders(ctx context.Context) ([]*pb.SiteOrder, error) {
	return readingAll(ctx, v, &v.orders)
}

// Order orders a site.
func (v *Vendor) Order(ctx context.Context, displayName string) (ordered *pb.SiteOrder, err error) {
	return ordered, v.write(ctx, func() error {
		ordered = inItsWords(&pb.SiteOrder{Name: v.id(), DisplayName: displayName, State: pb.SiteOrder_PENDING})
		v.orders = slices.Insert(v.orders, 0, proto.CloneOf(ordered))
		return nil
	})
}

// PutSiteOrders lets orders arrive.
func (v *Vendor) PutSiteOrders(orders ...*pb.SiteOrder) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, o := range orders {
		o = inItsWords(proto.CloneOf(o))
		o.Name = v.id()
		v.orders = slices.Insert(v.orders, 0, o)
	}
}

// inItsWords is an order with the vendor's own word for its state.
func inItsWords(o *pb.SiteOrder) *pb.SiteOrder {
	o.VendorStatus = strings.ToLower(o.GetState().String())
	return o
}

func clones[M proto.Message](held []M) []M {
	all := make([]M, len(held))
	for i, m := range held {
		all[i] = proto.CloneOf(m)
	}
	return all
}
