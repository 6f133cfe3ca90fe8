package memory

import (
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/adaptertest"
	"github.com/drmhub/drmhub/adapters/secret"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// Harness is the vendor, with an adapter to it, for the conformance suite. The vendor can hold
// whatever the suite thinks of.
func Harness(vendor *Vendor) adaptertest.Harness {
	const id = "acme"
	return adaptertest.Harness{
		Adapter:     New(id, vendor, vendor.key),
		Vendor:      id,
		Secrets:     []secret.Text{vendor.key},
		FailReads:   vendor.FailReads,
		Sites:       resource(vendor.PutSites),
		SiteUpdates: map[string][]string{"display_name": {"Kids TV", "Sports TV"}, "policy_id": {"7", "0"}},
		Approve:     vendor.Approve,
		SiteOrders:  &adaptertest.Resource[*pb.SiteOrder]{Put: vendor.PutSiteOrders, Show: inItsWords},
		Integration: vendor.Integration,
		Members:     resource(vendor.PutMembers),
		DrmAccounts: &adaptertest.DrmAccounts{
			Resource: *resource(vendor.PutDrmAccounts), Customers: customers, BindDevice: vendor.BindDevice,
		},
		Products: resource(vendor.PutProducts),
		ProductLicenses: &adaptertest.Resource[*pb.ProductLicense]{
			Put: vendor.PutProductLicenses, Show: inTheVendorsWords,
		},
		Licenses: &adaptertest.Licenses{
			Put: vendor.PutLicenses, Show: func(l *pb.License) *pb.License { return l },
		},
		PutPackagings: vendor.PutPackagings,
		ShowUsage:     func(u *pb.Usage) *pb.Usage { return u },
		Writes: &adaptertest.Writes{
			Count: vendor.Writes, Fail: vendor.FailWrites, FailInTurn: vendor.FailWritesInTurn,
		},
	}
}

// resource is how the vendor holds things of which it holds any, and shows them as they are.
func resource[M proto.Message](put func(...M)) *adaptertest.Resource[M] {
	return &adaptertest.Resource[M]{Put: put, Show: func(m M) M { return m }}
}
