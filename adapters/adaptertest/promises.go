package adaptertest

import (
	"slices"

	"github.com/drmhub/drmhub/adapters"
)

// Promises are all promises, in the order of reading.
func Promises() []Promise {
	return slices.Concat(everyAdapter, failures, sitePromises, disablePromises, licensePromises, filterPromises, pagePromises, tokenPromises, streamPromises)
}

// The capabilities for which there are promises.
var (
	siteLister      = capability[adapters.SiteLister]()
	siteGetter      = capability[adapters.SiteGetter]()
	siteDisabler    = capability[adapters.SiteDisabler]()
	licenseLister   = capability[adapters.LicenseLister]()
	licenseStreamer = capability[adapters.LicenseStreamer]()
)

func needs(capabilities ...Capability) []Capability { return capabilities }
