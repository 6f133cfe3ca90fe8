package app

import (
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/reflection"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	reflectionalpha "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/drmhub/drmhub/gen"
)

// registerReflection adds reflection to a server. Its descriptors have the comments of the
// contract, which those of the generated code lack.
func registerReflection(s *grpc.Server) {
	options := reflection.ServerOptions{Services: s, DescriptorResolver: commented{}}
	reflectionpb.RegisterServerReflectionServer(s, reflection.NewServerV1(options))
	reflectionalpha.RegisterServerReflectionServer(s, reflection.NewServer(options))
}

// commented finds descriptors in the contract, and others in the generated code.
type commented struct{}

// FindFileByPath returns a file by its path, such as drmhub/v1/site_service.proto.
func (commented) FindFileByPath(path string) (protoreflect.FileDescriptor, error) {
	if file, err := contractFiles().FindFileByPath(path); err == nil {
		return file, nil
	}
	return protoregistry.GlobalFiles.FindFileByPath(path)
}

// FindDescriptorByName returns a descriptor by its full name, such as drmhub.v1.SiteService.
func (commented) FindDescriptorByName(name protoreflect.FullName) (protoreflect.Descriptor, error) {
	if d, err := contractFiles().FindDescriptorByName(name); err == nil {
		return d, nil
	}
	return protoregistry.GlobalFiles.FindDescriptorByName(name)
}

// contractFiles reads the contract when it is first asked for, since it takes some memory. A
// contract that cannot be read has no files; a test makes sure that it can.
var contractFiles = sync.OnceValue(func() *protoregistry.Files {
	set := &descriptorpb.FileDescriptorSet{}
	if err := proto.Unmarshal(gen.Contract, set); err != nil {
		return new(protoregistry.Files)
	}
	files, err := protodesc.NewFiles(set)
	if err != nil {
		return new(protoregistry.Files)
	}
	return files
})
