package memory

import (
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/adaptertest"
	"github.com/drmhub/drmhub/adapters/secret"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// Harness returns the vendor and an adapter to it, for the conformance suite. The vendor can hold
// everything that the suite makes.
func Harness(vendor *Vendor) adaptertest.Harness {
	return adaptertest.Harness{
		Adapter:     New(vendor),
		Vendor:      vendor.id,
		Secrets:     []secret.Text{vendor.key},
		FailReads:   vendor.FailReads,
		Sites:       resource(vendor.PutSites),
		SiteUpdates: map[string][]string{"display_name": {"Kids TV", "Sports TV"}, "policy_id": {"7", "0"}},
		Approve:     vendor.Approve,
		SiteOrders:  &adaptertest.Resource[*pb.SiteOrder]{Put: vendor.Orders.Put, Show: orderWord},
		Integration: vendor.Integration,
		Members:     resource(vendor.Members.Put),
		DrmAccounts: &adaptertest.DrmAccounts{
			Resource: *resource(vendor.Accounts.Put), Customers: customers, BindDevice: vendor.BindDevice,
		},
		Products: resource(vendor.Products.Put),
		ProductLicenses: &adaptertest.Resource[*pb.ProductLicense]{
			Put: vendor.ProductLicenses.Put, Show: licenseWord,
		},
		Licenses:      &adaptertest.Licenses{Put: vendor.Licenses.Put, Show: same[*pb.License]},
		PutPackagings: vendor.Packagings.Put,
		ShowUsage:     same[*pb.Usage],
		Writes: &adaptertest.Writes{
			Count: vendor.Writes, Fail: vendor.FailWrites, FailInTurn: vendor.FailWritesInTurn,
		},
	}
}

func same[M any](m M) M { return m }

// resource is how the vendor holds things that it shows as they are.
func resource[M proto.Message](put func(...M)) *adaptertest.Resource[M] {
	return &adaptertest.Resource[M]{Put: put, Show: same[M]}
}
