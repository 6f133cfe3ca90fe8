package lockset_test

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/contract"
	"github.com/drmhub/drmhub/server/internal/journal/lockset"
)

const (
	parent  = "vendors/v"
	license = "vendors/v/productLicenses/"
)

// of returns the locks of a call. The digest of a request is one byte.
func of(req proto.Message, digest byte) []string {
	for _, rpc := range contract.RPCs() {
		if rpc.Method.Input() == req.ProtoReflect().Descriptor() {
			return lockset.Of(lockset.Call{
				Method: strings.TrimPrefix(rpc.FullMethod(), "/"), Resource: contract.ResourceName(req),
				Digest: []byte{digest}, Request: req,
			})
		}
	}
	return nil
}

func disable(name string) proto.Message { return &pb.DisableSiteRequest{Name: name} }
func enable(name string) proto.Message  { return &pb.EnableSiteRequest{Name: name} }
func cancel(name string) proto.Message  { return &pb.CancelStatusChangeRequest{Name: name} }
func remove(id string) proto.Message    { return &pb.DeleteProductLicenseRequest{Name: license + id} }

func removeAll(ids ...string) proto.Message {
	req := &pb.BatchDeleteProductLicensesRequest{Parent: parent}
	for _, id := range ids {
		req.Names = append(req.Names, license+id)
	}
	return req
}

func account(customer, username string) proto.Message {
	return &pb.CreateDrmAccountRequest{
		Parent: parent, DrmAccount: &pb.DrmAccount{Customer: customer, Username: username, Password: "secret"},
	}
}

func batch(vendor string, l *pb.ProductLicense) proto.Message {
	l.Product = vendor + "/products/p"
	item := &pb.CreateProductLicenseRequest{Parent: vendor, ProductLicense: l}
	return &pb.BatchCreateProductLicensesRequest{Parent: vendor, Requests: []*pb.CreateProductLicenseRequest{item}}
}

func order(id string, status pb.ProductLicense_Status) *pb.ProductLicense {
	return &pb.ProductLicense{User: "u", OrderId: id, Status: status}
}

func TestOf(t *testing.T) {
	t.Parallel()
	key := func(thing proto.Message) string { return lockset.Key(parent, thing) }
	user := &pb.ProductLicense{User: "u"}
	for _, c := range []struct {
		name    string
		request proto.Message
		want    []string
	}{
		{"a resource", disable("vendors/v/sites/s"), []string{"vendors/v/sites/s"}},
		{"a resource within another", cancel("vendors/v/sites/s/statusChanges/c"), []string{"vendors/v/sites/s"}},
		{"an update", &pb.UpdateSiteRequest{Site: &pb.Site{Name: "vendors/v/sites/s"}}, []string{"vendors/v/sites/s"}},
		{"names, sorted and each once", removeAll("2", "1", "2"), []string{license + "1", license + "2"}},
		{"a creation", &pb.CreateMemberRequest{Parent: parent, Member: &pb.Member{Email: "A@b.c"}},
			[]string{key(&pb.Member{Email: "a@b.c"})}},
		{"a creation without a key", account("c", ""), []string{"drmhub.v1.DrmAccountService/CreateDrmAccount#0a"}},
		{"a replacement, which creates too",
			&pb.ReplaceProductLicenseRequest{Name: license + "l", ProductLicense: user},
			[]string{key(user), license + "l"}},
	} {
		slices.Sort(c.want)
		if got := of(c.request, 10); !slices.Equal(got, c.want) {
			t.Errorf("%s: the locks are %q, want %q", c.name, got, c.want)
		}
	}
}

// Two calls with a common lock run one after the other.
func TestCommonLocks(t *testing.T) {
	t.Parallel()
	replacement := &pb.ReplaceProductLicenseRequest{Name: license + "l", ProductLicense: order("new", 0)}
	active, suspended := pb.ProductLicense_ACTIVE, pb.ProductLicense_SUSPENDED
	for _, c := range []struct {
		name       string
		one, other proto.Message
		common     bool
	}{
		{"one site", disable("vendors/v/sites/s"), enable("vendors/v/sites/s"), true},
		{"a site and below it", disable("vendors/v/sites/s"), cancel("vendors/v/sites/s/statusChanges/c"), true},
		{"a site and below another", disable("vendors/v/sites/s"), cancel("vendors/v/sites/t/statusChanges/c"), false},
		{"two sites", disable("vendors/v/sites/s"), disable("vendors/v/sites/t"), false},
		{"two vendors' sites", disable("vendors/v/sites/s"), disable("vendors/w/sites/s"), false},
		{"a batch and one of its names", removeAll("a", "b"), remove("b"), true},
		{"batches with a common name", removeAll("a", "b"), removeAll("c", "b"), true},
		{"batches without a common name", removeAll("a", "b"), removeAll("c", "d"), false},
		{"equal creations", batch(parent, order("", active)), batch(parent, order("", active)), true},
		{"creations of one thing", batch(parent, order("o", active)), batch(parent, order("o", suspended)), true},
		{"two orders of one user", batch(parent, order("o", active)), batch(parent, order("p", active)), true},
		{"a replacement and its user's orders", replacement, batch(parent, order("old", active)), true},
		{"two users", batch(parent, order("", active)), batch(parent, &pb.ProductLicense{User: "v"}), false},
		{"two vendors", batch(parent, order("o", active)), batch("vendors/w", order("o", active)), false},
		{"one username", account("c", "0123456789"), account("d", "0123456789"), true},
		{"two usernames", account("c", "0123456789"), account("c", "9876543210"), false},
		{"drawn usernames", account("c", ""), account("d", ""), false},
	} {
		one, other := of(c.one, 1), of(c.other, 2)
		common := slices.ContainsFunc(one, func(lock string) bool { return slices.Contains(other, lock) })
		if common != c.common {
			t.Errorf("%s: %q and %q, want a common lock: %v", c.name, one, other, c.common)
		}
	}
}

func TestKey(t *testing.T) {
	t.Parallel()
	if lockset.Key(parent, &pb.Product{}) != "" || lockset.Key(parent, &pb.StatusChange{}) != "" {
		t.Error("what cannot be looked up has a key")
	}
	thing := &pb.Product{DisplayName: "p"}
	if a, b := lockset.Key(parent, thing), lockset.Key("vendors/w", thing); a == b || a == "" {
		t.Errorf("two vendors share the key %q", a)
	}
	order, site := lockset.Key(parent, &pb.SiteOrder{DisplayName: "s"}), lockset.Key(parent, &pb.Site{DisplayName: "s"})
	if order != site {
		t.Errorf("a site has the key %q, and its order %q", site, order)
	}
}
