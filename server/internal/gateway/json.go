package gateway

import (
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/server/internal/contract"
	"github.com/drmhub/drmhub/server/internal/messagejson"
)

// Body returns the body that REST returns for a response. The errors in it name fields as JSON
// does.
func Body(rpc *contract.RPC, res proto.Message) ([]byte, error) {
	return messagejson.Marshal((&spelling{route: &route{RPC: rpc}}).rewordItems(res))
}
