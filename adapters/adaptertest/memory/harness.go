package memory

import (
	"github.com/drmhub/drmhub/adapters/adaptertest"
	"github.com/drmhub/drmhub/adapters/secret"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// Harness is the vendor, with an adapter to it, for the conformance suite. The vendor can hold
// whatever the suite thinks of.
func Harness(vendor *Vendor) adaptertest.Harness {
	const id = "acme"
	return adaptertest.Harness{
		Adapter:            New(id, vendor, vendor.key),
		Vendor:             id,
		Secrets:            []secret.Text{vendor.key},
		FailReads:          vendor.FailReads,
		PutSites:           vendor.PutSites,
		ShowSite:           func(s *pb.Site) *pb.Site { return s },
		SiteUpdates:        map[string][]string{"display_name": {"Kids TV", "Sports TV"}, "policy_id": {"7", "0"}},
		Approve:            vendor.Approve,
		PutSiteOrders:      vendor.PutSiteOrders,
		ShowSiteOrder:      inItsWords,
		Integration:        vendor.Integration,
		PutMembers:         vendor.PutMembers,
		ShowMember:         func(m *pb.Member) *pb.Member { return m },
		Customers:          customers,
		PutDrmAccounts:     vendor.PutDrmAccounts,
		ShowDrmAccount:     func(a *pb.DrmAccount) *pb.DrmAccount { return a },
		BindDevice:         vendor.BindDevice,
		PutProducts:        vendor.PutProducts,
		ShowProduct:        func(p *pb.Product) *pb.Product { return p },
		PutProductLicenses: vendor.PutProductLicenses,
		ShowProductLicense: inTheVendorsWords,
		PutLicenses:        vendor.PutLicenses,
		ShowLicense:        func(l *pb.License) *pb.License { return l },
		PutPackagings:      vendor.PutPackagings,
		ShowUsage:          func(u *pb.Usage) *pb.Usage { return u },
		Writes:             vendor.Writes,
		FailWritesInTurn:   vendor.FailWritesInTurn,
		FailWrites:         vendor.FailWrites,
	}
}
