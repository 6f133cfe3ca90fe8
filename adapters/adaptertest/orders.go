package adaptertest

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// orders are the orders of sites.
var orders = kind[*pb.SiteOrder]{
	rpc: "ListSiteOrders", row: "order",
	list:    func(h Harness) listing[*pb.SiteOrder] { return listOrders(h, nil) },
	put:     func(t T, h Harness, n int) []*pb.SiteOrder { return chosen(newOrders(t, h, n), nil) },
	unnamed: true,
	others: func(h Harness) map[string]listing[*pb.SiteOrder] {
		filtered := listOrders(h, &pb.SiteOrderFilter{AccountId: "acme"})
		return map[string]listing[*pb.SiteOrder]{"a condition more": filtered}
	},
}

var orderPromises = append(orders.promises(),
	Promise{"CreateSiteOrder is found again", needs("CreateSiteOrder", "GetSiteOrder"), createdOrderIsFound},
	Promise{"ListSiteOrders chooses exactly by every condition, and by all at once",
		needs("ListSiteOrders"), orderConditions},
	Promise{"GetSiteOrder shows what ListSiteOrders shows", needs("ListSiteOrders", "GetSiteOrder"), orderAsListed},
	Promise{"GetSiteOrder of an unknown order is NOT_FOUND", needs("GetSiteOrder"),
		notFound(func(_ T, h Harness) []proto.Message {
			return []proto.Message{
				&pb.GetSiteOrderRequest{Name: names.SiteOrder.Name(h.Vendor, "999999")},
				&pb.GetSiteOrderRequest{Name: names.SiteOrder.Name(h.Vendor, "none")},
			}
		})},
)

var orderWrites = []write{{
	needs: needs("CreateSiteOrder"),
	prepare: func(t T, h Harness) *attempt {
		order := &pb.SiteOrder{DisplayName: "Kids_TV"}
		if h.SiteOrders != nil { // Another order has the same name.
			h.SiteOrders.Put(&pb.SiteOrder{
				DisplayName: order.GetDisplayName(), State: pb.SiteOrder_PENDING, CreateTime: timestamppb.New(midnight),
			})
		}
		create := h.calling(&pb.CreateSiteOrderRequest{Parent: vendorName(h), SiteOrder: order})
		return &attempt{create, wanting(func(t T, what string, created *pb.SiteOrder) {
			if created.GetName() == "" || created.GetDisplayName() != order.GetDisplayName() ||
				created.GetState() == pb.SiteOrder_REJECTED {
				t.Errorf("%s: the order is %v, want a named one of %q under way", what, created, order.GetDisplayName())
			}
		})}
	},
}}

// order is an order as the suite seeded it, and as the adapter must show it without its name.
type order struct{ seeded, shown *pb.SiteOrder }

// newOrders adds up to n orders, as many as the vendor can hold: of three accounts and three
// states, one at each noon, and two of each name.
func newOrders(t T, h Harness, n int) []order {
	t.Helper()
	var orders []order
	var seeds []*pb.SiteOrder
	for i := range n {
		noon := timestamppb.New(midnight.Add(12*time.Hour).AddDate(0, 0, i))
		seed := &pb.SiteOrder{
			DisplayName: fmt.Sprintf("Site_%d", i/2), AccountId: []string{"acme", "acme2", "Acme"}[i%3],
			State: pb.SiteOrder_PENDING + pb.SiteOrder_State(i%3), CreateTime: noon, UpdateTime: noon,
		}
		if seed.GetState() == pb.SiteOrder_APPROVED {
			seed.Site = names.Site.Name(h.Vendor, []string{"DEMO", "Demo"}[i%2])
		}
		if shown := h.SiteOrders.Show(proto.CloneOf(seed)); shown != nil {
			orders, seeds = append(orders, order{seed, shown}), append(seeds, seed)
		}
	}
	h.SiteOrders.Put(seeds...)
	return orders
}

func listOrders(h Harness, filter *pb.SiteOrderFilter) listing[*pb.SiteOrder] {
	return listing[*pb.SiteOrder]{h, &pb.ListSiteOrdersRequest{Parent: vendorName(h), Filter: filter}}
}

// chosen returns what the adapter must show of the orders under a filter.
func chosen(orders []order, filter *pb.SiteOrderFilter) []*pb.SiteOrder {
	var rows []*pb.SiteOrder
	for _, o := range orders {
		var siteID string
		if ids, err := names.Site.IDs(o.shown.GetSite()); err == nil {
			siteID = ids[1]
		}
		day := o.seeded.GetCreateTime().AsTime().Format(time.DateOnly)
		if unsetOr(filter.GetAccountId(), o.shown.GetAccountId()) && unsetOr(filter.GetSiteId(), siteID) &&
			unsetOr(filter.GetVendorStatus(), o.shown.GetVendorStatus()) &&
			filter.GetStartDate() <= day && (filter.GetEndDate() == "" || day <= filter.GetEndDate()) {
			rows = append(rows, o.shown)
		}
	}
	return rows
}

func orderConditions(t T, h Harness) {
	held := newOrders(t, h, 40)
	day := func(i int) string { return midnight.AddDate(0, 0, i).Format(time.DateOnly) }
	filters := []*pb.SiteOrderFilter{
		{AccountId: "acme"},
		{SiteId: "DEMO"},
		{StartDate: day(10)},
		{EndDate: day(10)},
		{StartDate: day(10), EndDate: day(10)},
		{StartDate: day(1), EndDate: day(30), AccountId: "acme2", SiteId: "Demo"},
		{AccountId: "nobody"},
	}
	for _, o := range held[:min(3, len(held))] {
		status := o.shown.GetVendorStatus()
		filters = append(filters, &pb.SiteOrderFilter{VendorStatus: status}, &pb.SiteOrderFilter{
			VendorStatus: status, AccountId: o.shown.GetAccountId(), StartDate: day(5), EndDate: day(35),
		})
	}
	for _, filter := range filters {
		want := chosen(held, filter)
		for _, size := range []int32{0, 1} {
			got := listOrders(h, filter).all(t, len(want), size)
			for _, o := range got {
				o.Name = ""
			}
			sameRows(t, filter.String(), got, want)
		}
	}
}

func orderAsListed(t T, h Harness) {
	newOrders(t, h, 3)
	for _, listed := range orders.list(h).all(t, 3, 0) {
		same(t, "GetSiteOrder", get[*pb.SiteOrder](t, h, &pb.GetSiteOrderRequest{Name: listed.GetName()}), listed)
	}
}

func createdOrderIsFound(t T, h Harness) {
	seen := map[string]bool{}
	for range 2 { // of one name
		answer, err := orderWrites[0].prepare(t, h).call.in(t.Context(), newSteps())
		if err != nil {
			t.Fatalf("CreateSiteOrder: %v", err)
		}
		created := answer.(*pb.SiteOrder)
		if seen[created.GetName()] {
			t.Errorf("two orders have the name %q", created.GetName())
		}
		seen[created.GetName()] = true
		got := get[*pb.SiteOrder](t, h, &pb.GetSiteOrderRequest{Name: created.GetName()})
		if got.GetDisplayName() != created.GetDisplayName() || got.GetState() != created.GetState() {
			t.Errorf("GetSiteOrder returns %v, and CreateSiteOrder returned %v", got, created)
		}
	}
}
