package emulator

import (
	"time"

	"github.com/drmhub/drmhub/adapters/twin"
)

// The default account of an emulator.
const (
	DefaultAccessKey  = "sandbox-access-key"
	DefaultSecretKey  = "sandbox-secret-key"
	DefaultRegionCode = "KR"
)

// DefaultCreationDelay is how long a site is CREATING by default. The vendor takes up to 24 hours.
// The gateway accepts timestamps for five minutes, so a test may advance the clock by this delay.
const DefaultCreationDelay = 2 * time.Minute

// Options set up an emulator. The zero value is an empty server with the default account.
type Options struct {
	// AccessKey and SecretKey verify signatures. Empty means the default.
	AccessKey, SecretKey string
	// RegionCode is the required value of x-ncp-region_code. Empty means KR.
	RegionCode string
	// Denied are the calls that the sub account may not make, such as
	// "PUT /api/v1/sites/{siteId}/off". They are 401/210.
	Denied []string
	// Seed makes ids and sample data reproducible.
	Seed uint64
	// Clock is the server's time, which also checks timestamps. Nil follows real time.
	Clock *twin.Clock
	// WithSampleData fills the server with five sites and about 4,000 licenses of the last thirty
	// days, reproducible from Seed and the clock's time. Another vendor's sample data has some of
	// the same users: tester01 to tester25, and family001@kids.example to family060@kids.example.
	WithSampleData bool
	// Assumptions settle what the vendor's documents leave open.
	Assumptions Assumptions
}

// Generation is one of the two generations of the vendor's API pages.
type Generation string

// The generations of the vendor's API pages. The zero value accepts both, and its lists have a
// total.
const (
	// Generation2023 has pageSizeNo and the search condition drm_type, and no total in the license
	// history. pageSize is ignored.
	Generation2023 Generation = "2023"
	// Generation2026 has pageSize and the search condition drmType. pageSizeNo is ignored.
	Generation2026 Generation = "2026"
)

// SiteTimes chooses the keys of a site's times.
type SiteTimes string

// The keys of a site's times. The zero value has those of the table in reads, and those of the
// example in the responses to a change.
const (
	// SiteTimesTable has siteCreatedTime and siteUpdatedTime, as in the tables.
	SiteTimesTable SiteTimes = "table"
	// SiteTimesExample has only siteUpdated, as in the example of "Disable site".
	SiteTimesExample SiteTimes = "example"
)

// Assumptions settle the points that the vendor's public documents leave open or contradict. The
// zero value is this project's reading.
type Assumptions struct {
	// Generation chooses the parameters and the envelope. Default: both.
	Generation Generation
	// SiteTimes are the keys of a site's times. Default: the table's in reads, the example's in the
	// responses to a change.
	SiteTimes SiteTimes
	// UpperCaseStatus shows licenseStatus as in the table, SUCCESS and FAIL. Default: as in the
	// example, success and fail.
	UpperCaseStatus bool
	// Zone is the time zone of licenseCreatedTime, of a month, and of the time in a site's id.
	// Default: UTC.
	Zone *time.Location
	// ZeroBasedPages makes pageNo start at 0. Default: 1.
	ZeroBasedPages bool
	// DefaultPageSize is the size of a page if the request has none. Default: 20.
	DefaultPageSize int
	// PageCap is the largest page, whatever the request says. Default: 100, which is also the most
	// that a request may ask for.
	PageCap int
	// TotalIsPage makes total the number of rows on this page. Default: the number that match.
	TotalIsPage bool
	// EndExclusive makes endTime the first millisecond not searched. Default: the last one
	// searched.
	EndExclusive bool
	// ExactSearch makes a search match equal values only. Default: values that contain the keyword.
	ExactSearch bool
	// PlainUserSearch makes the server hash the keyword of a search by userId. Default: the keyword
	// is an MD5.
	PlainUserSearch bool
	// CreationDelay is how long a new site is CREATING. Default: DefaultCreationDelay.
	CreationDelay time.Duration
	// ReadyWhenOn keeps siteStatus READY when a site is switched on. Default: RUNNING.
	ReadyWhenOn bool
	// TrueOffAnswer makes the response to off show siteEnabledYn false. Default: true, as in the
	// example, although the site is off.
	TrueOffAnswer bool
	// KeysWithheld shows only the certFile of a fairPlayCert. Default: all four fields, as in the
	// table.
	KeysWithheld bool
	// NumericErrorCodes shows the gateway's errorCode as a number. Default: as text.
	NumericErrorCodes bool
	// FailureStatus is the HTTP status of the service's failures. Default: 400.
	FailureStatus int
	// NotFoundStatus is the HTTP status of 281003. Default: FailureStatus if that is set, or else
	// 404.
	NotFoundStatus int
}

func (a Assumptions) withDefaults() Assumptions {
	set := func(value *int, otherwise int) {
		if *value == 0 {
			*value = otherwise
		}
	}
	if a.Zone == nil {
		a.Zone = time.UTC
	}
	if a.CreationDelay == 0 {
		a.CreationDelay = DefaultCreationDelay
	}
	set(&a.DefaultPageSize, 20)
	set(&a.PageCap, maxPageSize)
	set(&a.NotFoundStatus, a.FailureStatus)
	set(&a.NotFoundStatus, 404)
	set(&a.FailureStatus, 400)
	return a
}
