// Package adapters defines what an adapter to a DRM vendor is: two mandatory methods, and one
// interface for each call that a vendor may support.
package adapters

import (
	"context"
	"time"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// An Adapter calls one configured account at one vendor. Its capabilities are the interfaces that
// it satisfies, without those that Describe calls Unsupported.
//
// Many goroutines may call a method at once. Names in requests are canonical and belong to this
// vendor. Requests satisfy the rules of the proto. Errors are of package apierror, with the codes
// and reasons of the public face. The caller owns the rows of a response.
type Adapter interface {
	// Describe returns what the adapter's methods do not show. It makes no call.
	Describe() Description
	// Check makes one cheap, authenticated read at the vendor. It returns the access level of the
	// credentials in the vendor's words, or "" if the vendor does not say.
	Check(ctx context.Context) (accessLevel string, err error)
}

// A Description is what an adapter says about itself.
type Description struct {
	// DisplayName is the vendor's name for people.
	DisplayName string
	// Limits are the vendor's bounds.
	Limits *pb.Vendor_Limits
	// Composed are the methods that the adapter composes of several calls, because the vendor has
	// no call of its own for them. They are full names, as pb.SiteService_GetSite_FullMethodName.
	Composed []string
	// Unsupported are the methods that the adapter has, but that this account does not support by
	// its configuration. They are full names, too.
	Unsupported []string
	// History describes the vendor's license history. nil means that it shows none.
	History *History
}

// A History says what holds for all rows of a vendor's license history.
type History struct {
	// TimeZone is the zone of the vendor's days and months.
	TimeZone *time.Location
	// Retention is how long the vendor shows a row. 0 means that nobody knows.
	Retention time.Duration
	// WholeDays is whether a search for a period takes days, whose zone may be another one.
	WholeDays bool
	// Counting is how the vendor counts a month.
	Counting Counting
}

// A Counting is a vendor's rule for the licenses, users and devices of a month.
type Counting struct {
	// Description is the rule for people, in one or two sentences.
	Description string
	// Source is the vendor's document that states the rule, and the settings that complete it.
	Source string
	// Failures is whether refused requests count.
	Failures bool
	// MissingUser is whether all rows without a user count as one user together.
	MissingUser bool
}
