package amino_test

import (
	"testing"

	"github.com/drmhub/drmhub/adapters/adaptertest"
	"github.com/drmhub/drmhub/adapters/amino"
	"github.com/drmhub/drmhub/adapters/amino/aminotest"
	"github.com/drmhub/drmhub/adapters/amino/emulator"
	"github.com/drmhub/drmhub/adapters/secret"
)

// TestEverySettingKeepsTheContract runs the suite with the readings of AminoTV's pages that are not
// the defaults, which the catalog's own test has.
func TestEverySettingKeepsTheContract(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		assumed emulator.Assumptions
		set     func(*amino.Config)
	}{
		"another reading of everything": {
			emulator.Assumptions{ProductUpdates: true, OffsetParameter: "page[offset]", LimitParameter: "page[limit]", ShortensPages: true, MaxPage: 7},
			func(c *amino.Config) {
				c.ProductUpdates, c.OffsetParameter, c.LimitParameter = true, "page[offset]", "page[limit]"
				c.ContentType = "application/vnd.api+json"
				c.Token, c.APIKey = secret.Text{}, secret.New(emulator.DefaultAPIKey)
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := aminotest.Config()
			c.set(&config)
			adaptertest.Run(t, func(t *testing.T) adaptertest.Harness { return aminotest.HarnessOf(t, c.assumed, config) })
		})
	}
}

// twinConfig is the account of a twin that was given none.
func twinConfig() amino.Config { return aminotest.Config() }
