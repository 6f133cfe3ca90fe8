package telecomx_test

import (
	"net/http"
	"testing"

	"github.com/drmhub/drmhub/adapters/adaptertest"
	"github.com/drmhub/drmhub/adapters/telecomx"
	"github.com/drmhub/drmhub/adapters/telecomx/emulator"
	"github.com/drmhub/drmhub/adapters/telecomx/telecomxtest"
)

// TestTheContractIsKept runs the suite with other interpretations of the pages, and with a machine
// token.
func TestTheContractIsKept(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		options emulator.Options
		config  telecomx.Config
	}{
		"the defaults": {emulator.Options{}, telecomxtest.Config()},
		"another reading of everything": {emulator.Options{ExpiresInMinutes: -1, Assumptions: emulator.Assumptions{
			LoginRefused: http.StatusForbidden, TokenRefused: http.StatusForbidden, PlainErrors: true, EmptyShown: true,
			FilterIgnoresCase: true, CustomerOptional: true, SessionsOutlivePassword: true,
		}}, telecomxtest.Config()},
		"a machine token": {emulator.Options{}, telecomxtest.MachineConfig()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			adaptertest.Run(t, func(t *testing.T) adaptertest.Harness {
				return telecomxtest.HarnessOf(t, c.options, c.config)
			})
		})
	}
}
