package emulator

import (
	"time"

	"github.com/drmhub/drmhub/adapters/twin"
)

// The account of an emulator that is given none.
const (
	DefaultAccessKey  = "sandbox-access-key"
	DefaultSecretKey  = "sandbox-secret-key"
	DefaultRegionCode = "KR"
)

// DefaultCreationDelay is how long a site is CREATING where the options say nothing. The vendor
// takes up to 24 hours; this is shorter than the five minutes for which the gateway takes a
// timestamp, so that a clock that is advanced by it refuses nobody.
const DefaultCreationDelay = 2 * time.Minute

// Options set up an emulator. The zero value is an empty server with the default account.
type Options struct {
	// AccessKey and SecretKey are what a signature is verified against. Empty means the default.
	AccessKey, SecretKey string
	// RegionCode is what x-ncp-region_code must say. Empty means KR.
	RegionCode string
	// Denied are calls that the sub account may not make, such as "PUT /api/v1/sites/{siteId}/off":
	// 401/210.
	Denied []string
	// Seed makes ids and sample data reproducible.
	Seed uint64
	// Clock is the server's time, against which timestamps are checked too. Nil follows real time.
	Clock *twin.Clock
	// WithSampleData fills the server with five sites and about 4,000 licenses of the last thirty
	// days, reproducible from Seed and the clock's time. Some users are those of another vendor's
	// sample data: tester01 to tester25, and family001@kids.example to family060@kids.example.
	WithSampleData bool
	// Assumptions settle what the vendor's documents leave open.
	Assumptions Assumptions
}

// Generation is one of the two generations of the vendor's API pages.
type Generation string

// The generations of the vendor's API pages. The zero value understands both, and answers lists
// with total.
const (
	// Generation2023 has pageSizeNo and the search condition drm_type, and no total in the license
	// history. pageSize is ignored.
	Generation2023 Generation = "2023"
	// Generation2026 has pageSize and the search condition drmType. pageSizeNo is ignored.
	Generation2026 Generation = "2026"
)

// SiteTimes are the keys under which a site's times stand.
type SiteTimes string

// The keys under which a site's times stand. The zero value has those of the table in reads, and
// those of the example in the answers to a change.
const (
	// SiteTimesTable has siteCreatedTime and siteUpdatedTime, as the tables.
	SiteTimesTable SiteTimes = "table"
	// SiteTimesExample has siteUpdated alone, as the example of "Disable site".
	SiteTimesExample SiteTimes = "example"
)

// Assumptions are the points on which the vendor's public documents are silent or contradict each
// other. The zero value is this project's reading.
type Assumptions struct {
	// Generation is whose parameters and envelope the server has. Default: both.
	Generation Generation
	// SiteTimes are the keys of a site's times. Default: the table's in reads, the example's in the
	// answers to a change.
	SiteTimes SiteTimes
	// UpperCaseStatus answers licenseStatus as in the table, SUCCESS and FAIL. Default: as in the
	// example, success and fail.
	UpperCaseStatus bool
	// Zone is the time zone of licenseCreatedTime, of a month, and of the time in a site's id.
	// Default: UTC.
	Zone *time.Location
	// ZeroBasedPages makes pageNo start at 0. Default: 1.
	ZeroBasedPages bool
	// DefaultPageSize is how many rows a page holds where the request does not say. Default: 20.
	DefaultPageSize int
	// PageCap is how many rows a page holds at most, whatever the request says. Default: 100, which
	// is also the most that a request may ask for.
	PageCap int
	// TotalIsPage makes total the rows of this page. Default: all that match.
	TotalIsPage bool
	// EndExclusive makes endTime the first millisecond not searched. Default: the last one
	// searched.
	EndExclusive bool
	// ExactSearch makes a search match equal values only. Default: values that contain the keyword.
	ExactSearch bool
	// PlainUserSearch makes the server hash the keyword of a search by userId itself. Default: the
	// keyword is an MD5.
	PlainUserSearch bool
	// CreationDelay is how long a new site is CREATING. Default: DefaultCreationDelay.
	CreationDelay time.Duration
	// ReadyWhenOn keeps siteStatus READY where a site is switched on. Default: RUNNING.
	ReadyWhenOn bool
	// TrueOffAnswer answers siteEnabledYn false to off. Default: true, as in the example, although
	// the site is off.
	TrueOffAnswer bool
	// KeysWithheld answers the certFile of a fairPlayCert alone. Default: all four fields, as in
	// the table.
	KeysWithheld bool
	// NumericErrorCodes answers the gateway's errorCode as a number. Default: as text.
	NumericErrorCodes bool
	// FailureStatus is the HTTP status of the service's failures. Default: 400.
	FailureStatus int
	// NotFoundStatus is the HTTP status of 281003. Default: 404, or FailureStatus where that is
	// set.
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
