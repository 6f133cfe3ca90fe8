package memory

import (
	"context"
	"time"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// CreateSiteOrder orders a site.
func (a *Adapter) CreateSiteOrder(ctx context.Context, req *pb.CreateSiteOrderRequest) (*pb.SiteOrder, error) {
	wanted := &pb.SiteOrder{DisplayName: req.GetSiteOrder().GetDisplayName(), State: pb.SiteOrder_PENDING}
	return create(ctx, a.vendor.Orders, wanted, func(o *pb.SiteOrder) bool {
		return o.GetDisplayName() == wanted.GetDisplayName()
	})
}

// ListSiteOrders returns a page of the vendor's orders.
func (a *Adapter) ListSiteOrders(
	ctx context.Context, req *pb.ListSiteOrdersRequest,
) (*pb.ListSiteOrdersResponse, error) {
	f := req.GetFilter()
	orders, next, total, err := page(ctx, req, a.vendor.Orders.Where(func(o *pb.SiteOrder) bool {
		day := o.GetCreateTime().AsTime().Format(time.DateOnly)
		return f.GetStartDate() <= day && (f.GetEndDate() == "" || day <= f.GetEndDate()) &&
			unsetOr(f.GetVendorStatus(), o.GetVendorStatus()) && unsetOr(f.GetAccountId(), o.GetAccountId()) &&
			(f.GetSiteId() == "" || o.GetSite() == a.vendor.siteName(f.GetSiteId()))
	}))
	return &pb.ListSiteOrdersResponse{SiteOrders: orders, NextPageToken: next, TotalSize: total}, err
}

// GetSiteOrder looks the order up in the vendor's list.
func (a *Adapter) GetSiteOrder(ctx context.Context, req *pb.GetSiteOrderRequest) (*pb.SiteOrder, error) {
	return a.vendor.Orders.Get(ctx, req.GetName())
}

// unsetOr reports whether a condition is not set, or is the value that a thing has.
func unsetOr[V comparable](condition, has V) bool {
	var unset V
	return condition == unset || condition == has
}
