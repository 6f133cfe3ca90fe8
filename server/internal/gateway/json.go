package gateway

import (
	"bytes"
	"encoding/json"
	"sync"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/contract"
)

// Body returns the body that REST returns for a response. The errors in it name fields as JSON does.
func Body(rpc *contract.RPC, res proto.Message) ([]byte, error) {
	return AppendJSON(nil, (&spelling{route: &route{RPC: rpc}}).rewordItems(res))
}

// AppendJSON appends a message as REST writes it: with unset fields, and without white space.
func AppendJSON(to []byte, m proto.Message) ([]byte, error) {
	if !spaced() {
		return protojson.MarshalOptions{EmitUnpopulated: true}.MarshalAppend(to, m)
	}
	text, err := protojson.MarshalOptions{EmitUnpopulated: true}.Marshal(m)
	if err != nil {
		return to, err
	}
	out := bytes.NewBuffer(to)
	err = json.Compact(out, text)
	return out.Bytes(), err
}

// spaced reports whether protojson writes spaces between values. It does so in half of all programs, so
// that nobody relies on its bytes.
var spaced = sync.OnceValue(func() bool {
	text, _ := protojson.MarshalOptions{EmitUnpopulated: true}.Marshal(&pb.Site{}) // It never fails.
	return bytes.ContainsRune(text, ' ')
})

// marshaler writes messages as AppendJSON does.
type marshaler struct{ runtime.Marshaler }

// Marshal returns a message as JSON.
func (m marshaler) Marshal(v any) ([]byte, error) {
	if message, ok := v.(proto.Message); ok {
		return AppendJSON(nil, message)
	}
	return m.Marshaler.Marshal(v)
}
