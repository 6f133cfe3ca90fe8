package adaptertest

import (
	"context"
	"reflect"

	"google.golang.org/protobuf/proto"
)

// Around returns h with a function that runs in the place of each call. If the function returns
// nil, the response is empty.
func Around(h Harness, around func(context.Context, proto.Message, caller) (proto.Message, error)) Harness {
	h.around = func(ctx context.Context, req proto.Message, call caller) (proto.Message, error) {
		res, err := around(ctx, req, call)
		if err != nil || res == nil {
			empty := reflect.New(signatures()[rpcOf(req)].Out(0).Elem())
			return empty.Interface().(proto.Message), err
		}
		return res, nil
	}
	return h
}
