package app_test

import (
	"net/http"
	"slices"
	"testing"

	"google.golang.org/grpc"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/contract"
)

// reflected asks a server about itself.
type reflected func(*reflectionpb.ServerReflectionRequest) (*reflectionpb.ServerReflectionResponse, error)

// askServer uses version v1 or v1alpha of reflection, whose messages are the same.
func askServer(t *testing.T, h *testServer, version string) reflected {
	t.Helper()
	method := "/grpc.reflection." + version + ".ServerReflection/ServerReflectionInfo"
	stream, err := h.conn.NewStream(t.Context(), &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method)
	if err != nil {
		t.Fatal(err)
	}
	return func(req *reflectionpb.ServerReflectionRequest) (*reflectionpb.ServerReflectionResponse, error) {
		if err := stream.SendMsg(req); err != nil {
			return nil, err
		}
		res := &reflectionpb.ServerReflectionResponse{}
		return res, stream.RecvMsg(res)
	}
}

// file returns the file in which a name is declared.
func (ask reflected) file(t *testing.T, name protoreflect.FullName) *descriptorpb.FileDescriptorProto {
	t.Helper()
	symbol := &reflectionpb.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: string(name)}
	res, err := ask(&reflectionpb.ServerReflectionRequest{MessageRequest: symbol})
	if err != nil {
		t.Fatal(err)
	}
	file := &descriptorpb.FileDescriptorProto{}
	all := res.GetFileDescriptorResponse().GetFileDescriptorProto()
	if len(all) == 0 {
		t.Fatalf("%s: %v", name, res)
	}
	if err := proto.Unmarshal(all[0], file); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestReflection describes all services by reflection, with their comments.
func TestReflection(t *testing.T) {
	h := start(t)
	for _, version := range []string{"v1", "v1alpha"} {
		ask := askServer(t, h, version)
		list := &reflectionpb.ServerReflectionRequest_ListServices{}
		res, err := ask(&reflectionpb.ServerReflectionRequest{MessageRequest: list})
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, s := range res.GetListServicesResponse().GetService() {
			names = append(names, s.GetName())
		}
		described := []protoreflect.Descriptor{pb.ErrorReason(0).Descriptor().Values().Get(1)}
		for _, rpc := range contract.RPCs() {
			if want := string(rpc.Method.Parent().FullName()); !slices.Contains(names, want) {
				t.Errorf("%s: %s is missing in %v", version, want, names)
			}
			described = append(described, rpc.Method)
		}
		for _, d := range described {
			file, err := protodesc.NewFile(ask.file(t, d.FullName()), protoregistry.GlobalFiles)
			if err != nil {
				t.Fatal(err)
			}
			all := &protoregistry.Files{}
			if err := all.RegisterFile(file); err != nil {
				t.Fatal(err)
			}
			own, err := all.FindDescriptorByName(d.FullName())
			if err != nil || file.SourceLocations().ByDescriptor(own).LeadingComments == "" {
				t.Errorf("%s: %s has no comment", version, d.FullName())
			}
		}
		ask.file(t, "grpc.health.v1.Health") // It is no part of the contract.
	}
}

// TestContractFile compares the file with the generated code.
func TestContractFile(t *testing.T) {
	h := start(t)
	code, header, content := h.rest(t, "GET /contract.binpb", "")
	if code != http.StatusOK || header.Get("Content-Type") != "application/x-protobuf" || header.Get("ETag") == "" {
		t.Errorf("HTTP %d %v", code, header)
	}
	if code, _, _ := h.rest(t, "GET /contract.binpb", "", "If-None-Match", header.Get("ETag")); code != 304 {
		t.Errorf("the same again: HTTP %d", code)
	}
	set := &descriptorpb.FileDescriptorSet{}
	if err := proto.Unmarshal([]byte(content), set); err != nil {
		t.Fatal(err)
	}
	files, err := protodesc.NewFiles(set) // fails if an import is missing
	if err != nil {
		t.Fatal(err)
	}
	generated := 0
	protoregistry.GlobalFiles.RangeFilesByPackage("drmhub.v1", func(want protoreflect.FileDescriptor) bool {
		generated++
		got, err := files.FindFileByPath(want.Path())
		if err != nil {
			t.Error(err)
			return true
		}
		file := protodesc.ToFileDescriptorProto(got)
		file.SourceCodeInfo = nil
		if !proto.Equal(file, protodesc.ToFileDescriptorProto(want)) {
			t.Errorf("%s differs from the generated code: run ./tools/generate", want.Path())
		}
		return true
	})
	for _, name := range []string{"google.rpc.ErrorInfo", "buf.validate.FieldRules", "google.api.HttpRule"} {
		if _, err := files.FindDescriptorByName(protoreflect.FullName(name)); err != nil {
			t.Error(err)
		}
	}
	if generated < 5 {
		t.Errorf("only %d files are generated", generated)
	}
}
