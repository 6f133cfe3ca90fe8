package vendors

import (
	"cmp"
	"slices"
	"strings"

	"github.com/drmhub/drmhub/adapters"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// derived maps methods that drmhub composes from one capability to that capability.
var derived = map[string]string{
	pb.SiteService_ListFairPlayCertificates_FullMethodName: pb.SiteService_GetFairPlayCertificate_FullMethodName,
}

// Capabilities returns the RPCs that an adapter has as capabilities, and those that drmhub composes
// from them. The adapter's description says which of its own are composed.
func Capabilities(a adapters.Adapter) []*pb.Vendor_Capability {
	has, composed := adapters.RPCs(a), a.Describe().Composed
	var capabilities []*pb.Vendor_Capability
	for _, full := range has {
		c := &pb.Vendor_Capability{Method: full[1:], Support: pb.Vendor_Capability_NATIVE}
		if slices.Contains(composed, full) {
			c.Support = pb.Vendor_Capability_COMPOSED
		}
		capabilities = append(capabilities, c)
	}
	for full, from := range derived {
		if slices.Contains(has, from) {
			c := &pb.Vendor_Capability{Method: full[1:], Support: pb.Vendor_Capability_COMPOSED}
			capabilities = append(capabilities, c)
		}
	}
	slices.SortFunc(capabilities, func(a, b *pb.Vendor_Capability) int {
		return strings.Compare(a.GetMethod(), b.GetMethod())
	})
	return capabilities
}

// As returns the account's adapter as the capability C, as adapters.As does. Every call asks for
// one, so the adapter is not asked for its description each time.
func As[C any](v Vendor) (C, bool) {
	if v.unsupported == nil {
		return adapters.As[C](v.Adapter)
	}
	return adapters.AsUnless[C](v.Adapter, v.unsupported())
}

// Proto returns the account in the form of VendorService. All callers get the same message, and
// must not change it.
func (v Vendor) Proto() *pb.Vendor {
	if v.described != nil {
		return v.described()
	}
	return v.describe()
}

// describe makes what Proto returns. That costs more than all else that ListVendors does, and an
// adapter never changes its description. So it runs once for each account of a Registry.
func (v Vendor) describe() *pb.Vendor {
	d := v.Adapter.Describe()
	return &pb.Vendor{
		Name:         v.Name(),
		Kind:         v.Kind,
		DisplayName:  cmp.Or(d.DisplayName, v.Kind),
		Capabilities: Capabilities(v.Adapter),
		Limits:       d.Limits,
	}
}
