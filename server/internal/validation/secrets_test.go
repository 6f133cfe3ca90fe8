package validation_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/drmhub/drmhub/adapters/apierror"
)

// spill sets every secret in a message and below it, and tells how many there are.
func spill(m protoreflect.Message, value string) int {
	n := 0
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		switch redact := f.Options().(*descriptorpb.FieldOptions).GetDebugRedact(); {
		case redact && f.Kind() == protoreflect.BytesKind:
			m.Set(f, protoreflect.ValueOfBytes([]byte(value)))
			n++
		case redact:
			m.Set(f, protoreflect.ValueOfString(value))
			n++
		case f.Message() != nil && f.IsList() && f.Message().ParentFile().Package() == "drmhub.v1":
			n += spill(m.Mutable(f).List().AppendMutable().Message(), value)
		case f.Message() != nil && !f.IsList() && f.Message().ParentFile().Package() == "drmhub.v1":
			n += spill(m.Mutable(f).Message(), value)
		}
	}
	return n
}

func TestNoViolationEchoesASecret(t *testing.T) {
	const marker = "hunt2"
	v := newValidator(t)
	secrets, complaints := 0, 0
	protoregistry.GlobalTypes.RangeMessages(func(mt protoreflect.MessageType) bool {
		d := mt.Descriptor()
		if d.ParentFile().Package() != "drmhub.v1" || !strings.HasSuffix(string(d.Name()), "Request") {
			return true
		}
		// too short, too long, malformed
		for _, value := range []string{marker, strings.Repeat(marker, 10), strings.Repeat(marker, 20_000), "://" + marker} {
			req := mt.New()
			secrets += spill(req, value)
			err := v.Request(req.Interface())
			if err == nil {
				continue
			}
			e := apierror.Convert(err)
			if sent := protojson.Format(e.GRPCStatus().Proto()); strings.Contains(err.Error()+sent, marker) {
				t.Errorf("%s: the answer holds the secret: %s", d.Name(), sent)
			}
			for _, said := range e.Violations {
				path := said.GetField()
				for _, secret := range []string{"password", "private_key", "private_key_uri", "application_secret_key"} {
					if strings.HasSuffix(path, secret) {
						complaints++
					}
				}
			}
		}
		return true
	})
	if secrets < 4*8 || complaints < 12 {
		t.Errorf("%d secrets and %d complaints about them: the test has lost its object", secrets, complaints)
	}
}
