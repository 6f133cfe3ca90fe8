package services

import (
	"context"

	"github.com/drmhub/drmhub/adapters"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

// drmAccounts is the DrmAccountService. Its Unsafe server makes a missing RPC a compile
// error.
type drmAccounts struct {
	pb.UnsafeDrmAccountServiceServer
	vendors *vendors.Registry
}

var _ pb.DrmAccountServiceServer = (*drmAccounts)(nil)

func (s *drmAccounts) ListDrmAccounts(
	ctx context.Context, req *pb.ListDrmAccountsRequest,
) (*pb.ListDrmAccountsResponse, error) {
	seen := func(
		l adapters.DrmAccountLister, ctx context.Context, req *pb.ListDrmAccountsRequest,
	) (*pb.ListDrmAccountsResponse, error) {
		return listSeenAccounts(ctx, l, req)
	}
	return list(ctx, s.vendors, seen, req)
}

func (s *drmAccounts) GetDrmAccount(ctx context.Context, req *pb.GetDrmAccountRequest) (*pb.DrmAccount, error) {
	return delegate(ctx, s.vendors, req.GetName(), adapters.DrmAccountGetter.GetDrmAccount, req)
}

func (s *drmAccounts) CreateDrmAccount(ctx context.Context, req *pb.CreateDrmAccountRequest) (*pb.DrmAccount, error) {
	return delegate(ctx, s.vendors, req.GetParent(), adapters.DrmAccountCreator.CreateDrmAccount, req)
}

func (s *drmAccounts) DeleteDrmAccountDevice(
	ctx context.Context, req *pb.DeleteDrmAccountDeviceRequest,
) (*pb.DrmAccountDevice, error) {
	return delegate(ctx, s.vendors, req.GetName(), adapters.DrmAccountDeviceDeleter.DeleteDrmAccountDevice, req)
}
