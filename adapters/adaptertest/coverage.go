package adaptertest

import (
	"fmt"
	"reflect"
	"slices"

	"google.golang.org/grpc"

	"github.com/drmhub/drmhub/adapters"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// services are those whose RPCs adapters answer.
var services = []*grpc.ServiceDesc{
	&pb.SiteService_ServiceDesc,
	&pb.LicenseService_ServiceDesc,
	&pb.MemberService_ServiceDesc,
	&pb.DrmAccountService_ServiceDesc,
	&pb.ProductLicenseService_ServiceDesc,
}

// unpromised are RPCs for which the suite has no promise, each with the reason why.
var unpromised = map[string]string{}

// uncovered tells what of an adapter no promise covers: capabilities without one, and methods that
// are named as an RPC and are none, so that the server would call them unsupported.
func uncovered(a adapters.Adapter, promises []Promise, unpromised map[string]string) []string {
	var complaints []string
	for _, service := range services {
		for rpc := range reflect.TypeOf(service.HandlerType).Elem().Methods() {
			method := reflect.ValueOf(a).MethodByName(rpc.Name)
			switch {
			case !method.IsValid():
			case method.Type() != rpc.Type:
				complaints = append(complaints, fmt.Sprintf("%T.%s is a %s, which is not the capability: that is a %s", a, rpc.Name, method.Type(), rpc.Type))
			case unpromised[rpc.Name] == "" && !slices.ContainsFunc(promises, func(p Promise) bool { return p.needs(rpc.Name) }):
				complaints = append(complaints, fmt.Sprintf("%T has %s, for which the suite has no promise: add one, or say in unpromised why there is none", a, rpc.Name))
			}
		}
	}
	return complaints
}

func (p Promise) needs(rpc string) bool {
	return slices.ContainsFunc(p.Needs, func(c Capability) bool { return c.RPC == rpc })
}
