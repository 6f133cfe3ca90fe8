package vendors

import (
	"cmp"
	"reflect"
	"slices"
	"strings"

	"google.golang.org/grpc"

	"github.com/drmhub/drmhub/adapters"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// capabilityServices are the services that vendors serve.
var capabilityServices = []*grpc.ServiceDesc{
	&pb.SiteService_ServiceDesc,
	&pb.LicenseService_ServiceDesc,
	&pb.MemberService_ServiceDesc,
	&pb.DrmAccountService_ServiceDesc,
	&pb.ProductLicenseService_ServiceDesc,
}

// ownMethods are the methods of these services that drmhub serves by itself.
var ownMethods = []string{pb.LicenseService_ExplainLicense_FullMethodName}

// derived maps methods that drmhub composes from one capability to that capability.
var derived = map[string]string{
	pb.SiteService_ListFairPlayCertificates_FullMethodName: pb.SiteService_GetFairPlayCertificate_FullMethodName,
}

// Capabilities returns the RPCs for which an adapter has a method of the same name and signature.
// Nobody lists them by hand, so they match the code. The adapter's description says which are composed,
// and which the account does not support. The derived ones are composed.
func Capabilities(a adapters.Adapter) []*pb.Vendor_Capability {
	d := a.Describe()
	var capabilities []*pb.Vendor_Capability
	has := reflect.ValueOf(a)
	for _, service := range capabilityServices {
		for rpc := range reflect.TypeOf(service.HandlerType).Elem().Methods() {
			full := "/" + service.ServiceName + "/" + rpc.Name
			m := has.MethodByName(rpc.Name)
			excluded := slices.Contains(ownMethods, full) || slices.Contains(d.Unsupported, full) || derived[full] != ""
			if !m.IsValid() || m.Type() != rpc.Type || excluded {
				continue
			}
			c := &pb.Vendor_Capability{Method: full[1:], Support: pb.Vendor_Capability_NATIVE}
			if slices.Contains(d.Composed, full) {
				c.Support = pb.Vendor_Capability_COMPOSED
			}
			capabilities = append(capabilities, c)
		}
	}
	for full, from := range derived {
		if slices.ContainsFunc(capabilities, func(c *pb.Vendor_Capability) bool { return c.GetMethod() == from[1:] }) {
			c := &pb.Vendor_Capability{Method: full[1:], Support: pb.Vendor_Capability_COMPOSED}
			capabilities = append(capabilities, c)
		}
	}
	slices.SortFunc(capabilities, func(a, b *pb.Vendor_Capability) int {
		return strings.Compare(a.GetMethod(), b.GetMethod())
	})
	return capabilities
}

// As returns the account's adapter as the capability C, as adapters.As does. Every call asks for one, so the
// adapter is not asked for its description each time.
func As[C any](v Vendor) (C, bool) {
	if v.unsupported == nil {
		return adapters.As[C](v.Adapter)
	}
	return adapters.AsUnless[C](v.Adapter, v.unsupported())
}

// Proto returns the account in the form of VendorService. All callers get the same message, and must
// not change it.
func (v Vendor) Proto() *pb.Vendor {
	if v.described != nil {
		return v.described()
	}
	return v.describe()
}

// describe makes what Proto returns. Its reflection costs more than all else that ListVendors does,
// and an adapter never changes its description. So it runs once for each account of a Registry.
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
