package main

import (
	"context"
	"os"
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

// testdata returns the text of a file in testdata.
func testdata(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// contractOf compiles protos and reads them as the program does.
func contractOf(t *testing.T, protos string) *contract {
	t.Helper()
	linked := protocompile.ResolverFunc(func(path string) (protocompile.SearchResult, error) {
		file, err := protoregistry.GlobalFiles.FindFileByPath(path)
		return protocompile.SearchResult{Desc: file}, err
	})
	text := map[string]string{"contract.proto": testdata(t, "prelude.proto") + protos}
	sources := &protocompile.SourceResolver{Accessor: protocompile.SourceAccessorFromMap(text)}
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
	const opened = `get: "/v1/{name=vendors/*}"`
	twice := rpc("Get", "Vendor", opened) + rpc("Find", "Vendor", opened)
	for rpc, want := range map[string]string{
		`rpc Get(Vendor) returns (Vendor) { option (scope) = "a:read"; }`:                    "S.Get has no path",
		`rpc Get(Vendor) returns (Vendor) { option (google.api.http) = {` + opened + `}; }`:  "S.Get has no scope",
		rpc("Get", "Vendor", opened+` additional_bindings {get: "/v1/{name=siteOrders/*}"}`): "additional_bindings",
		twice: "GET /v1/vendors/{vendor} belongs to another method too",
		rpc("Get", "Vendor", `get: "/v1/{id=vendors/*}"`):        "field id, which does not exist",
		rpc("Get", "Vendor", `get: "/v1/{name=shelves/*}"`):      `"shelves"`,
		rpc("Get", "Vendor", `post: "/v1/vendors" body: "name"`): `body "name" is no message`,
		rpc("Get", "stream Vendor", `get: "/v1/vendors"`):        "is no list of messages",
	} {
		_, err := describe(contractOf(t, `service S { `+rpc+` }`), nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got the error %v, want one with %q", rpc, err, want)
		}
	}
}

// rpc is a method that takes a Vendor.
func rpc(name, returns, http string) string {
	return `rpc ` + name + `(Vendor) returns (` + returns + `) {
		option (scope) = "a:read";
		option (google.api.http) = {` + http + `};
	}`
}

func TestDescriptorsThatAreNoContractAreRefused(t *testing.T) {
	if _, err := readContract([]byte("no descriptors")); err == nil {
		t.Error("text passed as descriptors")
	}
	if _, err := readContract(nil); err == nil || !strings.Contains(err.Error(), "drmhub.v1.scope") {
		t.Errorf("got the error %v, want one that names the missing option", err)
	}
}
