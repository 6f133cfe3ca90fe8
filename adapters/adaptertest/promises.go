package adaptertest

import (
	"slices"

	"github.com/drmhub/drmhub/adapters"
)

// Promises returns all promises, in the order of reading.
func Promises() []Promise {
	return slices.Concat(
		everyAdapter, failures,
		sitePromises, siteUpdatePromises, writePromises(), disablePromises, changePromises, orderPromises,
		integrationPromises, fairPlayPromises, memberPromises,
		drmAccountPromises, drmAccountWritePromises,
		productPromises, productLicensePromises, productLicenseWritePromises,
		productBatchPromises, replacePromises(),
		licensePromises, filterPromises, pagePromises, tokenPromises, streamPromises,
		reportPromises(), packagingPromises, usagePromises,
	)
}

// The capabilities for which there are promises.
var (
	siteLister                 = capability[adapters.SiteLister]()
	siteGetter                 = capability[adapters.SiteGetter]()
	siteUpdater                = capability[adapters.SiteUpdater]()
	siteDisabler               = capability[adapters.SiteDisabler]()
	siteEnabler                = capability[adapters.SiteEnabler]()
	trialExtender              = capability[adapters.TrialExtender]()
	statusChangeLister         = capability[adapters.StatusChangeLister]()
	statusChangeCanceller      = capability[adapters.StatusChangeCanceller]()
	siteOrderCreator           = capability[adapters.SiteOrderCreator]()
	siteOrderLister            = capability[adapters.SiteOrderLister]()
	siteOrderGetter            = capability[adapters.SiteOrderGetter]()
	integrationGetter          = capability[adapters.IntegrationGetter]()
	integrationUpdater         = capability[adapters.IntegrationUpdater]()
	fairPlayRegistrar          = capability[adapters.FairPlayCertificateRegistrar]()
	memberLister               = capability[adapters.MemberLister]()
	memberCreator              = capability[adapters.MemberCreator]()
	memberUpdater              = capability[adapters.MemberUpdater]()
	memberPasswordResetter     = capability[adapters.MemberPasswordResetter]()
	drmAccountLister           = capability[adapters.DrmAccountLister]()
	drmAccountGetter           = capability[adapters.DrmAccountGetter]()
	drmAccountCreator          = capability[adapters.DrmAccountCreator]()
	drmAccountDeviceDeleter    = capability[adapters.DrmAccountDeviceDeleter]()
	productLister              = capability[adapters.ProductLister]()
	productGetter              = capability[adapters.ProductGetter]()
	productCreator             = capability[adapters.ProductCreator]()
	productUpdater             = capability[adapters.ProductUpdater]()
	productLicenseLister       = capability[adapters.ProductLicenseLister]()
	productLicenseGetter       = capability[adapters.ProductLicenseGetter]()
	productLicenseCreator      = capability[adapters.ProductLicenseCreator]()
	productLicenseDeleter      = capability[adapters.ProductLicenseDeleter]()
	productLicenseBatchCreator = capability[adapters.ProductLicenseBatchCreator]()
	productLicenseBatchDeleter = capability[adapters.ProductLicenseBatchDeleter]()
	productLicenseReplacer     = capability[adapters.ProductLicenseReplacer]()
	licenseLister              = capability[adapters.LicenseLister]()
	packagingLister            = capability[adapters.PackagingLister]()
	licenseStreamer            = capability[adapters.LicenseStreamer]()
)

func needs(capabilities ...Capability) []Capability { return capabilities }
