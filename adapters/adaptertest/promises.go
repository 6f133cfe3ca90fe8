package adaptertest

import "slices"

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

// needs are the names of calls that a promise is about.
func needs(calls ...string) []string { return calls }
