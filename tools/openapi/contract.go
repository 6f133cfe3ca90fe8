package main

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

// contractPackage is the package of the services in the document.
const contractPackage protoreflect.FullName = "drmhub.v1"

// contract is the API as its descriptors describe it.
type contract struct {
	services []protoreflect.ServiceDescriptor // in the order of the document
	// variables has the id that follows a collection in resource names: "siteOrders" is followed by
	// "site_order".
	variables map[string]string
	reasons   protoreflect.EnumDescriptor // the reasons of errors
	types     *dynamicpb.Types            // the contract's own messages and extensions
	scope     protoreflect.ExtensionType  // the method option that names an RPC's scope
}

// readContract reads the descriptor set that `buf build` writes.
func readContract(raw []byte) (*contract, error) {
	var set descriptorpb.FileDescriptorSet
	if err := proto.Unmarshal(raw, &set); err != nil {
		return nil, fmt.Errorf("read descriptors: %w", err)
	}
	files, err := protodesc.NewFiles(&set)
	if err != nil {
		return nil, fmt.Errorf("read descriptors: %w", err)
	}
	c := &contract{variables: map[string]string{}, types: dynamicpb.NewTypes(files)}
	if c.scope, err = c.types.FindExtensionByName(contractPackage + ".scope"); err != nil {
		return nil, fmt.Errorf("the contract has no method option %s.scope: %w", contractPackage, err)
	}
	reasons, err := files.FindDescriptorByName(contractPackage + ".ErrorReason")
	if err != nil {
		return nil, fmt.Errorf("the contract has no enum %s.ErrorReason: %w", contractPackage, err)
	}
	c.reasons = reasons.(protoreflect.EnumDescriptor)
	files.RangeFilesByPackage(contractPackage, func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			c.services = append(c.services, file.Services().Get(i))
		}
		c.addVariables(file.Messages())
		return true
	})
	slices.SortFunc(c.services, func(a, b protoreflect.ServiceDescriptor) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Name(), b.Name()))
	})
	return c, nil
}

// order lists the services as a reader needs them: first what drmhub serves, last its own records.
var order = []protoreflect.Name{
	"VendorService", "SiteService", "LicenseService", "ArchiveService", "ViewerService", "ProductLicenseService",
	"DrmAccountService", "MemberService", "MutationService", "AuditService", "CallerService",
}

// rank returns the place of a service in the document. Those that order does not list come last.
func rank(service protoreflect.ServiceDescriptor) int {
	if i := slices.Index(order, service.Name()); i >= 0 {
		return i
	}
	return len(order)
}

// collectionID matches a collection and its id in the pattern of a resource.
var collectionID = regexp.MustCompile(`(\w+)/\{(\w+)\}`)

// addVariables collects, from the patterns of all resources, which id follows which collection.
func (c *contract) addVariables(messages protoreflect.MessageDescriptors) {
	for i := range messages.Len() {
		message := messages.Get(i)
		resource := proto.GetExtension(message.Options(), annotations.E_Resource).(*annotations.ResourceDescriptor)
		for _, pattern := range resource.GetPattern() {
			for _, match := range collectionID.FindAllStringSubmatch(pattern, -1) {
				c.variables[match[1]] = match[2]
			}
		}
		c.addVariables(message.Messages())
	}
}

// scopeOf returns the scope that a caller of the method needs.
func (c *contract) scopeOf(method protoreflect.MethodDescriptor) (string, error) {
	// The option is defined by the contract. This program does not link it, so it is an unknown
	// field.
	var options descriptorpb.MethodOptions
	unknown := method.Options().ProtoReflect().GetUnknown()
	if err := (proto.UnmarshalOptions{Resolver: c.types}).Unmarshal(unknown, &options); err != nil {
		return "", fmt.Errorf("%s: read its options: %w", method.FullName(), err)
	}
	scope := options.ProtoReflect().Get(c.scope.TypeDescriptor()).String()
	if scope == "" {
		return "", fmt.Errorf("%s has no scope: give it option (scope)", method.FullName())
	}
	return scope, nil
}

// httpRule is how REST reaches one method.
type httpRule struct {
	verb     string // "GET"
	template string // "/v1/{name=vendors/*}:check"
	body     string // a field of the request, "*" for all fields that are not in the path, or empty
}

func httpRuleOf(method protoreflect.MethodDescriptor) (httpRule, error) {
	rule := proto.GetExtension(method.Options(), annotations.E_Http).(*annotations.HttpRule)
	if len(rule.GetAdditionalBindings()) > 0 {
		return httpRule{}, fmt.Errorf("%s has additional_bindings: give it one path", method.FullName())
	}
	body := rule.GetBody()
	switch pattern := rule.GetPattern().(type) {
	case *annotations.HttpRule_Get:
		return httpRule{"GET", pattern.Get, body}, nil
	case *annotations.HttpRule_Post:
		return httpRule{"POST", pattern.Post, body}, nil
	case *annotations.HttpRule_Put:
		return httpRule{"PUT", pattern.Put, body}, nil
	case *annotations.HttpRule_Patch:
		return httpRule{"PATCH", pattern.Patch, body}, nil
	case *annotations.HttpRule_Delete:
		return httpRule{"DELETE", pattern.Delete, body}, nil
	}
	return httpRule{}, fmt.Errorf("%s has no path: give it option (google.api.http)", method.FullName())
}

// fieldByPath finds "site.name" from the request that has a field site.
func fieldByPath(message protoreflect.MessageDescriptor, path string) (protoreflect.FieldDescriptor, error) {
	var field protoreflect.FieldDescriptor
	for part := range strings.SplitSeq(path, ".") {
		if message != nil {
			field = message.Fields().ByName(protoreflect.Name(part))
		}
		if message == nil || field == nil {
			return nil, fmt.Errorf("the path names the field %s, which does not exist", path)
		}
		message = field.Message()
	}
	return field, nil
}
