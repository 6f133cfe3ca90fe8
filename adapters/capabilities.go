package adapters

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// A capability is an interface with one method, and that method has the RPC's signature. The RPC's
// comment in the proto says what it does. An adapter has the capabilities whose interfaces it
// satisfies. rpcs pairs each interface with its RPC.

// Sites.
type (
	// A SiteLister implements ListSites.
	SiteLister interface {
		ListSites(context.Context, *pb.ListSitesRequest) (*pb.ListSitesResponse, error)
	}

	// A SiteGetter implements GetSite.
	SiteGetter interface {
		GetSite(context.Context, *pb.GetSiteRequest) (*pb.Site, error)
	}

	// A SiteUpdater implements UpdateSite.
	SiteUpdater interface {
		UpdateSite(context.Context, *pb.UpdateSiteRequest) (*pb.Site, error)
	}

	// A SiteOrderCreator implements CreateSiteOrder.
	SiteOrderCreator interface {
		CreateSiteOrder(context.Context, *pb.CreateSiteOrderRequest) (*pb.SiteOrder, error)
	}

	// A SiteOrderLister implements ListSiteOrders.
	SiteOrderLister interface {
		ListSiteOrders(context.Context, *pb.ListSiteOrdersRequest) (*pb.ListSiteOrdersResponse, error)
	}

	// A SiteOrderGetter implements GetSiteOrder.
	SiteOrderGetter interface {
		GetSiteOrder(context.Context, *pb.GetSiteOrderRequest) (*pb.SiteOrder, error)
	}

	// A SiteDisabler implements DisableSite.
	SiteDisabler interface {
		DisableSite(context.Context, *pb.DisableSiteRequest) (*pb.StatusChange, error)
	}

	// A SiteEnabler implements EnableSite.
	SiteEnabler interface {
		EnableSite(context.Context, *pb.EnableSiteRequest) (*pb.StatusChange, error)
	}

	// A TrialExtender implements ExtendTrial.
	TrialExtender interface {
		ExtendTrial(context.Context, *pb.ExtendTrialRequest) (*pb.StatusChange, error)
	}

	// A StatusChangeLister implements ListStatusChanges.
	StatusChangeLister interface {
		ListStatusChanges(context.Context, *pb.ListStatusChangesRequest) (*pb.ListStatusChangesResponse, error)
	}

	// A StatusChangeCanceller implements CancelStatusChange.
	StatusChangeCanceller interface {
		CancelStatusChange(context.Context, *pb.CancelStatusChangeRequest) (*pb.StatusChange, error)
	}

	// An IntegrationGetter implements GetIntegration.
	IntegrationGetter interface {
		GetIntegration(context.Context, *pb.GetIntegrationRequest) (*pb.Integration, error)
	}

	// An IntegrationUpdater implements UpdateIntegration.
	IntegrationUpdater interface {
		UpdateIntegration(context.Context, *pb.UpdateIntegrationRequest) (*pb.Integration, error)
	}

	// A FairPlayCertificateGetter implements GetFairPlayCertificate.
	FairPlayCertificateGetter interface {
		GetFairPlayCertificate(context.Context, *pb.GetFairPlayCertificateRequest) (*pb.FairPlayCertificate, error)
	}

	// A FairPlayCertificateRegistrar implements RegisterFairPlayCertificate.
	FairPlayCertificateRegistrar interface {
		RegisterFairPlayCertificate(
			context.Context, *pb.RegisterFairPlayCertificateRequest,
		) (*pb.FairPlayCertificate, error)
	}
)

// Licenses.
type (
	// A LicenseLister implements ListLicenses.
	LicenseLister interface {
		ListLicenses(context.Context, *pb.ListLicensesRequest) (*pb.ListLicensesResponse, error)
	}

	// A LicenseStreamer implements StreamLicenses.
	LicenseStreamer interface {
		StreamLicenses(*pb.StreamLicensesRequest, grpc.ServerStreamingServer[pb.StreamLicensesResponse]) error
	}

	// A LicenseUserLister implements ListLicenseUsers.
	LicenseUserLister interface {
		ListLicenseUsers(context.Context, *pb.ListLicenseUsersRequest) (*pb.ListLicenseUsersResponse, error)
	}

	// A LicenseDeviceLister implements ListLicenseDevices.
	LicenseDeviceLister interface {
		ListLicenseDevices(context.Context, *pb.ListLicenseDevicesRequest) (*pb.ListLicenseDevicesResponse, error)
	}

	// A LicenseContentLister implements ListLicenseContents.
	LicenseContentLister interface {
		ListLicenseContents(context.Context, *pb.ListLicenseContentsRequest) (*pb.ListLicenseContentsResponse, error)
	}

	// A ContentUserLister implements ListContentUsers.
	ContentUserLister interface {
		ListContentUsers(context.Context, *pb.ListContentUsersRequest) (*pb.ListContentUsersResponse, error)
	}

	// A PackagingLister implements ListPackagings.
	PackagingLister interface {
		ListPackagings(context.Context, *pb.ListPackagingsRequest) (*pb.ListPackagingsResponse, error)
	}

	// A UsageGetter implements GetUsage.
	UsageGetter interface {
		GetUsage(context.Context, *pb.GetUsageRequest) (*pb.Usage, error)
	}
)

// Members.
type (
	// A MemberLister implements ListMembers.
	MemberLister interface {
		ListMembers(context.Context, *pb.ListMembersRequest) (*pb.ListMembersResponse, error)
	}

	// A MemberCreator implements CreateMember.
	MemberCreator interface {
		CreateMember(context.Context, *pb.CreateMemberRequest) (*pb.Member, error)
	}

	// A MemberUpdater implements UpdateMember.
	MemberUpdater interface {
		UpdateMember(context.Context, *pb.UpdateMemberRequest) (*pb.Member, error)
	}

	// A MemberPasswordResetter implements ResetMemberPassword.
	MemberPasswordResetter interface {
		ResetMemberPassword(context.Context, *pb.ResetMemberPasswordRequest) (*pb.ResetMemberPasswordResponse, error)
	}
)

// DRM accounts.
type (
	// A DrmAccountLister implements ListDrmAccounts.
	DrmAccountLister interface {
		ListDrmAccounts(context.Context, *pb.ListDrmAccountsRequest) (*pb.ListDrmAccountsResponse, error)
	}

	// A DrmAccountGetter implements GetDrmAccount.
	DrmAccountGetter interface {
		GetDrmAccount(context.Context, *pb.GetDrmAccountRequest) (*pb.DrmAccount, error)
	}

	// A DrmAccountCreator implements CreateDrmAccount.
	DrmAccountCreator interface {
		CreateDrmAccount(context.Context, *pb.CreateDrmAccountRequest) (*pb.DrmAccount, error)
	}

	// A DrmAccountDeviceDeleter implements DeleteDrmAccountDevice.
	DrmAccountDeviceDeleter interface {
		DeleteDrmAccountDevice(context.Context, *pb.DeleteDrmAccountDeviceRequest) (*pb.DrmAccountDevice, error)
	}
)

// Product licenses.
type (
	// A ProductLister implements ListProducts.
	ProductLister interface {
		ListProducts(context.Context, *pb.ListProductsRequest) (*pb.ListProductsResponse, error)
	}

	// A ProductGetter implements GetProduct.
	ProductGetter interface {
		GetProduct(context.Context, *pb.GetProductRequest) (*pb.Product, error)
	}

	// A ProductCreator implements CreateProduct.
	ProductCreator interface {
		CreateProduct(context.Context, *pb.CreateProductRequest) (*pb.Product, error)
	}

	// A ProductUpdater implements UpdateProduct.
	ProductUpdater interface {
		UpdateProduct(context.Context, *pb.UpdateProductRequest) (*pb.Product, error)
	}

	// A ProductLicenseLister implements ListProductLicenses.
	ProductLicenseLister interface {
		ListProductLicenses(context.Context, *pb.ListProductLicensesRequest) (*pb.ListProductLicensesResponse, error)
	}

	// A ProductLicenseGetter implements GetProductLicense.
	ProductLicenseGetter interface {
		GetProductLicense(context.Context, *pb.GetProductLicenseRequest) (*pb.ProductLicense, error)
	}

	// A ProductLicenseCreator implements CreateProductLicense.
	ProductLicenseCreator interface {
		CreateProductLicense(context.Context, *pb.CreateProductLicenseRequest) (*pb.ProductLicense, error)
	}

	// A ProductLicenseDeleter implements DeleteProductLicense.
	ProductLicenseDeleter interface {
		DeleteProductLicense(context.Context, *pb.DeleteProductLicenseRequest) (*emptypb.Empty, error)
	}

	// A ProductLicenseBatchCreator implements BatchCreateProductLicenses.
	ProductLicenseBatchCreator interface {
		BatchCreateProductLicenses(
			context.Context, *pb.BatchCreateProductLicensesRequest,
		) (*pb.BatchCreateProductLicensesResponse, error)
	}

	// A ProductLicenseBatchDeleter implements BatchDeleteProductLicenses.
	ProductLicenseBatchDeleter interface {
		BatchDeleteProductLicenses(
			context.Context, *pb.BatchDeleteProductLicensesRequest,
		) (*pb.BatchDeleteProductLicensesResponse, error)
	}

	// A ProductLicenseReplacer implements ReplaceProductLicense.
	ProductLicenseReplacer interface {
		ReplaceProductLicense(context.Context, *pb.ReplaceProductLicenseRequest) (*pb.ProductLicense, error)
	}
)
