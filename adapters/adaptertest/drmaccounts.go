package adaptertest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var drmAccountPromises = []Promise{
	{"ListDrmAccounts gives every account exactly once, as the vendor holds it, whatever the page sizes", needs(drmAccountLister), everyAccountOnce},
	{"ListDrmAccounts with another view than FULL shows neither passwords nor devices", needs(drmAccountLister), basicAccounts},
	{"ListDrmAccounts chooses exactly by customer and by part of the username, with regard to case", needs(drmAccountLister), accountConditions},
	{"ListDrmAccounts without accounts is empty", needs(drmAccountLister), noAccounts},
	{"ListDrmAccounts refuses what is no page token of this request", needs(drmAccountLister), accountsRefuseGarbage},
	{"GetDrmAccount with view FULL shows what the vendor holds", needs(drmAccountGetter), fullAccount},
	{"GetDrmAccount with another view shows no password", needs(drmAccountGetter), basicAccount},
	{"GetDrmAccount of an unknown account is NOT_FOUND", needs(drmAccountGetter), unknownAccount},
}

// drmAccountCapabilities are those that concern DRM accounts.
var drmAccountCapabilities = needs(drmAccountLister, drmAccountGetter, drmAccountCreator, drmAccountDeviceDeleter)

// usernames are those that a vendor's search, a path or a database may take for one another, and
// then as many as are asked for.
func usernames(n int) []string {
	all := []string{"donald@duck.com", "Donald@duck.com", "DONALD@DUCK.COM", "donald_duck", "donald.duck", "donaldXduck", "mcdonald-99", "0005665673625"}
	for i := len(all); i < n; i++ {
		all = append(all, fmt.Sprintf("viewer-%03d", i))
	}
	return all[:n]
}

// putAccounts lets the vendor hold n accounts, of each customer in turn, as far as it can: with up
// to three devices. It answers what the adapter must show of them with view FULL.
func putAccounts(t T, h Harness, n int) []*pb.DrmAccount {
	t.Helper()
	var seeds, want []*pb.DrmAccount
	for i, username := range usernames(n) {
		a := &pb.DrmAccount{
			Name: names.DrmAccount.Name(h.Vendor, username), Customer: h.DrmAccounts.Customers[i/2%len(h.DrmAccounts.Customers)], Username: username, Password: "secret of " + username,
			DeviceCount: int32(i % 4), CreateTime: timestamppb.New(midnight.Add(time.Duration(i) * time.Hour)),
		}
		for d := range i % 4 {
			a.Devices = append(a.Devices, device(h, username, fmt.Sprintf("5e%020x%02x", i, d), d))
		}
		if shown := h.DrmAccounts.Show(proto.CloneOf(a)); shown != nil {
			seeds, want = append(seeds, a), append(want, shown)
		}
	}
	if len(want) == 0 {
		t.Fatalf("the harness can hold no DRM accounts: ShowDrmAccount is nil for every one")
	}
	h.DrmAccounts.Put(seeds...)
	return want
}

// device is the nth device of an account.
func device(h Harness, username, id string, n int) *pb.DrmAccountDevice {
	kind := pb.DrmAccountDevice_IOS + pb.DrmAccountDevice_Type(n%3)
	return &pb.DrmAccountDevice{
		Name: names.DrmAccountDevice.Name(h.Vendor, username, id), DeviceId: id, Type: kind, VendorType: kind.String(),
		DisplayName: []string{"Donald's mobile", "", "거실 TV"}[n%3], Model: []string{"iPhone 6", "Pixel 9", "Chrome"}[n%3],
	}
}

// listAccounts is the list of accounts that a filter chooses.
func listAccounts(h Harness, view pb.DrmAccount_View, filter *pb.DrmAccountFilter) listing[*pb.DrmAccount] {
	return listing[*pb.DrmAccount]{"ListDrmAccounts", func(ctx context.Context, size int32, token string) ([]*pb.DrmAccount, string, int32, error) {
		req := &pb.ListDrmAccountsRequest{Parent: vendorName(h), PageSize: size, PageToken: token, View: view, Filter: proto.CloneOf(filter)}
		res, err := h.Adapter.(adapters.DrmAccountLister).ListDrmAccounts(ctx, req)
		return res.GetDrmAccounts(), res.GetNextPageToken(), res.GetTotalSize(), err
	}}
}

// basic are the accounts as a list shows them to anybody.
func basic(accounts []*pb.DrmAccount) []*pb.DrmAccount {
	accounts = clones(accounts)
	for _, a := range accounts {
		a.Password, a.Devices = "", nil
	}
	return accounts
}

// ofCustomer are the accounts that a filter chooses of those that the vendor holds.
func ofCustomer(h Harness, accounts []*pb.DrmAccount, f *pb.DrmAccountFilter) []*pb.DrmAccount {
	customer := f.GetCustomer()
	if customer == "" {
		customer = h.DrmAccounts.Customers[0]
	}
	return choose(accounts, func(a *pb.DrmAccount) bool {
		return a.GetCustomer() == customer && strings.Contains(a.GetUsername(), f.GetUsernameContains())
	})
}

func everyAccountOnce(t T, h Harness) {
	held := putAccounts(t, h, 260)
	check := func(filter *pb.DrmAccountFilter, sizes []int32) {
		want := ofCustomer(h, held, filter)
		sameRows(t, fmt.Sprintf("%v, page sizes %d", filter, sizes), listAccounts(h, pb.DrmAccount_FULL, filter).all(t, len(want), sizes...), want)
	}
	for _, sizes := range pagings {
		check(nil, sizes)
	}
	for _, customer := range h.DrmAccounts.Customers {
		check(&pb.DrmAccountFilter{Customer: customer}, []int32{50})
	}
}

func basicAccounts(t T, h Harness) {
	want := basic(ofCustomer(h, putAccounts(t, h, 12), nil))
	for _, view := range []pb.DrmAccount_View{pb.DrmAccount_VIEW_UNSPECIFIED, pb.DrmAccount_BASIC} {
		sameRows(t, "view "+view.String(), listAccounts(h, view, nil).all(t, len(want), 0), want)
	}
}

func accountConditions(t T, h Harness) {
	held := putAccounts(t, h, 40)
	for _, customer := range append([]string{""}, h.DrmAccounts.Customers...) {
		for _, part := range []string{"", "donald", "Donald", "DUCK", "@duck", "duck.com", "d.d", "d_d", "dxd", "donald@duck.com", "viewer-0", "-", "%", "*", "a b", "뷰어", "nobody"} {
			filter := &pb.DrmAccountFilter{Customer: customer, UsernameContains: part}
			want := ofCustomer(h, held, filter)
			for _, size := range []int32{0, 1} {
				sameRows(t, fmt.Sprintf("%v", filter), listAccounts(h, pb.DrmAccount_FULL, filter).all(t, len(want), size), want)
			}
		}
	}
}

func noAccounts(t T, h Harness) {
	if listed := listAccounts(h, pb.DrmAccount_FULL, nil).all(t, 0, 0); len(listed) > 0 {
		t.Errorf("ListDrmAccounts gives %v, and the vendor holds nothing", listed)
	}
}

func accountsRefuseGarbage(t T, h Harness) {
	putAccounts(t, h, 260)
	others := map[string]listing[*pb.DrmAccount]{
		"a condition more": listAccounts(h, pb.DrmAccount_BASIC, &pb.DrmAccountFilter{UsernameContains: "viewer"}),
		"another customer": listAccounts(h, pb.DrmAccount_BASIC, &pb.DrmAccountFilter{Customer: h.DrmAccounts.Customers[len(h.DrmAccounts.Customers)-1]}),
		"another view":     listAccounts(h, pb.DrmAccount_FULL, nil),
	}
	listAccounts(h, pb.DrmAccount_BASIC, nil).refusesTokens(t, others)
}

func getAccount(t T, h Harness, name string, view pb.DrmAccount_View) *pb.DrmAccount {
	t.Helper()
	got, err := h.Adapter.(adapters.DrmAccountGetter).GetDrmAccount(t.Context(), &pb.GetDrmAccountRequest{Name: name, View: view})
	if err != nil {
		t.Fatalf("GetDrmAccount of %q: %v", name, err)
	}
	checkNames(t, h.Vendor, "GetDrmAccount", got)
	return got
}

// sameAccount compares an account that is answered alone, where the customer may be left out.
func sameAccount(t T, what string, got, want *pb.DrmAccount) {
	t.Helper()
	if got.GetCustomer() == "" {
		want = proto.CloneOf(want)
		want.Customer = ""
	}
	sameRows(t, what, []*pb.DrmAccount{got}, []*pb.DrmAccount{want})
}

func fullAccount(t T, h Harness) {
	for _, want := range putAccounts(t, h, 12) {
		sameAccount(t, "GetDrmAccount", getAccount(t, h, want.GetName(), pb.DrmAccount_FULL), want)
	}
}

func basicAccount(t T, h Harness) {
	for _, want := range putAccounts(t, h, 12) {
		for _, view := range []pb.DrmAccount_View{pb.DrmAccount_VIEW_UNSPECIFIED, pb.DrmAccount_BASIC} {
			got := getAccount(t, h, want.GetName(), view)
			want.Password = ""
			// an account that is answered alone may show them in any view
			if len(got.GetDevices()) == 0 {
				want.Devices = nil
			}
			sameAccount(t, "GetDrmAccount, view "+view.String(), got, want)
		}
	}
}

func unknownAccount(t T, h Harness) {
	putAccounts(t, h, 1)
	for _, username := range []string{"nobody@duck.com", "onald@duck.co", "a/b"} {
		req := &pb.GetDrmAccountRequest{Name: names.DrmAccount.Name(h.Vendor, username), View: pb.DrmAccount_FULL}
		_, err := h.Adapter.(adapters.DrmAccountGetter).GetDrmAccount(t.Context(), req)
		wantError(t, "GetDrmAccount of "+username, err, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
	}
}

// drmAccountReads are the reads of DRM accounts.
func drmAccountReads(t T, h Harness) []read {
	t.Helper()
	if !hasAny(h.Adapter, drmAccountCapabilities) {
		return nil
	}
	var all []read
	name := putAccounts(t, h, 4)[0].GetName()
	if a, ok := h.Adapter.(adapters.DrmAccountLister); ok {
		all = append(all, read{"ListDrmAccounts", func(ctx context.Context) (proto.Message, error) {
			return a.ListDrmAccounts(ctx, &pb.ListDrmAccountsRequest{Parent: vendorName(h), View: pb.DrmAccount_FULL})
		}})
	}
	if a, ok := h.Adapter.(adapters.DrmAccountGetter); ok {
		all = append(all, read{"GetDrmAccount", func(ctx context.Context) (proto.Message, error) {
			return a.GetDrmAccount(ctx, &pb.GetDrmAccountRequest{Name: name, View: pb.DrmAccount_FULL})
		}})
	}
	return all
}
