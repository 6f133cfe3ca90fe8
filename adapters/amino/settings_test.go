package amino_test

import (
	"testing"

	"github.com/drmhub/drmhub/adapters/adaptertest"
	"github.com/drmhub/drmhub/adapters/amino"
	"github.com/drmhub/drmhub/adapters/amino/aminotest"
	"github.com/drmhub/drmhub/adapters/amino/emulator"
	"github.com/drmhub/drmhub/adapters/secret"
)

// TestEverySettingKeepsTheContract runs the suite with the other readings of AminoTV's pages. The
// catalog's test runs it with the defaults.
func TestEverySettingKeepsTheContract(t *testing.T) {
	t.Parallel()
	assumed := emulator.Assumptions{
		ProductUpdates: true, OffsetParameter: "page[offset]", LimitParameter: "page[limit]",
		ShortensPages: true, MaxPage: 7, OlderProducts: true,
	}
	c := aminotest.Config()
	c.ProductUpdates, c.OffsetParameter, c.LimitParameter = true, "page[offset]", "page[limit]"
	c.ContentType, c.ProductShape = "application/vnd.api+json", "older"
	c.Token, c.APIKey = secret.Text{}, secret.New(emulator.DefaultAPIKey)
	adaptertest.Run(t, func(t *testing.T) adaptertest.Harness { return aminotest.HarnessOf(t, assumed, c) })
}

// twinConfig returns the account of a twin with the default credentials.
func twinConfig() amino.Config { return aminotest.Config() }
