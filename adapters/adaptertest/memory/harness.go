package memory

import (
	"github.com/drmhub/drmhub/adapters/adaptertest"
	"github.com/drmhub/drmhub/adapters/secret"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// Harness is the vendor, with an adapter to it, for the conformance suite. The vendor can hold whatever the suite thinks of.
func Harness(vendor *Vendor) adaptertest.Harness {
	const id = "acme"
	return adaptertest.Harness{
		Adapter:       New(id, vendor, vendor.key),
		Vendor:        id,
		Secrets:       []secret.Text{vendor.key},
		FailReads:     vendor.FailReads,
		PutSites:      vendor.PutSites,
		ShowSite:      func(s *pb.Site) *pb.Site { return s },
		Approve:       vendor.Approve,
		PutSiteOrders: vendor.PutSiteOrders,
		ShowSiteOrder: inItsWords,
		Integration:   vendor.Integration,
		PutMembers:    vendor.PutMembers,
		ShowMember:    func(m *pb.Member) *pb.Member { return m },
		PutLicenses:   vendor.PutLicenses,
		ShowLicense:   func(l *pb.License) *pb.License { return l },
		PutPackagings: vendor.PutPackagings,
		ShowUsage:     func(u *pb.Usage) *pb.Usage { return u },
		Writes:        vendor.Writes,
		FailWrites:    vendor.FailWrites,
	}
}
