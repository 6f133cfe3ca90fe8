package telecomx

import (
	"reflect"

	"github.com/drmhub/drmhub/adapters/upstream/jsonx"
	"github.com/drmhub/drmhub/adapters/upstream/shape"
)

// shapes are what the pages say about the responses to reads, by the type of the pointer to which
// they are decoded. TelecomX may omit "properties holding no value". An account always has these.
var shapes = map[reflect.Type]*shape.Shape{
	reflect.TypeFor[*answer[accountPage]](): shape.Of[answer[accountPage]]("GET /iptv/drm", refusals,
		shape.Shown("limit"),
		shape.Promised("accounts", "total", "accounts.username", "accounts.password", "accounts.created"),
		shape.Words("accounts.devices.type", deviceTypes)),
	reflect.TypeFor[*answer[jsonx.Row[accountRow]]](): shape.Of[answer[jsonx.Row[accountRow]]](
		"GET /iptv/drm/{account}", refusals,
		shape.Shown("customer"),
		shape.Promised("username", "password", "created"),
		shape.Words("devices.type", deviceTypes)),
}

// refusals adds the members of a failure, which may have the status of a success.
var refusals = shape.Shown("success", "error", "message", "expires")
