package emulator

import (
	"cmp"
	"fmt"
	"time"

	"github.com/drmhub/drmhub/adapters/twin"
)

// The credentials of an emulator that is given none.
const (
	DefaultAPIKey = "sandbox-amino-api-key"
	DefaultToken  = "sandbox-amino-bearer-token"
)

// Options set up an emulator. The zero value is an empty server with the default credentials and
// Irdeto behind it.
type Options struct {
	// APIKey is what "Authorization: Apikey …" must carry, Token what "Authorization: Bearer …"
	// must. Either lets a client in. Empty means the default. What the vendor's tokens claim is not
	// public: this one is text like any other.
	APIKey, Token string
	// Seed makes ids and sample data reproducible.
	Seed uint64
	// Clock is the server's time. Nil follows real time.
	Clock *twin.Clock
	// WithSampleData fills the server with a few products and about 200 licenses of 85 users,
	// reproducible from Seed and the clock's day.
	WithSampleData bool
	// WithoutIrdeto is an operator for whom the integration with Irdeto is not enabled: licenses
	// have no side effects.
	WithoutIrdeto bool
	// Assumptions settle what the vendor's documents leave open.
	Assumptions Assumptions
}

// Assumptions are the points on which the vendor's public documents are silent. The zero value is
// this project's reading.
type Assumptions struct {
	// LicenseStandsWithoutIrdeto: a license is created, or deleted, whatever Irdeto says. Default:
	// where Irdeto fails, a create leaves no license, and a delete leaves the license as it was. In
	// either case the call answers the failure: with this, one has to look to find that the license
	// is there, or gone.
	LicenseStandsWithoutIrdeto bool
	// ProductUpdates: there is PATCH /products/{product_id}. Default: there is not (405).
	ProductUpdates bool
	// KnownUsersOnly: a user must be known to the server, by PutUsers or by a license of
	// PutLicenses. Default: it takes every user id.
	KnownUsersOnly bool
	// OffsetParameter and LimitParameter are the names of the paging parameters. Default: offset
	// and limit.
	OffsetParameter, LimitParameter string
	// DefaultPage is how many rows a list answers that is not told. Default: 100.
	DefaultPage int
	// MaxPage is how many rows a list answers at most. Default: 1000.
	MaxPage int
	// ShortensPages: a list that is asked for more than MaxPage rows answers MaxPage of them.
	// Default: it refuses.
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

// newIDs makes the ids of licenses and products; from one seed always the same, and each but once.
func newIDs(seed uint64) func() string {
	random, issued := twin.Rand(seed, "ids"), 0
	return func() string {
		issued++
		return fmt.Sprintf("%08x%06d", random.Uint32(), issued)
	}
}
