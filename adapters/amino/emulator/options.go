package emulator

import (
	"cmp"
	"fmt"
	"time"

	"github.com/drmhub/drmhub/adapters/twin"
)

// The default credentials of an emulator.
const (
	DefaultAPIKey = "sandbox-amino-api-key"
	DefaultToken  = "sandbox-amino-bearer-token"
)

// Options configures an emulator. The zero value is an empty server with the default credentials
// and Irdeto behind it.
type Options struct {
	// APIKey is the credential in "Authorization: Apikey …", and Token the one in "Authorization:
	// Bearer …". Either lets a client in. Empty means the default. The claims of the vendor's
	// tokens are not public, so a token is any text.
	APIKey, Token string
	// Seed makes ids and sample data reproducible.
	Seed uint64
	// Clock is the server's clock. Nil means real time.
	Clock *twin.Clock
	// WithSampleData fills the server with a few products and about 200 licenses of 85 users,
	// reproducible from Seed and the clock's day.
	WithSampleData bool
	// WithoutIrdeto turns the integration with Irdeto off: licenses have no side effects.
	WithoutIrdeto bool
	// Assumptions decides the points that the vendor's documents leave open.
	Assumptions Assumptions
}

// Assumptions are the points on which the vendor's public documents are silent. The zero value is
// this project's reading.
type Assumptions struct {
	// LicenseStandsWithoutIrdeto means that a license is created or deleted even if Irdeto fails.
	// By default, a create then leaves no license, and a delete leaves the license as it was. In
	// both readings the call returns the failure, so a client must look for the license.
	LicenseStandsWithoutIrdeto bool
	// ProductUpdates means that there is PATCH /products/{product_id}. Default: 405.
	ProductUpdates bool
	// OlderProducts means that products have the attributes of the page's older revisions. By
	// default they have those of the current one.
	OlderProducts bool
	// KnownUsersOnly means that the server must know a user, by PutUsers or by a license of
	// PutLicenses. By default it takes every user id.
	KnownUsersOnly bool
	// OffsetParameter and LimitParameter are the names of the paging parameters. Default: offset
	// and limit.
	OffsetParameter, LimitParameter string
	// DefaultPage is the number of rows that a list returns without a limit. Default: 100.
	DefaultPage int
	// MaxPage is the maximum number of rows that a list returns. Default: 1000.
	MaxPage int
	// ShortensPages means that a list returns MaxPage rows for a higher limit. By default it
	// refuses such a limit.
	ShortensPages bool
	// RenewalPeriod is the first period of a recurring license that is created without an
	// expiry_date. Default: 30 days.
	RenewalPeriod time.Duration
}

func (a Assumptions) withDefaults() Assumptions {
	a.OffsetParameter = cmp.Or(a.OffsetParameter, "offset")
	a.LimitParameter = cmp.Or(a.LimitParameter, "limit")
	a.MaxPage = cmp.Or(a.MaxPage, 1000)
	a.DefaultPage = min(cmp.Or(a.DefaultPage, 100), a.MaxPage)
	a.RenewalPeriod = cmp.Or(a.RenewalPeriod, 30*24*time.Hour)
	return a
}

// newIDs returns a function that makes the ids of licenses and products. The ids follow from the
// seed, and each is unique.
func newIDs(seed uint64) func() string {
	random, issued := twin.Rand(seed, "ids"), 0
	return func() string {
		issued++
		return fmt.Sprintf("%08x%06d", random.Uint32(), issued)
	}
}
