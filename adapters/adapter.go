// Package adapters says what an adapter to a DRM vendor is: two mandatory methods, and one
// interface for each thing a vendor may be able to do.
package adapters

import (
	"context"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// Adapter speaks to one configured account at one vendor. What else it can do is the set of
// capability interfaces that it satisfies.
//
// Every method may be called by many goroutines at once. Names in requests are canonical and belong
// to this vendor; requests keep the rules of the proto. Errors are of package apierror, with the
// codes and reasons of the public face; a row that an answer holds belongs to the caller.
type Adapter interface {
	// Describe tells what the adapter's methods do not show. It makes no call.
	Describe() Description
	// Check makes one cheap, authenticated read at the vendor and answers the level of access that
	// the credentials give, in the vendor's words, or "" where the vendor does not tell.
	Check(ctx context.Context) (accessLevel string, err error)
}

// Description is what an adapter tells about itself.
type Description struct {
	// DisplayName is the vendor's name for people.
	DisplayName string
	// Limits are the vendor's bounds.
	Limits *pb.Vendor_Limits
	// Composed holds the full method names (pb.SiteService_GetSite_FullMethodName) of what the
	// vendor has no call for and the adapter puts together out of others.
	Composed []string
}
