package adaptertest

import (
	"context"

	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// read is a call that changes nothing.
type read struct {
	name string
	call func(context.Context) (proto.Message, error)
}

// reads are all the reads that the adapter has, about a site that the vendor holds.
func reads(t T, h Harness) []read {
	t.Helper()
	all := []read{{"Check", func(ctx context.Context) (proto.Message, error) {
		_, err := h.Adapter.Check(ctx)
		return nil, err
	}}}
	all = append(all, accountReads(t, h)...)
	all = append(all, drmAccountReads(t, h)...)
	all = append(all, productReads(t, h)...)
	if h.Sites == nil {
		return all
	}
	s := newSite(t, h)
	if h.Licenses != nil {
		s.put(history(3)...)
	}
	if a, ok := h.Adapter.(adapters.SiteLister); ok {
		all = append(all, read{"ListSites", func(ctx context.Context) (proto.Message, error) {
			return a.ListSites(ctx, &pb.ListSitesRequest{Parent: vendorName(h)})
		}})
	}
	return append(all, s.reads()...)
}

// accountReads are the reads about the account as a whole, of orders and members that the vendor
// holds.
func accountReads(t T, h Harness) []read {
	t.Helper()
	var all []read
	if a, ok := h.Adapter.(adapters.SiteOrderLister); ok {
		newOrders(h, 3)
		all = append(all, read{"ListSiteOrders", func(ctx context.Context) (proto.Message, error) {
			return a.ListSiteOrders(ctx, &pb.ListSiteOrdersRequest{Parent: vendorName(h)})
		}})
		if a, ok := h.Adapter.(adapters.SiteOrderGetter); ok {
			name := listOrders(t, h, 3, nil, 0)[0].GetName()
			all = append(all, read{"GetSiteOrder", func(ctx context.Context) (proto.Message, error) {
				return a.GetSiteOrder(ctx, &pb.GetSiteOrderRequest{Name: name})
			}})
		}
	}
	if a, ok := h.Adapter.(adapters.MemberLister); ok {
		putMembers(t, h, 3)
		all = append(all, read{"ListMembers", func(ctx context.Context) (proto.Message, error) {
			return a.ListMembers(ctx, &pb.ListMembersRequest{Parent: vendorName(h)})
		}})
	}
	return all
}

// reads are the reads about this one site.
func (s *site) reads() []read {
	var all []read
	if a, ok := s.Adapter.(adapters.SiteGetter); ok {
		all = append(all, read{"GetSite", func(ctx context.Context) (proto.Message, error) {
			return a.GetSite(ctx, &pb.GetSiteRequest{Name: s.name})
		}})
	}
	if a, ok := s.Adapter.(adapters.StatusChangeLister); ok {
		all = append(all, read{"ListStatusChanges", func(ctx context.Context) (proto.Message, error) {
			return a.ListStatusChanges(ctx, &pb.ListStatusChangesRequest{Parent: s.name})
		}})
	}
	if a, ok := s.Adapter.(adapters.IntegrationGetter); ok {
		all = append(all, read{"GetIntegration", func(ctx context.Context) (proto.Message, error) {
			return a.GetIntegration(ctx, &pb.GetIntegrationRequest{Name: s.name + "/integration"})
		}})
	}
	if has[adapters.LicenseLister](s.Adapter) {
		all = append(all, read{"ListLicenses", func(ctx context.Context) (proto.Message, error) {
			return s.listPage(ctx, nil, 0, "")
		}})
	}
	if has[adapters.LicenseStreamer](s.Adapter) {
		all = append(all, read{"StreamLicenses", func(ctx context.Context) (proto.Message, error) {
			messages, err := s.stream(ctx, nil, "", nil)
			return &pb.StreamLicensesResponse{Licenses: streamed(messages)}, err
		}})
	}
	all = append(all, s.reportReads()...)
	return all
}

func vendorName(h Harness) string { return names.Vendor.Name(h.Vendor) }
