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

func TestOf(t *testing.T) {
	t.Parallel()
	key := func(thing proto.Message) string { return lockset.Key("vendors/v", thing) }
	user := &pb.ProductLicense{User: "u"}
	tests := []struct {
		name, method string
		request      proto.Message
		want         []string
	}{
		{"a resource", pb.SiteService_DisableSite_FullMethodName,
			&pb.DisableSiteRequest{Name: "vendors/v/sites/s"}, []string{"vendors/v/sites/s"}},
		{"a resource within another", pb.SiteService_DisableSite_FullMethodName,
			&pb.DisableSiteRequest{Name: "vendors/v/sites/s/statusChanges/c"}, []string{"vendors/v/sites/s"}},
		{"an update", pb.SiteService_UpdateSite_FullMethodName,
			&pb.UpdateSiteRequest{Site: &pb.Site{Name: "vendors/v/sites/s"}}, []string{"vendors/v/sites/s"}},
		{"names, sorted and each once", pb.ProductLicenseService_BatchDeleteProductLicenses_FullMethodName,
			&pb.BatchDeleteProductLicensesRequest{Parent: "vendors/v", Names: []string{"vendors/v/b/2", "vendors/v/a/1", "vendors/v/b/2"}},
			[]string{"vendors/v/a/1", "vendors/v/b/2"}},
		{"a creation", pb.MemberService_CreateMember_FullMethodName,
			&pb.CreateMemberRequest{Parent: "vendors/v", Member: &pb.Member{Email: "A@b.c"}},
			[]string{key(&pb.Member{Email: "a@b.c"})}},
		{"a creation without a key", pb.DrmAccountService_CreateDrmAccount_FullMethodName,
			&pb.CreateDrmAccountRequest{Parent: "vendors/v", DrmAccount: &pb.DrmAccount{}},
			[]string{"drmhub.v1.DrmAccountService/CreateDrmAccount#0a"}},
		{"a replacement, which creates too", pb.ProductLicenseService_ReplaceProductLicense_FullMethodName,
			&pb.ReplaceProductLicenseRequest{Name: "vendors/v/productLicenses/l", ProductLicense: user},
			[]string{key(user), "vendors/v/productLicenses/l"}},
	}
	for _, tt := range tests {
		got := lockset.Of(lockset.Call{
			Method: strings.TrimPrefix(tt.method, "/"), Resource: contract.ResourceName(tt.request),
			Digest: []byte{10}, Request: tt.request,
		})
		slices.Sort(tt.want)
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: the locks are %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestKey(t *testing.T) {
	t.Parallel()
	if lockset.Key("vendors/v", &pb.Product{}) != "" || lockset.Key("vendors/v", &pb.StatusChange{}) != "" {
		t.Error("what cannot be looked up has a key")
	}
	a, b := lockset.Key("vendors/v", &pb.Product{DisplayName: "p"}), lockset.Key("vendors/w", &pb.Product{DisplayName: "p"})
	if a == b || a == "" {
		t.Errorf("two vendors share the key %q", a)
	}
	if order, site := lockset.Key("vendors/v", &pb.SiteOrder{DisplayName: "s"}), lockset.Key("vendors/v", &pb.Site{DisplayName: "s"}); order != site {
		t.Errorf("a site has the key %q, and its order %q", site, order)
	}
}
