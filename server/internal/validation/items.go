package validation

import (
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// batchItems tells which items of a batch set what only the batch can: it is one call, which has
// one request_id, and is tried or made as a whole. In an item, either would be ignored, and whoever
// relied on it misled.
func batchItems(req proto.Message) (violations []*violation) {
	req.ProtoReflect().Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if !f.IsList() || f.Message() == nil {
			return true
		}
		for i := range v.List().Len() {
			item := v.List().Get(i).Message()
			for _, own := range []protoreflect.Name{"request_id", "validate_only"} {
				if field := item.Descriptor().Fields().ByName(own); field != nil && item.Has(field) {
					violations = append(violations, &violation{
						Field: fmt.Sprintf("%s[%d].%s", f.Name(), i, own), Description: "must be empty: the batch has its own", Reason: "ITEM_OF_BATCH",
					})
				}
			}
		}
		return true
	})
	return violations
}
