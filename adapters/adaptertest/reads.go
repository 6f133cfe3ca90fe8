package adaptertest

import (
	"context"

	"google.golang.org/protobuf/proto"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// read is a call that changes nothing.
type read struct {
	name string
	call func(context.Context) (proto.Message, error)
}

// readsOf returns those of the reads that the adapter has.
func (h Harness) readsOf(requests ...proto.Message) []read {
	var all []read
	for _, req := range requests {
		if hasCall(h.Adapter, rpcOf(req)) {
			ask := func(ctx context.Context) (proto.Message, error) { return h.ask(ctx, req) }
			all = append(all, read{rpcOf(req), ask})
		}
	}
	return all
}

// reads returns all the reads that the adapter has. They are about things that the vendor holds.
func reads(t T, h Harness) []read {
	t.Helper()
	all := []read{{"Check", func(ctx context.Context) (proto.Message, error) {
		_, err := h.Adapter.Check(ctx)
		return nil, err
	}}}
	all = append(all, accountReads(t, h)...)
	all = append(all, productReads(t, h)...)
	if h.Sites == nil {
		return all
	}
	s := newSite(t, h)
	if h.Licenses != nil {
		s.put(history(3)...)
	}
	if hasCall(h.Adapter, "RegisterFairPlayCertificate") {
		done[*pb.FairPlayCertificate](t, h, s.fairPlay())
		all = append(all, h.readsOf(&pb.GetFairPlayCertificateRequest{Name: s.name})...)
	}
	all = append(all, h.readsOf(&pb.ListSitesRequest{Parent: vendorName(h)})...)
	return append(all, s.reads()...)
}

// accountReads returns the reads of orders, members and DRM accounts.
func accountReads(t T, h Harness) []read {
	t.Helper()
	parent := vendorName(h)
	var requests []proto.Message
	if hasCall(h.Adapter, "ListSiteOrders") {
		newOrders(t, h, 3)
		first := orders.list(h).all(t, 3, 0)[0]
		requests = append(requests, orders.list(h).req, &pb.GetSiteOrderRequest{Name: first.GetName()})
	}
	if hasCall(h.Adapter, "ListMembers") {
		members.put(t, h, 3)
		requests = append(requests, members.list(h).req)
	}
	if hasAny(h.Adapter, drmAccountCapabilities) {
		requests = append(requests,
			&pb.ListDrmAccountsRequest{Parent: parent, View: pb.DrmAccount_FULL},
			&pb.GetDrmAccountRequest{Name: putAccounts(t, h, 4)[0].GetName(), View: pb.DrmAccount_FULL})
	}
	return h.readsOf(requests...)
}

// productReads returns the reads of products and product licenses.
func productReads(t T, h Harness) []read {
	t.Helper()
	sells := hasAny(h.Adapter, productLicenseCapabilities)
	if !sells && !hasAny(h.Adapter, productCapabilities) {
		return nil
	}
	held := putProducts(t, h, 4)
	product := held[len(held)-1].GetName()
	requests := []proto.Message{products.list(h).req, &pb.GetProductRequest{Name: product}}
	if sells {
		l := hold(t, h, named(h, bought(viewers[0], product, "order-1"), 0))[0]
		requests = append(requests,
			&pb.ListProductLicensesRequest{Parent: vendorName(h)},
			&pb.ListProductLicensesRequest{Parent: vendorName(h), Filter: &pb.ProductLicenseFilter{User: l.GetUser()}},
			&pb.GetProductLicenseRequest{Name: l.GetName()})
	}
	return h.readsOf(requests...)
}

// reads returns the reads of this one site.
func (s *site) reads() []read {
	requests := []proto.Message{
		&pb.GetSiteRequest{Name: s.name},
		&pb.ListStatusChangesRequest{Parent: s.name},
		&pb.GetIntegrationRequest{Name: s.name + "/integration"},
		&pb.ListLicensesRequest{Parent: s.name},
		&pb.GetUsageRequest{Name: s.name + "/usage"},
	}
	for _, report := range reports {
		requests = append(requests, report.request(s.name))
	}
	all := s.readsOf(requests...)
	if hasCall(s.Adapter, "StreamLicenses") {
		all = append(all, read{"StreamLicenses", func(ctx context.Context) (proto.Message, error) {
			messages, err := s.stream(ctx, nil, "", nil)
			return &pb.StreamLicensesResponse{Licenses: streamed(messages)}, err
		}})
	}
	return all
}
