package cli

import (
	"fmt"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/drmhub/drmhub/gen"
	"github.com/drmhub/drmhub/server/internal/contract"
)

// comments returns the comments of the contract, by the paths that a FileDescriptorProto gives to
// what they are about. The descriptors that are linked in have none.
var comments = sync.OnceValue(func() map[string]map[string]string {
	set := &descriptorpb.FileDescriptorSet{}
	if err := proto.Unmarshal(gen.Contract, set); err != nil {
		panic(fmt.Sprintf("cli: the contract is part of the program, and cannot be read: %v", err))
	}
	all := map[string]map[string]string{}
	for _, f := range set.GetFile() {
		of := map[string]string{}
		for _, l := range f.GetSourceCodeInfo().GetLocation() {
			if text := l.GetLeadingComments(); text != "" {
				of[fmt.Sprint(l.GetPath())] = text
			}
		}
		all[f.GetName()] = of
	}
	return all
})

// comment returns the comment of a descriptor, in paragraphs of one line each. Names of fields and
// values are in quotes.
func comment(d protoreflect.Descriptor) string {
	text := comments()[d.ParentFile().Path()][fmt.Sprint(sourcePath(d))]
	var paragraphs []string
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		if words := strings.Join(strings.Fields(paragraph), " "); words != "" {
			paragraphs = append(paragraphs, strings.ReplaceAll(words, "`", `"`))
		}
	}
	return strings.Join(paragraphs, "\n\n")
}

// sourcePath returns the path of a descriptor, as SourceCodeInfo writes it.
func sourcePath(d protoreflect.Descriptor) []int32 {
	parent := d.Parent()
	if parent == nil {
		return nil
	}
	path := sourcePath(parent)
	// The numbers are those of the lists' fields in descriptor.proto.
	_, inFile := parent.(protoreflect.FileDescriptor)
	switch d.(type) {
	case protoreflect.ServiceDescriptor:
		path = append(path, 6)
	case protoreflect.MethodDescriptor, protoreflect.FieldDescriptor, protoreflect.EnumValueDescriptor:
		path = append(path, 2)
	case protoreflect.MessageDescriptor:
		if inFile {
			path = append(path, 4)
		} else {
			path = append(path, 3)
		}
	case protoreflect.EnumDescriptor:
		if inFile {
			path = append(path, 5)
		} else {
			path = append(path, 4)
		}
	}
	return append(path, int32(d.Index()))
}

// firstSentence returns the first sentence of a comment, without the period.
func firstSentence(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	if before, _, found := strings.Cut(text, ". "); found {
		return before
	}
	return strings.TrimSuffix(text, ".")
}

// describe gives a command the words of its RPC.
func describe(c *cobra.Command, rpc *contract.RPC) {
	text := comment(rpc.Method)
	c.Short = firstSentence(text)
	c.Long = fmt.Sprintf("%s\n\nIt calls %s (%s %s), which needs the scope %s.",
		text, rpc.Name, rpc.HTTP.Method, rpc.HTTP.Template, rpc.Scope)
}
