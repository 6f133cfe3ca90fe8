package amino

import (
	"context"

	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/drmhub/drmhub/adapters/mutation"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// CreateProductLicense is POST /licenses. A lost request is read back from the user's licenses, by
// the order id.
func (a *Adapter) CreateProductLicense(
	ctx context.Context, req *pb.CreateProductLicenseRequest,
) (*pb.ProductLicense, error) {
	return a.createLicense(ctx, "product_license", req.GetProductLicense(), false)
}

// createLicense issues the license in this field of the request. For shared see order.
func (a *Adapter) createLicense(
	ctx context.Context, field string, wanted *pb.ProductLicense, shared bool,
) (*pb.ProductLicense, error) {
	terms, err := a.terms(field, wanted)
	if err != nil {
		return nil, err
	}
	o, err := a.prepare(ctx, field, terms)
	if err != nil {
		return nil, err
	}
	o.shared = shared
	issued, err := a.issue(ctx, "issue", o, false)
	switch {
	case err != nil:
		return nil, err
	case issued.doubt != nil:
		return nil, inDoubt(issued.doubt)
	}
	return a.answer(issued.license), nil
}

// DeleteProductLicense is DELETE /licenses/{license_id}. A lost request is read back: if it
// arrived, the license is gone.
func (a *Adapter) DeleteProductLicense(
	ctx context.Context, req *pb.DeleteProductLicenseRequest,
) (*emptypb.Empty, error) {
	if _, err := a.deleteLicense(ctx, "name", req.GetName()); err != nil {
		return nil, err
	}
	return &emptypb.Empty{}, nil
}

// deleteLicense revokes the license that this field of the request names. It returns the license as
// it was before, but not playable.
func (a *Adapter) deleteLicense(ctx context.Context, field, name string) (*pb.ProductLicense, error) {
	before, err := a.snapshotLicense(ctx, field, name)
	if err != nil {
		return nil, err
	}
	revoked, err := a.revoke(ctx, "revoke", before)
	switch {
	case err != nil:
		return nil, err
	case revoked.doubt != nil:
		return nil, inDoubt(revoked.doubt)
	}
	return revoked.license, nil
}

// snapshotLicense returns the license that this field of the request names, as it was when the
// method first ran. Without a user, nothing shows whether an open creation made it.
func (a *Adapter) snapshotLicense(ctx context.Context, field, name string) (*pb.ProductLicense, error) {
	return mutation.SnapshotExisting(ctx, "before", func(ctx context.Context) (*pb.ProductLicense, error) {
		return a.findLicense(ctx, field, name)
	})
}
