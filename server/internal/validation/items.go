package validation

import (
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// batchItems refuses items that set a field of the batch. A batch is one call with one request_id,
// and its dry run is one dry run. drmhub would ignore both fields in an item.
func batchItems(req proto.Message) (violations []*violation) {
	m := req.ProtoReflect()
	if !holdsMore(m.Descriptor()) {
		return nil
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if !f.IsList() || f.Message() == nil {
			return true
		}
		for i := range v.List().Len() {
			item := v.List().Get(i).Message()
			for _, own := range []protoreflect.Name{"request_id", "validate_only"} {
				if field := item.Descriptor().Fields().ByName(own); field != nil && item.Has(field) {
					violations = append(violations, &violation{
						Field:       fmt.Sprintf("%s[%d].%s", f.Name(), i, own),
						Description: "must be empty: the batch has its own",
						Reason:      "ITEM_OF_BATCH",
					})
				}
			}
		}
		return true
	})
	return violations
}
