package gateway

import (
	"encoding/json"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/server/internal/validation"
)

// updateMask is the field of a request that says what of a resource is to be changed.
const updateMask = "update_mask"

// impliedMask is what a body changes where no mask is given: the fields that are in it, also with
// an empty value, which the message that it becomes no longer tells. An enum that is unspecified
// says nothing, and so changes nothing.
func (rt *route) impliedMask(raw []byte, body protoreflect.Message) []string {
	if rt.Method.Input().Fields().ByName(updateMask) == nil {
		return nil
	}
	var sent map[string]json.RawMessage
	_ = json.Unmarshal(raw, &sent) // it has become a message, so it is a JSON object
	return validation.Changeable(body.Descriptor(), func(f protoreflect.FieldDescriptor) bool {
		_, byJSON := sent[f.JSONName()]
		_, byText := sent[f.TextName()]
		return (byJSON || byText) && (f.Enum() == nil || body.Has(f))
	})
}
