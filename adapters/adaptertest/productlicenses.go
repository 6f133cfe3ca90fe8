package adaptertest

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// productLicenses are the licenses of users to products.
var productLicenses = kind[*pb.ProductLicense]{
	rpc: "ListProductLicenses", row: "license",
	list: func(h Harness) listing[*pb.ProductLicense] { return listProductLicenses(h, nil) },
	put:  sellLicenses,
	others: func(h Harness) map[string]listing[*pb.ProductLicense] {
		others := map[string]listing[*pb.ProductLicense]{}
		for _, filter := range []*pb.ProductLicenseFilter{
			{User: viewers[0]}, {Product: productIDs(1)[0]}, {Status: pb.ProductLicense_ACTIVE},
		} {
			others[fmt.Sprintf("another filter, %v", filter)] = listProductLicenses(h, filter)
		}
		return others
	},
}

var productLicensePromises = append(productLicenses.promises(),
	Promise{"ListProductLicenses shows as playable what is ACTIVE, has begun and has not ended",
		needs("ListProductLicenses"), playableLicenses},
	Promise{"ListProductLicenses chooses exactly by user, product and status, and by all at once",
		needs("ListProductLicenses"), productLicenseConditions},
	Promise{"GetProductLicense shows what the vendor holds", needs("GetProductLicense"), productLicenseAsHeld},
	Promise{"GetProductLicense of an unknown license is NOT_FOUND",
		needs("GetProductLicense"), notFound(unknownProductLicenses)},
)

// productLicenseCapabilities are those that concern product licenses.
var productLicenseCapabilities = needs("ListProductLicenses", "GetProductLicense", "CreateProductLicense",
	"DeleteProductLicense", "BatchCreateProductLicenses", "BatchDeleteProductLicenses", "ReplaceProductLicense")

// viewers are users. A vendor's search, a path or a database may mistake them for one another.
var viewers = []string{
	"viewer-1", "Viewer-1", "viewer-10", "viewer 1", "viewer_1", "viewer%", "viewer%2D1", "a/b?c=d&e#f", "Möwe",
	"영화-1", `"quoted" '--`,
}

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
		Renewal: &pb.ProductLicense_Renewal{Recurring: new(true), ExpireTime: fromNow(30 * aDay)},
		Purchase: &pb.ProductLicense_Purchase{
			Price: &pb.Price{Amount: 999, Currency: "EUR"}, Time: fromNow(-2 * aDay), PaymentMethod: "billing",
		},
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

// named gives a license the nth id.
func named(h Harness, l *pb.ProductLicense, n int) *pb.ProductLicense {
	l.Name = names.ProductLicense.Name(h.Vendor, productLicenseIDs(n + 1)[n])
	return l
}

// sellLicenses adds up to n licenses: to three products, of all users, statuses and periods, each
// with each. It returns what the adapter must show of them.
func sellLicenses(t T, h Harness, n int) []*pb.ProductLicense {
	t.Helper()
	products := putProducts(t, h, 5)
	var seeds []*pb.ProductLicense
	for i := range n {
		product := products[i%min(3, len(products))].GetName()
		l := named(h, bought(viewers[i%len(viewers)], product, fmt.Sprintf("order-%d", i/2)), i)
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

// hold adds those licenses that the vendor can hold, and returns what the adapter must show of
// them.
func hold(t T, h Harness, seeds ...*pb.ProductLicense) []*pb.ProductLicense {
	t.Helper()
	want := held(t, h.ProductLicenses, seeds...)
	now := time.Now()
	for _, l := range want {
		l.Playable = l.GetStatus() == pb.ProductLicense_ACTIVE && !l.GetStartTime().AsTime().After(now) &&
			(l.GetStopTime() == nil || l.GetStopTime().AsTime().After(now))
	}
	return want
}

func listProductLicenses(h Harness, filter *pb.ProductLicenseFilter) listing[*pb.ProductLicense] {
	return listing[*pb.ProductLicense]{h, &pb.ListProductLicensesRequest{Parent: vendorName(h), Filter: filter}}
}

func getProductLicense(t T, h Harness, name string) *pb.ProductLicense {
	t.Helper()
	return get[*pb.ProductLicense](t, h, &pb.GetProductLicenseRequest{Name: name})
}

// wantHeld demands that these licenses are as they were.
func wantHeld(t T, h Harness, what string, licenses ...*pb.ProductLicense) {
	t.Helper()
	for _, l := range licenses {
		same(t, what, getProductLicense(t, h, l.GetName()), l)
	}
}

// wantGone demands that there is no such license any more.
func wantGone(t T, h Harness, what, name string) {
	t.Helper()
	wantNotFound(t, h, what+": GetProductLicense of "+name, &pb.GetProductLicenseRequest{Name: name})
}

// ofFilter returns the licenses that a filter chooses.
func ofFilter(held []*pb.ProductLicense, f *pb.ProductLicenseFilter) []*pb.ProductLicense {
	return choose(held, func(l *pb.ProductLicense) bool {
		ids, err := names.Product.IDs(l.GetProduct())
		return unsetOr(f.GetUser(), l.GetUser()) && unsetOr(f.GetStatus(), l.GetStatus()) &&
			(unsetOr(f.GetProduct(), l.GetProduct()) || err == nil && f.GetProduct() == ids[1])
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
	filters := []*pb.ProductLicenseFilter{
		{User: "nobody"}, {Product: names.Product.Name(h.Vendor, noID)}, {Product: noID}, {Product: "bas"},
	}
	for _, user := range viewers {
		filters = append(filters, &pb.ProductLicenseFilter{User: user},
			&pb.ProductLicenseFilter{User: user, Status: pb.ProductLicense_ACTIVE})
	}
	for _, id := range productIDs(5) {
		name := names.Product.Name(h.Vendor, id)
		filters = append(filters, &pb.ProductLicenseFilter{Product: id}, &pb.ProductLicenseFilter{Product: name},
			&pb.ProductLicenseFilter{User: viewers[0], Product: name},
			&pb.ProductLicenseFilter{User: viewers[1], Product: id, Status: pb.ProductLicense_SUSPENDED})
	}
	for status := pb.ProductLicense_ACTIVE; status <= pb.ProductLicense_ORDER_ERROR; status++ {
		filters = append(filters, &pb.ProductLicenseFilter{Status: status})
	}
	for _, filter := range filters {
		listProductLicenses(h, filter).wantRows(t, ofFilter(held, filter), 0, 3)
	}
}

func productLicenseAsHeld(t T, h Harness) {
	wantHeld(t, h, "GetProductLicense", sellLicenses(t, h, 40)...)
}

func unknownProductLicenses(t T, h Harness) []proto.Message {
	sellLicenses(t, h, 3)
	var requests []proto.Message
	for _, id := range []string{noID, "1F2E3D4C000001", "c/d"} {
		requests = append(requests, &pb.GetProductLicenseRequest{Name: names.ProductLicense.Name(h.Vendor, id)})
	}
	return requests
}
