package adaptertest

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// accounts are the DRM accounts of the adapter's own customer.
var accounts = kind[*pb.DrmAccount]{
	rpc: "ListDrmAccounts", row: "account",
	list: func(h Harness) listing[*pb.DrmAccount] { return listAccounts(h, pb.DrmAccount_FULL, nil) },
	put: func(t T, h Harness, n int) []*pb.DrmAccount {
		return ofCustomer(h, putAccounts(t, h, n*len(h.DrmAccounts.Customers)), nil)
	},
	others: func(h Harness) map[string]listing[*pb.DrmAccount] {
		another := h.DrmAccounts.Customers[len(h.DrmAccounts.Customers)-1]
		return map[string]listing[*pb.DrmAccount]{
			"a condition more": listAccounts(h, pb.DrmAccount_FULL, &pb.DrmAccountFilter{UsernameContains: "viewer"}),
			"another customer": listAccounts(h, pb.DrmAccount_FULL, &pb.DrmAccountFilter{Customer: another}),
			"another view":     listAccounts(h, pb.DrmAccount_BASIC, nil),
		}
	},
}

var drmAccountPromises = append(accounts.promises(),
	Promise{"ListDrmAccounts with another view than FULL shows no passwords and no devices",
		needs("ListDrmAccounts"), basicAccounts},
	Promise{"ListDrmAccounts chooses exactly by customer and by part of the username, with regard to case",
		needs("ListDrmAccounts"), accountConditions},
	Promise{"GetDrmAccount with view FULL shows what the vendor holds", needs("GetDrmAccount"), fullAccount},
	Promise{"GetDrmAccount with another view shows no password", needs("GetDrmAccount"), basicAccount},
	Promise{"GetDrmAccount of an unknown account is NOT_FOUND", needs("GetDrmAccount"), notFound(unknownAccounts)},
)

// drmAccountCapabilities are those that concern DRM accounts.
var drmAccountCapabilities = needs("ListDrmAccounts", "GetDrmAccount", "CreateDrmAccount", "DeleteDrmAccountDevice")

// usernames are n usernames. A vendor's search, a path or a database may mistake the first ones for
// one another.
func usernames(n int) []string {
	all := []string{
		"donald@duck.com", "Donald@duck.com", "DONALD@DUCK.COM", "donald_duck", "donald.duck", "donaldXduck",
		"mcdonald-99", "0005665673625",
	}
	for i := len(all); i < n; i++ {
		all = append(all, fmt.Sprintf("viewer-%03d", i))
	}
	return all[:n]
}

// putAccounts adds up to n accounts, of each customer in turn, with up to three devices. It returns
// what the adapter must show of them in view FULL.
func putAccounts(t T, h Harness, n int) []*pb.DrmAccount {
	t.Helper()
	var seeds []*pb.DrmAccount
	for i, username := range usernames(n) {
		a := &pb.DrmAccount{
			Name: names.DrmAccount.Name(h.Vendor, username), Username: username, Password: "secret of " + username,
			Customer:    h.DrmAccounts.Customers[i/2%len(h.DrmAccounts.Customers)],
			DeviceCount: int32(i % 4), CreateTime: timestamppb.New(midnight.Add(time.Duration(i) * time.Hour)),
		}
		for d := range i % 4 {
			a.Devices = append(a.Devices, device(h, username, fmt.Sprintf("5e%020x%02x", i, d), d))
		}
		seeds = append(seeds, a)
	}
	return held(t, &h.DrmAccounts.Resource, seeds...)
}

// device is the nth device of an account.
func device(h Harness, username, id string, n int) *pb.DrmAccountDevice {
	kind := pb.DrmAccountDevice_IOS + pb.DrmAccountDevice_Type(n%3)
	return &pb.DrmAccountDevice{
		Name: names.DrmAccountDevice.Name(h.Vendor, username, id), DeviceId: id, Type: kind, VendorType: kind.String(),
		DisplayName: []string{"Donald's mobile", "", "거실 TV"}[n%3],
		Model:       []string{"iPhone 6", "Pixel 9", "Chrome"}[n%3],
	}
}

func listAccounts(h Harness, view pb.DrmAccount_View, filter *pb.DrmAccountFilter) listing[*pb.DrmAccount] {
	return listing[*pb.DrmAccount]{h, &pb.ListDrmAccountsRequest{Parent: vendorName(h), View: view, Filter: filter}}
}

// ofCustomer returns the accounts that a filter chooses.
func ofCustomer(h Harness, accounts []*pb.DrmAccount, f *pb.DrmAccountFilter) []*pb.DrmAccount {
	customer := cmp.Or(f.GetCustomer(), h.DrmAccounts.Customers[0])
	return choose(accounts, func(a *pb.DrmAccount) bool {
		return a.GetCustomer() == customer && strings.Contains(a.GetUsername(), f.GetUsernameContains())
	})
}

// basicViews are the views that show no secrets.
var basicViews = []pb.DrmAccount_View{pb.DrmAccount_VIEW_UNSPECIFIED, pb.DrmAccount_BASIC}

func basicAccounts(t T, h Harness) {
	want := accounts.put(t, h, 6)
	for _, a := range want {
		a.Password, a.Devices = "", nil
	}
	for _, view := range basicViews {
		listAccounts(h, view, nil).wantRows(t, want, 0)
	}
}

func accountConditions(t T, h Harness) {
	held := putAccounts(t, h, 40)
	for _, customer := range append([]string{""}, h.DrmAccounts.Customers...) {
		for _, part := range []string{
			"", "donald", "Donald", "DUCK", "@duck", "duck.com", "d.d", "d_d", "dxd", "donald@duck.com", "viewer-0",
			"-", "%", "*", "a b", "뷰어", "nobody",
		} {
			filter := &pb.DrmAccountFilter{Customer: customer, UsernameContains: part}
			listAccounts(h, pb.DrmAccount_FULL, filter).wantRows(t, ofCustomer(h, held, filter), 0, 1)
		}
	}
}

func getAccount(t T, h Harness, name string, view pb.DrmAccount_View) *pb.DrmAccount {
	t.Helper()
	return get[*pb.DrmAccount](t, h, &pb.GetDrmAccountRequest{Name: name, View: view})
}

// sameAccount compares an account that is returned alone. It may lack its customer.
func sameAccount(t T, what string, got, want *pb.DrmAccount) {
	t.Helper()
	if got.GetCustomer() == "" {
		want = proto.CloneOf(want)
		want.Customer = ""
	}
	same(t, what, got, want)
}

func fullAccount(t T, h Harness) {
	for _, want := range putAccounts(t, h, 12) {
		sameAccount(t, "GetDrmAccount", getAccount(t, h, want.GetName(), pb.DrmAccount_FULL), want)
	}
}

func basicAccount(t T, h Harness) {
	for _, want := range putAccounts(t, h, 12) {
		for _, view := range basicViews {
			got := getAccount(t, h, want.GetName(), view)
			want.Password = ""
			if len(got.GetDevices()) == 0 { // An account that is returned alone may show them in any view.
				want.Devices = nil
			}
			sameAccount(t, "GetDrmAccount, view "+view.String(), got, want)
		}
	}
}

func unknownAccounts(t T, h Harness) []proto.Message {
	putAccounts(t, h, 1)
	var requests []proto.Message
	for _, username := range []string{"nobody@duck.com", "onald@duck.co", "a/b"} {
		name := names.DrmAccount.Name(h.Vendor, username)
		requests = append(requests, &pb.GetDrmAccountRequest{Name: name, View: pb.DrmAccount_FULL})
	}
	return requests
}
