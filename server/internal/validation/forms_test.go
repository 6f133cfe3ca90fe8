package validation

import (
	"strings"
	"testing"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// TestNoRuleShowsItsExpression reads every pattern and every message of the contract's rules.
func TestNoRuleShowsItsExpression(t *testing.T) {
	patterns, messages := 0, 0
	check := func(where protoreflect.FullName, text string) {
		if strings.ContainsAny(text, `[](){}+?\|^$`) || strings.Contains(text, "another form") || text == "" {
			t.Errorf("%s: %q is not for people", where, text)
		}
	}
	cel := func(where protoreflect.FullName, rules []*validate.Rule) {
		for _, rule := range rules {
			messages++
			check(where, rule.GetMessage())
		}
	}
	var read func(all protoreflect.MessageDescriptors)
	read = func(all protoreflect.MessageDescriptors) {
		for i := range all.Len() {
			m := all.Get(i)
			rules, _ := proto.GetExtension(m.Options(), validate.E_Message).(*validate.MessageRules)
			cel(m.FullName(), rules.GetCel())
			for i := range m.Fields().Len() {
				f := m.Fields().Get(i)
				rules, _ := proto.GetExtension(f.Options(), validate.E_Field).(*validate.FieldRules)
				cel(f.FullName(), rules.GetCel())
				for _, of := range []*validate.FieldRules{rules, rules.GetRepeated().GetItems()} {
					if pattern := of.GetString().GetPattern(); pattern != "" {
						patterns++
						check(f.FullName(), form(pattern))
					}
				}
			}
			read(m.Messages())
		}
	}
	contract := pb.File_drmhub_v1_options_proto.Package()
	protoregistry.GlobalFiles.RangeFilesByPackage(contract, func(f protoreflect.FileDescriptor) bool {
		read(f.Messages())
		return true
	})
	if patterns < 30 || messages < 4 {
		t.Errorf("only %d patterns and %d messages", patterns, messages)
	}
}
