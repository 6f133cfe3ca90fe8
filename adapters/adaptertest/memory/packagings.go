package memory

import (
	"context"

	"google.golang.org/protobuf/proto"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// PutPackagings lets packagings of a site arrive.
func (v *Vendor) PutPackagings(siteID string, rows ...*pb.Packaging) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.packagings == nil {
		v.packagings = map[string][]*pb.Packaging{}
	}
	for _, r := range rows {
		v.packagings[siteID] = append(v.packagings[siteID], proto.CloneOf(r))
	}
}

// Packagings are all packagings of a site, in the order in which they arrived.
func (v *Vendor) Packagings(ctx context.Context, siteID string) ([]*pb.Packaging, error) {
	if err := v.read(ctx); err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.site(siteID) == nil {
		return nil, &Failure{Code: noSuchSite}
	}
	var rows []*pb.Packaging
	for _, r := range v.packagings[siteID] {
		rows = append(rows, proto.CloneOf(r))
	}
	return rows, nil
}
