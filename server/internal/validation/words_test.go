package validation_test

import (
	"regexp"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/server/internal/contract"
	"github.com/drmhub/drmhub/server/internal/validation"
)

// machinery matches what belongs to a program and not to people: regular expressions, and types of
// Go.
var machinery = regexp.MustCompile("`|regex|\\[\\^|\\]\\+|\\{[0-9]+[,}]|\\bu?int(8|16|32|64)?\\b|float64|" +
	"struct\\b|\\bpb\\.|another form than")

// fill sets every field of a message that the contract defines, at any depth, to this text or
// number.
func fill(m protoreflect.Message, text string, number int64, depth int) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		switch {
		case f.IsMap() || f.Message() != nil && (depth == 0 || f.Message().FullName() == "google.protobuf.FieldMask"):
		case f.Message() != nil && f.IsList():
			fill(m.Mutable(f).List().AppendMutable().Message(), text, number, depth-1)
		case f.Message() != nil:
			fill(m.Mutable(f).Message(), text, number, depth-1)
		case f.IsList():
			m.Mutable(f).List().Append(scalar(f, text, number))
			m.Mutable(f).List().Append(scalar(f, text, number))
		default:
			m.Set(f, scalar(f, text, number))
		}
	}
}

func scalar(f protoreflect.FieldDescriptor, text string, number int64) protoreflect.Value {
	switch f.Kind() {
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(text)
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes([]byte(text))
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(protoreflect.EnumNumber(number))
	case protoreflect.Int32Kind:
		return protoreflect.ValueOfInt32(int32(number))
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(number)
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(float64(number))
	}
	return f.Default()
}

func TestViolationsAreInWords(t *testing.T) {
	v := validation.New()
	said := map[string]bool{}
	texts := []string{"", "?", " a ", "vendors/v", "2026-1-1", strings.Repeat("x", 5000), strings.Repeat("x", 70_000)}
	for _, rpc := range contract.RPCs() {
		for _, text := range texts {
			for _, number := range []int64{-1, 0, 99, 2_000_000_000} {
				req := rpc.NewRequest()
				fill(req.ProtoReflect(), text, number, 3)
				err := v.Request(req)
				if err == nil {
					continue
				}
				for _, broken := range apierror.Convert(err).Violations {
					said[broken.GetReason()] = true
					if machinery.MatchString(broken.GetDescription()) {
						t.Errorf("%s: %s: %s", rpc.Name, broken.GetField(), broken.GetDescription())
					}
				}
			}
		}
	}
	if len(said) < 12 || !said["STRING_PATTERN"] {
		t.Errorf("only these rules were broken: %v", said)
	}
}
