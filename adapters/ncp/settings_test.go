package ncp_test

import (
	"net/http"
	"testing"

	"github.com/drmhub/drmhub/adapters/adaptertest"
	"github.com/drmhub/drmhub/adapters/ncp"
	"github.com/drmhub/drmhub/adapters/ncp/emulator"
	"github.com/drmhub/drmhub/adapters/ncp/ncptest"
)

// twinConfig is the account of a twin that was given none.
func twinConfig() ncp.Config { return ncptest.Config() }

// TestEverySettingKeepsTheContract runs the suite with the readings of the API pages that are not
// the defaults, which the catalog's own test has. All but the time zone: the suite's days are those
// of UTC.
func TestEverySettingKeepsTheContract(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		assumed emulator.Assumptions
		set     func(*ncp.Config)
	}{
		"the API pages of 2023": {
			emulator.Assumptions{
				Generation: emulator.Generation2023, SiteTimes: emulator.SiteTimesExample, UpperCaseStatus: true,
				ZeroBasedPages: true, EndExclusive: true, PlainUserSearch: true, NumericErrorCodes: true,
				ReadyWhenOn: true, TrueOffAnswer: true, FailureStatus: http.StatusOK,
			},
			func(c *ncp.Config) {
				c.PageSizeParameter, c.DRMTypeCondition = ncp.PageSizeNo, ncp.DRMTypeUnderscore
				c.PageNumberBase, c.HashUserID, c.PageConcurrency = 0, false, 1
			},
		},
		"the API pages of 2026": {
			emulator.Assumptions{
				Generation: emulator.Generation2026, SiteTimes: emulator.SiteTimesTable, ExactSearch: true,
				KeysWithheld: true, NotFoundStatus: http.StatusInternalServerError,
			},
			func(c *ncp.Config) { c.PageConcurrency = 2 },
		},
		"smaller pages than asked for, and a total that is theirs": {
			emulator.Assumptions{PageCap: 40, TotalIsPage: true, FailureStatus: http.StatusOK},
			func(*ncp.Config) {},
		},
		"a page size that the vendor does not know": {
			emulator.Assumptions{Generation: emulator.Generation2023, DefaultPageSize: 60, EndExclusive: true},
			func(c *ncp.Config) { c.DRMTypeCondition = ncp.DRMTypeUnderscore },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := ncptest.Config()
			c.set(&config)
			adaptertest.Run(t, func(t *testing.T) adaptertest.Harness {
				return ncptest.HarnessOf(t, c.assumed, config)
			})
		})
	}
}
