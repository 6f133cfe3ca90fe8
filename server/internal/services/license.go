package services

import (
	"context"

	"google.golang.org/grpc"

	"github.com/drmhub/drmhub/adapters"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

// licenses is the LicenseService. Its Unsafe server makes a missing RPC a compile
// error.
type licenses struct {
	pb.UnsafeLicenseServiceServer
	vendors *vendors.Registry
	engine  archive.Engine // nil if the archive is off
}

var _ pb.LicenseServiceServer = (*licenses)(nil)

func (s *licenses) ListLicenses(ctx context.Context, req *pb.ListLicensesRequest) (*pb.ListLicensesResponse, error) {
	return list(ctx, s.vendors, adapters.LicenseLister.ListLicenses, req)
}

func (s *licenses) StreamLicenses(
	req *pb.StreamLicensesRequest, stream grpc.ServerStreamingServer[pb.StreamLicensesResponse],
) error {
	return delegateStream(s.vendors, req.GetParent(), adapters.LicenseStreamer.StreamLicenses, req, stream)
}

func (s *licenses) ListLicenseUsers(
	ctx context.Context, req *pb.ListLicenseUsersRequest,
) (*pb.ListLicenseUsersResponse, error) {
	return list(ctx, s.vendors, adapters.LicenseUserLister.ListLicenseUsers, req)
}

func (s *licenses) ListLicenseDevices(
	ctx context.Context, req *pb.ListLicenseDevicesRequest,
) (*pb.ListLicenseDevicesResponse, error) {
	return list(ctx, s.vendors, adapters.LicenseDeviceLister.ListLicenseDevices, req)
}

func (s *licenses) ListLicenseContents(
	ctx context.Context, req *pb.ListLicenseContentsRequest,
) (*pb.ListLicenseContentsResponse, error) {
	return list(ctx, s.vendors, adapters.LicenseContentLister.ListLicenseContents, req)
}

func (s *licenses) ListContentUsers(
	ctx context.Context, req *pb.ListContentUsersRequest,
) (*pb.ListContentUsersResponse, error) {
	return list(ctx, s.vendors, adapters.ContentUserLister.ListContentUsers, req)
}

func (s *licenses) ListPackagings(
	ctx context.Context, req *pb.ListPackagingsRequest,
) (*pb.ListPackagingsResponse, error) {
	return list(ctx, s.vendors, adapters.PackagingLister.ListPackagings, req)
}

func (s *licenses) GetUsage(ctx context.Context, req *pb.GetUsageRequest) (*pb.Usage, error) {
	return delegate(ctx, s.vendors, req.GetName(), adapters.UsageGetter.GetUsage, req)
}
