package adaptertest

import (
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/paging"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var orderPromises = []Promise{
	{"CreateSiteOrder is found again", needs(siteOrderCreator, siteOrderGetter), createdOrderIsFound},
	{"ListSiteOrders gives every order exactly once, as the vendor holds it, whatever the page sizes", needs(siteOrderLister), everyOrderOnce},
	{"ListSiteOrders chooses exactly by every condition, and by all at once", needs(siteOrderLister), orderConditions},
	{"ListSiteOrders without orders is empty", needs(siteOrderLister), noOrders},
	{"ListSiteOrders refuses what is no page token of this request", needs(siteOrderLister), ordersRefuseGarbage},
	{"GetSiteOrder shows what ListSiteOrders shows", needs(siteOrderLister, siteOrderGetter), orderAsListed},
	{"GetSiteOrder of an unknown order is NOT_FOUND", needs(siteOrderGetter), unknownOrder},
}

var orderWrites = []write{{
	needs: needs(siteOrderCreator),
	prepare: func(t T, h Harness) *attempt {
		order := &pb.SiteOrder{DisplayName: "Kids_TV"}
		if h.SiteOrders != nil { // one of that name is not the one that is asked for
			h.SiteOrders.Put(&pb.SiteOrder{DisplayName: order.GetDisplayName(), State: pb.SiteOrder_PENDING, CreateTime: timestamppb.New(midnight)})
		}
		return &attempt{
			typed(h.Adapter.(adapters.SiteOrderCreator).CreateSiteOrder, &pb.CreateSiteOrderRequest{Parent: vendorName(h), SiteOrder: order}),
			wanting(func(t T, what string, created *pb.SiteOrder) {
				if created.GetName() == "" || created.GetDisplayName() != order.GetDisplayName() || created.GetState() == pb.SiteOrder_REJECTED {
					t.Errorf("%s: the order is %v, want a named one of %q that is under way", what, created, order.GetDisplayName())
				}
			}),
		}
	},
}}

// order is an order as the suite seeded it, and as the adapter must show it: without a name, which
// the vendor gives.
type order struct{ seeded, shown *pb.SiteOrder }

// newOrders lets the vendor hold n orders, as far as it can: of three accounts and three states,
// one at every noon, two of a name.
func newOrders(h Harness, n int) []order {
	var orders []order
	var seeds []*pb.SiteOrder
	for i := range n {
		seed := &pb.SiteOrder{
			DisplayName: fmt.Sprintf("Site_%d", i/2), AccountId: []string{"acme", "acme2", "Acme"}[i%3], State: pb.SiteOrder_PENDING + pb.SiteOrder_State(i%3),
			CreateTime: timestamppb.New(midnight.Add(12*time.Hour).AddDate(0, 0, i)),
		}
		seed.UpdateTime = seed.GetCreateTime()
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

// listOrders pages through the orders, of which so many match, with these page sizes in turn.
func listOrders(t T, h Harness, held int, filter *pb.SiteOrderFilter, sizes ...int32) []*pb.SiteOrder {
	t.Helper()
	var orders []*pb.SiteOrder
	req := &pb.ListSiteOrdersRequest{Parent: vendorName(h), Filter: filter}
	for page := range mostPages {
		req.PageSize = sizes[page%len(sizes)]
		res, err := h.Adapter.(adapters.SiteOrderLister).ListSiteOrders(t.Context(), proto.CloneOf(req))
		if err != nil {
			t.Fatalf("ListSiteOrders, page %d of size %d: %v", page, req.GetPageSize(), err)
		}
		if n := len(res.GetSiteOrders()); n > paging.Size(req.GetPageSize()) {
			t.Errorf("ListSiteOrders answers %d orders for page_size %d", n, req.GetPageSize())
		}
		if total := int(res.GetTotalSize()); total != 0 && total != held {
			t.Errorf("ListSiteOrders has total_size %d, and %d orders match", total, held)
		}
		orders = append(orders, res.GetSiteOrders()...)
		if req.PageToken = res.GetNextPageToken(); req.GetPageToken() == "" {
			return orders
		}
	}
	t.Fatalf("ListSiteOrders with page sizes %d does not end", sizes)
	return nil
}

// unnamed are the orders without their names, which no two have alike.
func unnamed(t T, h Harness, orders []*pb.SiteOrder) []*pb.SiteOrder {
	t.Helper()
	seen := map[string]bool{}
	var bare []*pb.SiteOrder
	for _, o := range orders {
		checkNames(t, h.Vendor, "ListSiteOrders", o)
		if o.GetName() == "" || seen[o.GetName()] {
			t.Errorf("ListSiteOrders gives the name %q twice, or an order without one", o.GetName())
		}
		seen[o.GetName()] = true
		o = proto.CloneOf(o)
		o.Name = ""
		bare = append(bare, o)
	}
	return bare
}

func chosen(orders []order, filter *pb.SiteOrderFilter) []*pb.SiteOrder {
	var rows []*pb.SiteOrder
	for _, o := range orders {
		var siteID string
		if ids, err := names.Site.IDs(o.shown.GetSite()); err == nil {
			siteID = ids[1]
		}
		day := o.seeded.GetCreateTime().AsTime().Format(time.DateOnly)
		if (filter.GetAccountId() == "" || filter.GetAccountId() == o.shown.GetAccountId()) &&
			(filter.GetSiteId() == "" || filter.GetSiteId() == siteID) &&
			(filter.GetVendorStatus() == "" || filter.GetVendorStatus() == o.shown.GetVendorStatus()) &&
			filter.GetStartDate() <= day && (filter.GetEndDate() == "" || day <= filter.GetEndDate()) {
			rows = append(rows, o.shown)
		}
	}
	return rows
}

func everyOrderOnce(t T, h Harness) {
	orders := newOrders(h, 130)
	want := chosen(orders, nil)
	for _, sizes := range [][]int32{{0}, {1}, {7}, {50}, {65}, {1000}, {5000}, {1, 50, 3}} {
		sameRows(t, fmt.Sprintf("page sizes %d", sizes), unnamed(t, h, listOrders(t, h, len(want), nil, sizes...)), want)
	}
}

func orderConditions(t T, h Harness) {
	orders := newOrders(h, 40)
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
	for _, o := range orders[:min(3, len(orders))] {
		filters = append(filters,
			&pb.SiteOrderFilter{VendorStatus: o.shown.GetVendorStatus()},
			&pb.SiteOrderFilter{VendorStatus: o.shown.GetVendorStatus(), AccountId: o.shown.GetAccountId(), StartDate: day(5), EndDate: day(35)})
	}
	for _, filter := range filters {
		want := chosen(orders, filter)
		for _, size := range []int32{0, 1} {
			sameRows(t, fmt.Sprintf("%v", filter), unnamed(t, h, listOrders(t, h, len(want), filter, size)), want)
		}
	}
}

func noOrders(t T, h Harness) {
	if listed := listOrders(t, h, 0, nil, 0); len(listed) > 0 {
		t.Errorf("ListSiteOrders gives %v, and the vendor holds nothing", listed)
	}
}

func ordersRefuseGarbage(t T, h Harness) {
	newOrders(h, 130)
	a := h.Adapter.(adapters.SiteOrderLister)
	first, err := a.ListSiteOrders(t.Context(), &pb.ListSiteOrdersRequest{Parent: vendorName(h), PageSize: 1})
	if err != nil || first.GetNextPageToken() == "" {
		t.Fatalf("ListSiteOrders, page 0 of size 1 of many: the token is %q, %v", first.GetNextPageToken(), err)
	}
	for what, token := range noTokens(first.GetNextPageToken()) {
		_, err := a.ListSiteOrders(t.Context(), &pb.ListSiteOrdersRequest{Parent: vendorName(h), PageToken: token})
		wantTokenRefused(t, what, err)
	}
	_, err = a.ListSiteOrders(t.Context(), &pb.ListSiteOrdersRequest{
		Parent: vendorName(h), PageToken: first.GetNextPageToken(), Filter: &pb.SiteOrderFilter{AccountId: "acme"},
	})
	wantTokenRefused(t, "a condition more", err)
}

func orderAsListed(t T, h Harness) {
	newOrders(h, 3)
	for _, listed := range listOrders(t, h, 3, nil, 0) {
		got, err := h.Adapter.(adapters.SiteOrderGetter).GetSiteOrder(t.Context(), &pb.GetSiteOrderRequest{Name: listed.GetName()})
		if err != nil || !proto.Equal(got, listed) {
			t.Errorf("GetSiteOrder gives %v, %v, and ListSiteOrders %v", got, err, listed)
		}
	}
}

func unknownOrder(t T, h Harness) {
	for _, id := range []string{"999999", "none"} {
		_, err := h.Adapter.(adapters.SiteOrderGetter).GetSiteOrder(t.Context(), &pb.GetSiteOrderRequest{Name: names.SiteOrder.Name(h.Vendor, id)})
		wantError(t, "GetSiteOrder", err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
	}
}

func createdOrderIsFound(t T, h Harness) {
	var created []*pb.SiteOrder
	for range 2 { // of one name
		answer, err := orderWrites[0].prepare(t, h).call.in(t.Context(), newSteps())
		if err != nil {
			t.Fatalf("CreateSiteOrder: %v", err)
		}
		created = append(created, answer.(*pb.SiteOrder))
	}
	if created[0].GetName() == created[1].GetName() {
		t.Errorf("two orders are both %q", created[0].GetName())
	}
	for _, c := range created {
		got, err := h.Adapter.(adapters.SiteOrderGetter).GetSiteOrder(t.Context(), &pb.GetSiteOrderRequest{Name: c.GetName()})
		if err != nil || got.GetDisplayName() != c.GetDisplayName() || got.GetState() != c.GetState() {
			t.Errorf("GetSiteOrder gives %v, %v, and CreateSiteOrder answered %v", got, err, c)
		}
	}
}
