// Package contract_test checks the contract against the rules that clients rely on and buf lint
// does not know. These are the API Improvement Proposals (google.aip.dev) as this API follows them,
// and the published REST paths and scopes. Comments are buf's rule COMMENTS, since the descriptors
// here have none.
package contract_test

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// A rule calls bad for each descriptor that breaks it.
type rule func(c contract, bad complaint)

type complaint func(d protoreflect.Descriptor, format string, args ...any)

var rules = map[string]rule{
	"one binding":       oneBinding,
	"published":         published,
	"standard methods":  standardMethods,
	"scopes":            scopes,
	"mutations":         mutations,
	"lists":             lists,
	"field behavior":    fieldBehavior,
	"resources":         resources,
	"references":        references,
	"paths":             paths,
	"enums":             enums,
	"vendors' words":    vendorsWords,
	"times":             times,
	"numbers":           numbers,
	"secrets":           secrets,
	"names in JSON":     jsonNames,
	"nothing is hidden": onlyThisPackage,
}

func TestTheContractKeepsItsRules(t *testing.T) {
	c := load()
	if len(c) != 13 {
		t.Errorf("%d files, want the 13 of proto/drmhub/v1", len(c))
	}
	for name, r := range rules {
		for _, finding := range findings(c, r) {
			t.Errorf("%s: %s", name, finding)
		}
	}
}

func TestEveryRuleSeesWhatBreaksIt(t *testing.T) {
	unseen := map[string]bool{}
	for name := range rules {
		unseen[name] = true
	}
	for _, b := range breaks() {
		delete(unseen, b.rule)
		t.Run(b.rule+"/"+b.want, func(t *testing.T) {
			got := findings(load().with(t, "drmhub/v1/"+b.file, b.change), rules[b.rule])
			if !slices.ContainsFunc(got, func(f string) bool { return strings.Contains(f, b.want) }) {
				t.Errorf("found %q, want %q", got, b.want)
			}
		})
	}
	for name := range unseen {
		t.Errorf("nothing shows that the rule %q can be broken", name)
	}
}

func findings(c contract, r rule) []string {
	var all []string
	r(c, func(d protoreflect.Descriptor, format string, args ...any) {
		all = append(all, string(d.FullName())+" "+fmt.Sprintf(format, args...))
	})
	return all
}

// A contract is the files of the package drmhub.v1.
type contract []protoreflect.FileDescriptor

func load() contract {
	var c contract
	add := func(f protoreflect.FileDescriptor) bool {
		c = append(c, f)
		return true
	}
	protoregistry.GlobalFiles.RangeFilesByPackage(pb.File_drmhub_v1_options_proto.Package(), add)
	slices.SortFunc(c, func(a, b protoreflect.FileDescriptor) int { return strings.Compare(a.Path(), b.Path()) })
	return c
}

// with returns the contract with one file changed.
func (c contract) with(t *testing.T, path string, change func(*descriptorpb.FileDescriptorProto)) contract {
	t.Helper()
	i := slices.IndexFunc(c, func(f protoreflect.FileDescriptor) bool { return f.Path() == path })
	if i < 0 {
		t.Fatalf("there is no file %s", path)
	}
	file := proto.CloneOf(protodesc.ToFileDescriptorProto(c[i]))
	change(file)
	changed, err := protodesc.NewFile(file, protoregistry.GlobalFiles)
	if err != nil {
		t.Fatal(err)
	}
	c = slices.Clone(c)
	c[i] = changed
	return c
}

func (c contract) methods() iter.Seq[protoreflect.MethodDescriptor] {
	return func(yield func(protoreflect.MethodDescriptor) bool) {
		for _, f := range c {
			for i := range f.Services().Len() {
				methods := f.Services().Get(i).Methods()
				for j := range methods.Len() {
					if !yield(methods.Get(j)) {
						return
					}
				}
			}
		}
	}
}

// messages returns all messages, including nested ones.
func (c contract) messages() iter.Seq[protoreflect.MessageDescriptor] {
	return func(yield func(protoreflect.MessageDescriptor) bool) {
		var below func(protoreflect.MessageDescriptors) bool
		below = func(all protoreflect.MessageDescriptors) bool {
			for i := range all.Len() {
				if !yield(all.Get(i)) || !below(all.Get(i).Messages()) {
					return false
				}
			}
			return true
		}
		for _, f := range c {
			if !below(f.Messages()) {
				return
			}
		}
	}
}

func (c contract) fields() iter.Seq[protoreflect.FieldDescriptor] {
	return func(yield func(protoreflect.FieldDescriptor) bool) {
		for m := range c.messages() {
			for i := range m.Fields().Len() {
				if !yield(m.Fields().Get(i)) {
					return
				}
			}
		}
	}
}

// reached returns the messages that the inputs or outputs of all RPCs contain, at any depth. side
// is the method Input or Output.
func (c contract) reached(
	side func(protoreflect.MethodDescriptor) protoreflect.MessageDescriptor,
) []protoreflect.MessageDescriptor {
	var all []protoreflect.MessageDescriptor
	seen := map[protoreflect.FullName]bool{}
	var reach func(protoreflect.MessageDescriptor)
	reach = func(m protoreflect.MessageDescriptor) {
		if seen[m.FullName()] || m.ParentFile().Package() != "drmhub.v1" {
			return
		}
		seen[m.FullName()] = true
		all = append(all, m)
		for i := range m.Fields().Len() {
			if f := m.Fields().Get(i); f.Message() != nil {
				reach(f.Message())
			}
		}
	}
	for m := range c.methods() {
		reach(side(m))
	}
	return all
}
