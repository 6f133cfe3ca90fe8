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

// capabilityServices are the services whose methods vendors may have.
var capabilityServices = []*grpc.ServiceDesc{
	&pb.SiteService_ServiceDesc,
	&pb.LicenseService_ServiceDesc,
	&pb.MemberService_ServiceDesc,
	&pb.DrmAccountService_ServiceDesc,
	&pb.ProductLicenseService_ServiceDesc,
}

// Capabilities lists what an adapter can do: the RPCs for which it has a method of the same name
// and signature. Nothing lists them by hand, so they cannot drift from the code. The adapter only
// says which are composed, and which its account does not support.
func Capabilities(a adapters.Adapter) []*pb.Vendor_Capability {
	d := a.Describe()
	var capabilities []*pb.Vendor_Capability
	has := reflect.ValueOf(a)
	for _, service := range capabilityServices {
		for rpc := range reflect.TypeOf(service.HandlerType).Elem().Methods() {
			full := "/" + service.ServiceName + "/" + rpc.Name
			m := has.MethodByName(rpc.Name)
			if !m.IsValid() || m.Type() != rpc.Type || slices.Contains(d.Unsupported, full) {
				continue
			}
			c := &pb.Vendor_Capability{Method: full[1:], Support: pb.Vendor_Capability_NATIVE}
			if slices.Contains(d.Composed, full) {
				c.Support = pb.Vendor_Capability_COMPOSED
			}
			capabilities = append(capabilities, c)
		}
	}
	slices.SortFunc(capabilities, func(a, b *pb.Vendor_Capability) int { return strings.Compare(a.GetMethod(), b.GetMethod()) })
	return capabilities
}

// Proto is the account as VendorService answers it.
func (v Vendor) Proto() *pb.Vendor {
	d := v.Adapter.Describe()
	return &pb.Vendor{
		Name:         v.Name(),
		Kind:         v.Kind,
		DisplayName:  cmp.Or(d.DisplayName, v.Kind),
		Capabilities: Capabilities(v.Adapter),
		Limits:       d.Limits,
	}
}
