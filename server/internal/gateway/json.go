package gateway

import (
	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/server/internal/contract"
	"github.com/drmhub/drmhub/server/internal/messagejson"
)

// Body returns the body that REST returns for a response. The errors in it name fields as JSON does.
func Body(rpc *contract.RPC, res proto.Message) ([]byte, error) {
	return messagejson.Marshal((&spelling{route: &route{RPC: rpc}}).rewordItems(res))
}

// marshaler writes messages as package messagejson does.
type marshaler struct{ runtime.Marshaler }

// Marshal returns a message as JSON.
func (m marshaler) Marshal(v any) ([]byte, error) {
	if message, ok := v.(proto.Message); ok {
		return messagejson.Marshal(message)
	}
	return m.Marshaler.Marshal(v)
}
