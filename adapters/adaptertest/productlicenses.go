package adaptertest

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var productLicensePromises = []Promise{
	{"ListProductLicenses gives every license exactly once, as the vendor holds it, whatever the page sizes", needs(productLicenseLister), everyProductLicenseOnce},
	{"ListProductLicenses tells what is playable: what is ACTIVE, has begun and has not ended", needs(productLicenseLister), playableLicenses},
	{"ListProductLicenses chooses exactly by user, product and status, and by all at once", needs(productLicenseLister), productLicenseConditions},
	{"ListProductLicenses without licenses is empty", needs(productLicenseLister), noProductLicenses},
	{"ListProductLicenses refuses what is no page token of this request", needs(productLicenseLister), productLicensesRefuseGarbage},
	{"GetProductLicense shows what the vendor holds", needs(productLicenseGetter), productLicenseAsHeld},
	{"GetProductLicense of an unknown license is NOT_FOUND", needs(productLicenseGetter), unknownProductLicense},
}

// productLicenseCapabilities are those that concern product licenses.
var productLicenseCapabilities = needs(productLicenseLister, productLicenseGetter, productLicenseCreator,
	productLicenseDeleter, productLicenseBatchCreator, productLicenseBatchDeleter, productLicenseReplacer)

// viewers are users that a vendor's search, a path or a database may take for one another.
var viewers = []string{"viewer-1", "Viewer-1", "viewer-10", "viewer 1", "viewer_1", "viewer%", "viewer%2D1", "a/b?c=d&e#f", "Möwe", "영화-1", `"quoted" '--`}

// aDay is far enough from now for a test to be over before.
const aDay = 24 * time.Hour

// fromNow is a time in whole seconds.
func fromNow(d time.Duration) *timestamppb.Timestamp {
	return timestamppb.New(time.Now().Add(d).Truncate(time.Second))
}

// bought is a license of a user to a product, which began yesterday and does not end.
func bought(user, product, orderID string) *pb.ProductLicense {
	return &pb.ProductLicense{
		User: user, Product: product, Status: pb.ProductLicense_ACTIVE, StartTime: fromNow(-aDay), OrderId: orderID,
		Renewal:  &pb.ProductLicense_Renewal{Recurring: new(true), ExpireTime: fromNow(30 * aDay)},
		Purchase: &pb.ProductLicense_Purchase{Price: &pb.Price{Amount: 999, Currency: "EUR"}, Time: fromNow(-2 * aDay), PaymentMethod: "billing"},
	}
}

// periods are when licenses begin and end: those that may be played now first.
var periods = []func(*pb.ProductLicense){
	func(*pb.ProductLicense) {},
	func(l *pb.ProductLicense) { l.StopTime = fromNow(aDay) },
	func(l *pb.ProductLicense) { l.StartTime, l.StopTime = fromNow(-3*aDay), fromNow(-aDay) },
	func(l *pb.ProductLicense) { l.StartTime = fromNow(aDay) },
	func(l *pb.ProductLicense) { l.StartTime, l.StopTime = fromNow(aDay), fromNow(3*aDay) },
}

// productLicenseIDs are n ids, some of which need an escape in a name or a path.
func productLicenseIDs(n int) []string {
	all := []string{"1f2e3d4c000001", "a/b", "100%", "é:@ ü"}
	for i := len(all); i < n; i++ {
		all = append(all, fmt.Sprintf("license-%03d", i))
	}
	return all[:n]
}

// sellLicenses lets the vendor hold n licenses, as far as it can: to three products, of all users,
// statuses and periods, each with each. It answers what the adapter must show of them.
func sellLicenses(t T, h Harness, n int) []*pb.ProductLicense {
	t.Helper()
	products := putProducts(t, h, 5)
	var seeds []*pb.ProductLicense
	for i, id := range productLicenseIDs(n) {
		l := bought(viewers[i%len(viewers)], products[i%min(3, len(products))].GetName(), fmt.Sprintf("order-%d", i/2))
		l.Name = names.ProductLicense.Name(h.Vendor, id)
		l.Status = pb.ProductLicense_ACTIVE + pb.ProductLicense_Status(i%7)
		periods[i%len(periods)](l)
		if i%2 == 0 {
			l.Renewal, l.Purchase.PaymentMethod = &pb.ProductLicense_Renewal{Recurring: new(false)}, ""
		}
		if i == 36 {
			l.Status, l.VendorStatus = pb.ProductLicense_STATUS_UNSPECIFIED, "ON_HOLD"
		}
		seeds = append(seeds, l)
	}
	return hold(t, h, seeds...)
}

// hold lets the vendor hold those of these licenses that it can, and answers what the adapter must
// show of them.
func hold(t T, h Harness, seeds ...*pb.ProductLicense) []*pb.ProductLicense {
	t.Helper()
	var held, want []*pb.ProductLicense
	for _, l := range seeds {
		if shown := h.ProductLicenses.Show(proto.CloneOf(l)); shown != nil {
			now := time.Now()
			shown.Playable = shown.GetStatus() == pb.ProductLicense_ACTIVE && !shown.GetStartTime().AsTime().After(now) &&
				(shown.GetStopTime() == nil || shown.GetStopTime().AsTime().After(now))
			held, want = append(held, l), append(want, shown)
		}
	}
	if len(want) == 0 {
		t.Fatalf("the harness can hold no product licenses: ShowProductLicense is nil for every one")
	}
	h.ProductLicenses.Put(held...)
	return want
}

func listProductLicenses(h Harness, filter *pb.ProductLicenseFilter) listing[*pb.ProductLicense] {
	return listing[*pb.ProductLicense]{"ListProductLicenses", func(ctx context.Context, size int32, token string) ([]*pb.ProductLicense, string, int32, error) {
		req := &pb.ListProductLicensesRequest{Parent: vendorName(h), PageSize: size, PageToken: token, Filter: proto.CloneOf(filter)}
		res, err := h.Adapter.(adapters.ProductLicenseLister).ListProductLicenses(ctx, req)
		return res.GetProductLicenses(), res.GetNextPageToken(), res.GetTotalSize(), err
	}}
}

func getProductLicense(t T, h Harness, name string) *pb.ProductLicense {
	t.Helper()
	got, err := h.Adapter.(adapters.ProductLicenseGetter).GetProductLicense(t.Context(), &pb.GetProductLicenseRequest{Name: name})
	if err != nil {
		t.Fatalf("GetProductLicense of %q: %v", name, err)
	}
	checkNames(t, h.Vendor, "GetProductLicense", got)
	return got
}

// wantGone demands that there is no such license any more.
func wantGone(t T, h Harness, what, name string) {
	t.Helper()
	_, err := h.Adapter.(adapters.ProductLicenseGetter).GetProductLicense(t.Context(), &pb.GetProductLicenseRequest{Name: name})
	wantError(t, what+": GetProductLicense of "+name, err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
}

// ofFilter are the licenses that a filter chooses.
func ofFilter(held []*pb.ProductLicense, f *pb.ProductLicenseFilter) []*pb.ProductLicense {
	return choose(held, func(l *pb.ProductLicense) bool {
		ids, err := names.Product.IDs(l.GetProduct())
		return (f.GetUser() == "" || f.GetUser() == l.GetUser()) && (f.GetStatus() == 0 || f.GetStatus() == l.GetStatus()) &&
			(f.GetProduct() == "" || f.GetProduct() == l.GetProduct() || err == nil && f.GetProduct() == ids[1])
	})
}

// holds reports whether got has every value that want has.
func holds(got, want protoreflect.Message) (all bool) {
	all = true
	want.Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if field.Message() != nil && !field.IsList() && !field.IsMap() {
			all = got.Has(field) && holds(got.Get(field).Message(), v.Message())
		} else {
			all = got.Get(field).Equal(v)
		}
		return all
	})
	return all
}

func everyProductLicenseOnce(t T, h Harness) {
	want := sellLicenses(t, h, 130)
	for _, sizes := range pagings {
		got := listProductLicenses(h, nil).all(t, len(want), sizes...)
		sameRows(t, fmt.Sprintf("page sizes %d", sizes), got, want)
		for _, l := range got {
			checkNames(t, h.Vendor, "ListProductLicenses", l)
		}
	}
}

func playableLicenses(t T, h Harness) {
	playable := map[string]bool{}
	for _, l := range sellLicenses(t, h, 70) { // each status in each period, twice
		playable[l.GetName()] = l.GetPlayable()
	}
	for _, l := range listProductLicenses(h, nil).all(t, len(playable), 0) {
		if l.GetPlayable() != playable[l.GetName()] {
			t.Errorf("the license %v has playable %t at %s", l, l.GetPlayable(), time.Now().UTC())
		}
	}
}

func productLicenseConditions(t T, h Harness) {
	held := sellLicenses(t, h, 78)
	filters := []*pb.ProductLicenseFilter{{User: "nobody"}, {Product: names.Product.Name(h.Vendor, noID)}, {Product: noID}, {Product: "bas"}}
	for _, user := range viewers {
		filters = append(filters, &pb.ProductLicenseFilter{User: user}, &pb.ProductLicenseFilter{User: user, Status: pb.ProductLicense_ACTIVE})
	}
	for _, id := range productIDs(5) {
		name := names.Product.Name(h.Vendor, id)
		filters = append(filters, &pb.ProductLicenseFilter{Product: id}, &pb.ProductLicenseFilter{Product: name},
			&pb.ProductLicenseFilter{User: viewers[0], Product: name}, &pb.ProductLicenseFilter{User: viewers[1], Product: id, Status: pb.ProductLicense_SUSPENDED})
	}
	for status := pb.ProductLicense_ACTIVE; status <= pb.ProductLicense_ORDER_ERROR; status++ {
		filters = append(filters, &pb.ProductLicenseFilter{Status: status})
	}
	for _, filter := range filters {
		want := ofFilter(held, filter)
		for _, size := range []int32{0, 3} {
			sameRows(t, fmt.Sprintf("%v", filter), listProductLicenses(h, filter).all(t, len(want), size), want)
		}
	}
}

func noProductLicenses(t T, h Harness) {
	for _, filter := range []*pb.ProductLicenseFilter{nil, {User: viewers[0]}, {Status: pb.ProductLicense_ACTIVE}} {
		if listed := listProductLicenses(h, filter).all(t, 0, 0); len(listed) > 0 {
			t.Errorf("ListProductLicenses gives %v, and the vendor holds nothing", listed)
		}
	}
}

func productLicensesRefuseGarbage(t T, h Harness) {
	sellLicenses(t, h, 130)
	others := map[string]listing[*pb.ProductLicense]{}
	for _, filter := range []*pb.ProductLicenseFilter{{User: viewers[0]}, {Product: productIDs(1)[0]}, {Status: pb.ProductLicense_ACTIVE}} {
		others[fmt.Sprintf("another filter, %v", filter)] = listProductLicenses(h, filter)
	}
	listProductLicenses(h, nil).refusesTokens(t, others)
}

func productLicenseAsHeld(t T, h Harness) {
	for _, want := range sellLicenses(t, h, 40) {
		sameRows(t, "GetProductLicense", []*pb.ProductLicense{getProductLicense(t, h, want.GetName())}, []*pb.ProductLicense{want})
	}
}

func unknownProductLicense(t T, h Harness) {
	sellLicenses(t, h, 3)
	for _, id := range []string{noID, "1F2E3D4C000001", "c/d"} {
		wantGone(t, h, "of an unknown license", names.ProductLicense.Name(h.Vendor, id))
	}
}
