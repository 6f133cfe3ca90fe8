package gateway

import (
	"encoding/json"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/server/internal/validation"
)

// updateMask is the field of a request that names the fields to change.
const updateMask = "update_mask"

// impliedMask returns the mask of a body that comes without one: the fields that the body sets. It
// includes empty values, which the message no longer shows, but not an unspecified enum.
func (rt *route) impliedMask(raw []byte, body protoreflect.Message) []string {
	if rt.Method.Input().Fields().ByName(updateMask) == nil {
		return nil
	}
	var sent map[string]json.RawMessage
	_ = json.Unmarshal(raw, &sent) // The body was read as a message, so it is a JSON object.
	return validation.Changeable(body.Descriptor(), func(f protoreflect.FieldDescriptor) bool {
		_, byJSON := sent[f.JSONName()]
		_, byText := sent[f.TextName()]
		return (byJSON || byText) && (f.Enum() == nil || body.Has(f))
	})
}
