package main

import (
	"context"
	"strings"
	"testing"

	"github.com/bufbuild/protocompile"
	_ "google.golang.org/genproto/googleapis/rpc/status" // The prelude imports its proto.
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// prelude is what every contract has.
const prelude = `
syntax = "proto3";
package drmhub.v1;
import "buf/validate/validate.proto";
import "google/api/annotations.proto";
import "google/api/field_behavior.proto";
import "google/api/resource.proto";
import "google/protobuf/descriptor.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/empty.proto";
import "google/protobuf/field_mask.proto";
import "google/protobuf/timestamp.proto";
import "google/rpc/status.proto";
extend google.protobuf.MethodOptions { string scope = 51001; }
// ErrorReason says why.
enum ErrorReason {
  // Never sent.
  ERROR_REASON_UNSPECIFIED = 0;
  // The request breaks a rule.
  REQUEST_INVALID = 1;
  // The vendor throttles.
  VENDOR_RATE_LIMITED = 10;
  // It may have been done.
  OUTCOME_UNKNOWN = 17;
}
message Vendor { option (google.api.resource) = {type: "drmhub.v1/Vendor" pattern: "vendors/{vendor}"}; string name = 1; }
message SiteOrder {
  option (google.api.resource) = {type: "drmhub.v1/SiteOrder" pattern: "vendors/{vendor}/siteOrders/{site_order}"};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
}
`

// contractOf compiles protos and reads them as the program does.
func contractOf(t *testing.T, protos string) *contract {
	t.Helper()
	linked := protocompile.ResolverFunc(func(path string) (protocompile.SearchResult, error) {
		file, err := protoregistry.GlobalFiles.FindFileByPath(path)
		return protocompile.SearchResult{Desc: file}, err
	})
	sources := &protocompile.SourceResolver{Accessor: protocompile.SourceAccessorFromMap(map[string]string{"contract.proto": prelude + protos})}
	compiler := protocompile.Compiler{
		Resolver:       protocompile.CompositeResolver{sources, linked},
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	files, err := compiler.Compile(context.Background(), "contract.proto")
	if err != nil {
		t.Fatal(err)
	}
	var set descriptorpb.FileDescriptorSet
	added := map[string]bool{}
	var add func(file protoreflect.FileDescriptor)
	add = func(file protoreflect.FileDescriptor) {
		if added[file.Path()] {
			return
		}
		added[file.Path()] = true
		for i := range file.Imports().Len() {
			add(file.Imports().Get(i).FileDescriptor)
		}
		set.File = append(set.File, protodesc.ToFileDescriptorProto(file))
	}
	add(files[0])
	raw, err := proto.Marshal(&set)
	if err != nil {
		t.Fatal(err)
	}
	c, err := readContract(raw)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// message finds a message that a test wrote.
func (c *contract) message(t *testing.T, name string) protoreflect.MessageDescriptor {
	t.Helper()
	found, err := c.types.FindMessageByName(contractPackage + "." + protoreflect.FullName(name))
	if err != nil {
		t.Fatal(err)
	}
	return found.Descriptor()
}

func TestAMethodThatCannotBeDescribedIsRefused(t *testing.T) {
	for name, test := range map[string]struct{ protos, want string }{
		"no path": {
			`service S { rpc Get(Vendor) returns (Vendor) { option (scope) = "vendors:read"; } }`,
			"S.Get has no path",
		},
		"no scope": {
			`service S { rpc Get(Vendor) returns (Vendor) { option (google.api.http) = {get: "/v1/{name=vendors/*}"}; } }`,
			"S.Get has no scope",
		},
		"two paths": {
			`service S { rpc Get(Vendor) returns (Vendor) {
				option (scope) = "vendors:read";
				option (google.api.http) = {get: "/v1/{name=vendors/*}" additional_bindings {get: "/v1/{name=siteOrders/*}"}};
			} }`,
			"additional_bindings",
		},
		"a path of two methods": {
			`service S {
				rpc Get(Vendor) returns (Vendor) { option (scope) = "a:read"; option (google.api.http) = {get: "/v1/{name=vendors/*}"}; }
				rpc Find(Vendor) returns (Vendor) { option (scope) = "a:read"; option (google.api.http) = {get: "/v1/{name=vendors/*}"}; }
			}`,
			"GET /v1/vendors/{vendor} belongs to another method too",
		},
		"a field that is not there": {
			`service S { rpc Get(Vendor) returns (Vendor) { option (scope) = "a:read"; option (google.api.http) = {get: "/v1/{id=vendors/*}"}; } }`,
			"field id, which does not exist",
		},
		"a collection without a resource": {
			`service S { rpc Get(Vendor) returns (Vendor) { option (scope) = "a:read"; option (google.api.http) = {get: "/v1/{name=shelves/*}"}; } }`,
			`"shelves"`,
		},
		"a body that is no message": {
			`service S { rpc Get(Vendor) returns (Vendor) { option (scope) = "a:read"; option (google.api.http) = {post: "/v1/vendors" body: "name"}; } }`,
			`body "name" is no message`,
		},
		"a stream without rows": {
			`service S { rpc Get(Vendor) returns (stream Vendor) { option (scope) = "a:read"; option (google.api.http) = {get: "/v1/vendors"}; } }`,
			"is no list of messages",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := describe(contractOf(t, test.protos), nil)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got the error %v, want one with %q", err, test.want)
			}
		})
	}
}

func TestDescriptorsThatAreNoContractAreRefused(t *testing.T) {
	if _, err := readContract([]byte("no descriptors")); err == nil {
		t.Error("text passed as descriptors")
	}
	if _, err := readContract(nil); err == nil || !strings.Contains(err.Error(), "drmhub.v1.scope") {
		t.Errorf("got the error %v, want one that names the missing option", err)
	}
}
