package adaptertest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"google.golang.org/grpc"

	"github.com/drmhub/drmhub/adapters"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// services are those whose calls adapters have.
var services = []*grpc.ServiceDesc{
	&pb.SiteService_ServiceDesc,
	&pb.LicenseService_ServiceDesc,
	&pb.MemberService_ServiceDesc,
	&pb.DrmAccountService_ServiceDesc,
	&pb.ProductLicenseService_ServiceDesc,
}

// signatures returns the type of the method of each call, by the call's name.
var signatures = sync.OnceValue(func() map[string]reflect.Type {
	all := map[string]reflect.Type{}
	for _, service := range services {
		for rpc := range reflect.TypeOf(service.HandlerType).Elem().Methods() {
			all[rpc.Name] = rpc.Type
		}
	}
	return all
})

// hasCall reports whether an adapter has a call, and its account supports it.
func hasCall(a adapters.Adapter, rpc string) bool {
	method := reflect.ValueOf(a).MethodByName(rpc)
	isCall := func(fullName string) bool { return strings.HasSuffix(fullName, "/"+rpc) }
	return method.IsValid() && method.Type() == signatures()[rpc] &&
		!slices.ContainsFunc(a.Describe().Unsupported, isCall)
}

// unpromised are calls for which the suite has no promise, each with the reason.
var unpromised = map[string]string{}

// uncovered returns complaints about calls of an adapter that have no promise. It also complains
// about methods that have the name of a call but another signature: the server would not use them.
func uncovered(a adapters.Adapter, promises []Promise, unpromised map[string]string) []string {
	var complaints []string
	for rpc, signature := range signatures() {
		method := reflect.ValueOf(a).MethodByName(rpc)
		promised := slices.ContainsFunc(promises, func(p Promise) bool { return slices.Contains(p.Needs, rpc) })
		switch {
		case !method.IsValid():
		case method.Type() != signature:
			complaints = append(complaints, fmt.Sprintf(
				"%T.%s is a %s, which is no capability; make it a %s", a, rpc, method.Type(), signature))
		case unpromised[rpc] == "" && !promised:
			complaints = append(complaints, fmt.Sprintf(
				"%T has %s, for which the suite has no promise; add one, or say why in unpromised", a, rpc))
		}
	}
	slices.Sort(complaints)
	return complaints
}
