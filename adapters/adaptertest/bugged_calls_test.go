package adaptertest_test

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/drmhub/drmhub/adapters"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// These are the calls of a bugged adapter. Each runs its hook.

func (b *bugged) Describe() adapters.Description {
	d := b.good.Describe()
	if b.describe != nil {
		b.describe(&d)
	}
	return d
}

func (b *bugged) Check(ctx context.Context) (level string, err error) {
	_, err = run(ctx, b, &emptypb.Empty{}, func(ctx context.Context, _ *emptypb.Empty) (*emptypb.Empty, error) {
		level, err = b.good.Check(ctx)
		return &emptypb.Empty{}, err
	})
	return level, err
}

func (b *bugged) StreamLicenses(
	req *pb.StreamLicensesRequest, to grpc.ServerStreamingServer[pb.StreamLicensesResponse],
) error {
	send := func(ctx context.Context, req *pb.StreamLicensesRequest) (*emptypb.Empty, error) {
		stream := b.good.StreamLicenses
		if b.stream != nil {
			stream = b.stream
		}
		return &emptypb.Empty{}, stream(req, &conduit{to, ctx, to.Send})
	}
	_, err := run(to.Context(), b, req, send)
	return err
}

// A conduit is a stream with another context or another Send.
type conduit struct {
	client
	ctx  context.Context
	send func(*pb.StreamLicensesResponse) error
}

func (c *conduit) Context() context.Context { return c.ctx }

func (c *conduit) Send(m *pb.StreamLicensesResponse) error { return c.send(m) }

func (b *bugged) ListSites(ctx context.Context, req *pb.ListSitesRequest) (*pb.ListSitesResponse, error) {
	return run(ctx, b, req, b.good.ListSites)
}

func (b *bugged) GetSite(ctx context.Context, req *pb.GetSiteRequest) (*pb.Site, error) {
	return run(ctx, b, req, b.good.GetSite)
}

func (b *bugged) UpdateSite(ctx context.Context, req *pb.UpdateSiteRequest) (*pb.Site, error) {
	return run(ctx, b, req, b.good.UpdateSite)
}

func (b *bugged) DisableSite(ctx context.Context, req *pb.DisableSiteRequest) (*pb.StatusChange, error) {
	return run(ctx, b, req, b.good.DisableSite)
}

func (b *bugged) EnableSite(ctx context.Context, req *pb.EnableSiteRequest) (*pb.StatusChange, error) {
	return run(ctx, b, req, b.good.EnableSite)
}

func (b *bugged) ExtendTrial(ctx context.Context, req *pb.ExtendTrialRequest) (*pb.StatusChange, error) {
	return run(ctx, b, req, b.good.ExtendTrial)
}

func (b *bugged) ListStatusChanges(
	ctx context.Context, req *pb.ListStatusChangesRequest,
) (*pb.ListStatusChangesResponse, error) {
	return run(ctx, b, req, b.good.ListStatusChanges)
}

func (b *bugged) CancelStatusChange(ctx context.Context, req *pb.CancelStatusChangeRequest) (*pb.StatusChange, error) {
	return run(ctx, b, req, b.good.CancelStatusChange)
}

func (b *bugged) CreateSiteOrder(ctx context.Context, req *pb.CreateSiteOrderRequest) (*pb.SiteOrder, error) {
	return run(ctx, b, req, b.good.CreateSiteOrder)
}

func (b *bugged) ListSiteOrders(
	ctx context.Context, req *pb.ListSiteOrdersRequest,
) (*pb.ListSiteOrdersResponse, error) {
	return run(ctx, b, req, b.good.ListSiteOrders)
}

func (b *bugged) GetSiteOrder(ctx context.Context, req *pb.GetSiteOrderRequest) (*pb.SiteOrder, error) {
	return run(ctx, b, req, b.good.GetSiteOrder)
}

func (b *bugged) GetIntegration(ctx context.Context, req *pb.GetIntegrationRequest) (*pb.Integration, error) {
	return run(ctx, b, req, b.good.GetIntegration)
}

func (b *bugged) UpdateIntegration(ctx context.Context, req *pb.UpdateIntegrationRequest) (*pb.Integration, error) {
	return run(ctx, b, req, b.good.UpdateIntegration)
}

func (b *bugged) RegisterFairPlayCertificate(
	ctx context.Context, req *pb.RegisterFairPlayCertificateRequest,
) (*pb.FairPlayCertificate, error) {
	return run(ctx, b, req, b.good.RegisterFairPlayCertificate)
}

func (b *bugged) ListMembers(ctx context.Context, req *pb.ListMembersRequest) (*pb.ListMembersResponse, error) {
	return run(ctx, b, req, b.good.ListMembers)
}

func (b *bugged) CreateMember(ctx context.Context, req *pb.CreateMemberRequest) (*pb.Member, error) {
	return run(ctx, b, req, b.good.CreateMember)
}

func (b *bugged) UpdateMember(ctx context.Context, req *pb.UpdateMemberRequest) (*pb.Member, error) {
	return run(ctx, b, req, b.good.UpdateMember)
}

func (b *bugged) ResetMemberPassword(
	ctx context.Context, req *pb.ResetMemberPasswordRequest,
) (*pb.ResetMemberPasswordResponse, error) {
	return run(ctx, b, req, b.good.ResetMemberPassword)
}

func (b *bugged) ListDrmAccounts(
	ctx context.Context, req *pb.ListDrmAccountsRequest,
) (*pb.ListDrmAccountsResponse, error) {
	return run(ctx, b, req, b.good.ListDrmAccounts)
}

func (b *bugged) GetDrmAccount(ctx context.Context, req *pb.GetDrmAccountRequest) (*pb.DrmAccount, error) {
	return run(ctx, b, req, b.good.GetDrmAccount)
}

func (b *bugged) CreateDrmAccount(ctx context.Context, req *pb.CreateDrmAccountRequest) (*pb.DrmAccount, error) {
	return run(ctx, b, req, b.good.CreateDrmAccount)
}

func (b *bugged) DeleteDrmAccountDevice(
	ctx context.Context, req *pb.DeleteDrmAccountDeviceRequest,
) (*pb.DrmAccountDevice, error) {
	return run(ctx, b, req, b.good.DeleteDrmAccountDevice)
}

func (b *bugged) ListProducts(ctx context.Context, req *pb.ListProductsRequest) (*pb.ListProductsResponse, error) {
	return run(ctx, b, req, b.good.ListProducts)
}

func (b *bugged) GetProduct(ctx context.Context, req *pb.GetProductRequest) (*pb.Product, error) {
	return run(ctx, b, req, b.good.GetProduct)
}

func (b *bugged) CreateProduct(ctx context.Context, req *pb.CreateProductRequest) (*pb.Product, error) {
	return run(ctx, b, req, b.good.CreateProduct)
}

func (b *bugged) UpdateProduct(ctx context.Context, req *pb.UpdateProductRequest) (*pb.Product, error) {
	return run(ctx, b, req, b.good.UpdateProduct)
}

func (b *bugged) ListProductLicenses(
	ctx context.Context, req *pb.ListProductLicensesRequest,
) (*pb.ListProductLicensesResponse, error) {
	return run(ctx, b, req, b.good.ListProductLicenses)
}

func (b *bugged) GetProductLicense(ctx context.Context, req *pb.GetProductLicenseRequest) (*pb.ProductLicense, error) {
	return run(ctx, b, req, b.good.GetProductLicense)
}

func (b *bugged) CreateProductLicense(
	ctx context.Context, req *pb.CreateProductLicenseRequest,
) (*pb.ProductLicense, error) {
	return run(ctx, b, req, b.good.CreateProductLicense)
}

func (b *bugged) DeleteProductLicense(
	ctx context.Context, req *pb.DeleteProductLicenseRequest,
) (*emptypb.Empty, error) {
	return run(ctx, b, req, b.good.DeleteProductLicense)
}

func (b *bugged) BatchCreateProductLicenses(
	ctx context.Context, req *pb.BatchCreateProductLicensesRequest,
) (*pb.BatchCreateProductLicensesResponse, error) {
	return run(ctx, b, req, b.good.BatchCreateProductLicenses)
}

func (b *bugged) BatchDeleteProductLicenses(
	ctx context.Context, req *pb.BatchDeleteProductLicensesRequest,
) (*pb.BatchDeleteProductLicensesResponse, error) {
	return run(ctx, b, req, b.good.BatchDeleteProductLicenses)
}

func (b *bugged) ReplaceProductLicense(
	ctx context.Context, req *pb.ReplaceProductLicenseRequest,
) (*pb.ProductLicense, error) {
	return run(ctx, b, req, b.good.ReplaceProductLicense)
}

func (b *bugged) ListLicenses(ctx context.Context, req *pb.ListLicensesRequest) (*pb.ListLicensesResponse, error) {
	return run(ctx, b, req, b.good.ListLicenses)
}

func (b *bugged) ListLicenseUsers(
	ctx context.Context, req *pb.ListLicenseUsersRequest,
) (*pb.ListLicenseUsersResponse, error) {
	return run(ctx, b, req, b.good.ListLicenseUsers)
}

func (b *bugged) ListLicenseDevices(
	ctx context.Context, req *pb.ListLicenseDevicesRequest,
) (*pb.ListLicenseDevicesResponse, error) {
	return run(ctx, b, req, b.good.ListLicenseDevices)
}

func (b *bugged) ListLicenseContents(
	ctx context.Context, req *pb.ListLicenseContentsRequest,
) (*pb.ListLicenseContentsResponse, error) {
	return run(ctx, b, req, b.good.ListLicenseContents)
}

func (b *bugged) ListContentUsers(
	ctx context.Context, req *pb.ListContentUsersRequest,
) (*pb.ListContentUsersResponse, error) {
	return run(ctx, b, req, b.good.ListContentUsers)
}

func (b *bugged) ListPackagings(
	ctx context.Context, req *pb.ListPackagingsRequest,
) (*pb.ListPackagingsResponse, error) {
	return run(ctx, b, req, b.good.ListPackagings)
}

func (b *bugged) GetUsage(ctx context.Context, req *pb.GetUsageRequest) (*pb.Usage, error) {
	return run(ctx, b, req, b.good.GetUsage)
}
