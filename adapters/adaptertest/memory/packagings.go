package memory

import (
	"context"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// PutPackagings lets packagings of a site arrive.
func (v *Vendor) PutPackagings(siteID string, rows ...*pb.Packaging) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.packagings == nil {
		v.packagings = map[string][]*pb.Packaging{}
	}
	v.packagings[siteID] = append(v.packagings[siteID], clones(rows)...)
}

// Packagings are all packagings of a site, in the order in which they arrived.
func (v *Vendor) Packagings(ctx context.Context, siteID string) ([]*pb.Packaging, error) {
	return readingOf(ctx, v, siteID, func() []*pb.Packaging { return clones(v.packagings[siteID]) })
}
