package telecomx_test

import (
	"net/http"
	"testing"

	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/telecomx"
	"github.com/drmhub/drmhub/adapters/telecomx/emulator"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

func TestFaultsOfTheVendor(t *testing.T) {
	wiretest.Faults(t, wiretest.Target[*telecomx.Adapter]{
		LogsIn: true,
		New:    func() wiretest.Twin { return duckTwin(emulator.Options{}) },
		Connect: func(t *testing.T, transport http.RoundTripper, baseURL string) *telecomx.Adapter {
			c := config()
			c.BaseURL = baseURL
			return adapterTo(t, c, transport)
		},
		Read: wiretest.Read[*telecomx.Adapter]{
			Name: "ListDrmAccounts", Request: getAccounts,
			Call: func(t *testing.T, a *telecomx.Adapter) error {
				_, err := list(t, a, &pb.ListDrmAccountsRequest{})
				return err
			},
		},
		Writes: []wiretest.Write[*telecomx.Adapter]{
			{
				Name: "CreateDrmAccount", Request: postAccount, Step: "create",
				Call: func(t *testing.T, a *telecomx.Adapter, log mutation.Log) error {
					_, err := create(t, a, log, &pb.DrmAccount{Password: "opens sesame"})
					return err
				},
			},
			{
				Name: "DeleteDrmAccountDevice", Request: deleteDevice, Step: "delete",
				Call: func(t *testing.T, a *telecomx.Adapter, log mutation.Log) error {
					_, err := remove(t, a, log, false)
					return err
				},
			},
		},
		Own: wiretest.OwnError{Status: 402, Body: `{"message":"pay_first"}`, Code: "pay_first"},
		Override: map[string]wiretest.Fault{
			"HTTP 401 with a code": wiretest.Replying(401, `{"error":"access_denied"}`).Code("access_denied").
				As(wiretest.Unauthorized, wiretest.Unauthorized),
			"HTTP 403 with a code": wiretest.Replying(403, `access_denied`).Code("access_denied").
				As(wiretest.Forbidden, wiretest.Forbidden),
			"HTTP 500": wiretest.Replying(500, `{"error":"internal_error"}`).Code("internal_error").
				As(wiretest.Unavailable, wiretest.Unknown),
			"an error in the place of a list or an account": wiretest.Replying(200, `{"error":"no_route"}`).
				Code("no_route").As(wiretest.Unreadable, wiretest.Unknown),
			"a success of nobody": wiretest.Replying(200, `{"status":"ok"}`).
				As(wiretest.Unreadable, wiretest.Unknown),
			"an empty success": wiretest.Replying(200, `{}`).As(wiretest.Unreadable, wiretest.Unknown),
			"an error beside a success": wiretest.Replying(200,
				`{"error":{"code":7},"success":true,"total":0,"username":"donald@duck.com"}`).
				As(wiretest.Unreadable, wiretest.Unknown),
			"a success of another form": wiretest.TakingEffect(200, `[7]`).
				As(wiretest.Unreadable, wiretest.Unknown),
		},
	})
}
