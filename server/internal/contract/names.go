package contract

import (
	"regexp"
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/adapters/names"
)

// AnyName is the form of a name of any type.
const AnyName names.Pattern = "*"

// patterns holds the form of each resource type's names.
var patterns = readPatterns()

var variable = regexp.MustCompile(`\{[^}]*\}`)

func readPatterns() map[string]names.Pattern {
	all := map[string]names.Pattern{"*": AnyName}
	rangeFiles(func(f protoreflect.FileDescriptor) {
		for i := range f.Messages().Len() {
			if r := resource(f.Messages().Get(i)); r != nil {
				all[r.GetType()] = names.Pattern(variable.ReplaceAllString(r.GetPattern()[0], "*"))
			}
		}
	})
	return all
}

// resource returns the google.api.resource option of a message, or nil.
func resource(m protoreflect.MessageDescriptor) *annotations.ResourceDescriptor {
	if !proto.HasExtension(m.Options(), annotations.E_Resource) {
		return nil
	}
	return proto.GetExtension(m.Options(), annotations.E_Resource).(*annotations.ResourceDescriptor)
}

var nameForms = memo[protoreflect.FieldDescriptor, names.Pattern]{read: readNameForm}

// NameForm returns the form of the name that a field holds, or "" for a field that holds none.
func NameForm(f protoreflect.FieldDescriptor) names.Pattern { return nameForms.of(f) }

func readNameForm(f protoreflect.FieldDescriptor) names.Pattern {
	if f.Kind() != protoreflect.StringKind {
		return ""
	}
	if r := resource(f.ContainingMessage()); r != nil && f.Name() == "name" {
		return patterns[r.GetType()]
	}
	if !proto.HasExtension(f.Options(), annotations.E_ResourceReference) {
		return ""
	}
	ref := proto.GetExtension(f.Options(), annotations.E_ResourceReference).(*annotations.ResourceReference)
	if ref.GetType() != "" {
		return patterns[ref.GetType()]
	}
	segments := strings.Split(string(patterns[ref.GetChildType()]), "/")
	return names.Pattern(strings.Join(segments[:len(segments)-2], "/"))
}
