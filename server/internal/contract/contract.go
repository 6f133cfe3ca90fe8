// Package contract describes drmhub's RPCs. It reads the descriptors of the proto files once, so
// that gateway, validation, journal, redaction and audit agree about every RPC.
package contract

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// An RPC is a method of the contract.
type RPC struct {
	// Name is the full name as messages and records write it: "drmhub.v1.SiteService/ListSites".
	Name string
	// Method is the descriptor.
	Method protoreflect.MethodDescriptor
	// Request and Response are the types of the messages.
	Request, Response protoreflect.MessageType
	// HTTP is the google.api.http rule.
	HTTP Rule
	// Scope is the scope that a caller needs, such as "sites:read".
	Scope string
	// Mutating reports whether the RPC changes something at a vendor, in a mutation of its own.
	Mutating bool
	// Resource is the path of the request's field that names the resource: "name", "parent" or, for
	// an Update, "site.name". It is "" for a list of everything.
	Resource string
	// Level says to which part of a vendor account the resource belongs.
	Level Level

	fullMethod string
}

// AnyCaller is the scope that every caller with a valid identity holds.
const AnyCaller = "caller:read"

// ofArchive holds the RPCs that change only the archive. They are no mutations.
var ofArchive = []string{
	pb.ArchiveService_SyncArchive_FullMethodName,
	pb.ArchiveService_BackfillArchive_FullMethodName,
	pb.ViewerService_EraseViewer_FullMethodName,
}

// noMutation holds the RPCs whose scope ends in ":write" although they start no mutation. They run
// one that has its record already, or change only the archive.
var noMutation = append([]string{
	pb.MutationService_SettleMutation_FullMethodName,
	pb.MutationService_ResendMutation_FullMethodName,
}, ofArchive...)

var (
	rpcs   = read()
	byName = index(rpcs)
)

// RPCs returns all RPCs, in the order of their names.
func RPCs() []*RPC { return slices.Clone(rpcs) }

// Lookup returns the RPC with this name, with or without the slash that gRPC puts in front. It
// returns nil for a method that is not in the contract.
func Lookup(method string) *RPC { return byName[strings.TrimPrefix(method, "/")] }

// ActsAlone reports whether a method changes something that is not a vendor's, without a mutation.
// The audit trail records each call.
func ActsAlone(method string) bool {
	rpc := Lookup(method)
	return rpc != nil && slices.Contains(ofArchive, rpc.fullMethod)
}

// Mutates reports whether a method changes something at a vendor, in a mutation of its own.
func Mutates(method string) bool {
	rpc := Lookup(method)
	return rpc != nil && rpc.Mutating
}

// FullMethod returns the name as gRPC writes it: "/drmhub.v1.SiteService/ListSites".
func (r *RPC) FullMethod() string { return r.fullMethod }

// NewRequest returns an empty request.
func (r *RPC) NewRequest() proto.Message { return r.Request.New().Interface() }

// NewResponse returns an empty response.
func (r *RPC) NewResponse() proto.Message { return r.Response.New().Interface() }

// read reads all RPCs. It panics if the contract breaks its own conventions, since the descriptors
// are part of the program.
func read() []*RPC {
	var all []*RPC
	rangeFiles(func(f protoreflect.FileDescriptor) {
		for i := range f.Services().Len() {
			methods := f.Services().Get(i).Methods()
			for j := range methods.Len() {
				all = append(all, newRPC(methods.Get(j)))
			}
		}
	})
	slices.SortFunc(all, func(a, b *RPC) int { return strings.Compare(a.Name, b.Name) })
	return all
}

func newRPC(method protoreflect.MethodDescriptor) *RPC {
	scope, _ := proto.GetExtension(method.Options(), pb.E_Scope).(string)
	rpc := &RPC{
		Name:     fmt.Sprintf("%s/%s", method.Parent().FullName(), method.Name()),
		Method:   method,
		Request:  messageType(method.Input()),
		Response: messageType(method.Output()),
		HTTP:     newRule(method),
		Scope:    scope,
		Resource: resourcePath(method.Input()),
		Level:    newLevel(method.Input()),
	}
	if scope == "" {
		panic(fmt.Sprintf("contract: %s has no scope", method.FullName()))
	}
	rpc.fullMethod = "/" + rpc.Name
	rpc.Mutating = strings.HasSuffix(scope, ":write") && !slices.Contains(noMutation, rpc.FullMethod())
	return rpc
}

func index(all []*RPC) map[string]*RPC {
	named := map[string]*RPC{}
	for _, rpc := range all {
		named[rpc.Name] = rpc
	}
	return named
}

// rangeFiles calls yield with every proto file of the contract.
func rangeFiles(yield func(protoreflect.FileDescriptor)) {
	contract := pb.File_drmhub_v1_options_proto.Package()
	protoregistry.GlobalFiles.RangeFilesByPackage(contract, func(f protoreflect.FileDescriptor) bool {
		yield(f)
		return true
	})
}

func messageType(d protoreflect.MessageDescriptor) protoreflect.MessageType {
	t, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName())
	if err != nil {
		panic(fmt.Sprintf("contract: %v", err))
	}
	return t
}
