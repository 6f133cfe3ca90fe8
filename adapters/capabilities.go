package adapters

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// A capability is an interface with one method, and that method is the RPC's: what it takes,
// answers and owes is said at the RPC in the proto. An adapter has the capabilities whose
// interfaces it satisfies, and nothing lists them by hand.

// Sites.
type (
	// SiteLister answers ListSites.
	SiteLister interface {
		ListSites(context.Context, *pb.ListSitesRequest) (*pb.ListSitesResponse, error)
	}

	// SiteGetter answers GetSite.
	SiteGetter interface {
		GetSite(context.Context, *pb.GetSiteRequest) (*pb.Site, error)
	}

	// SiteUpdater answers UpdateSite.
	SiteUpdater interface {
		UpdateSite(context.Context, *pb.UpdateSiteRequest) (*pb.Site, error)
	}

	// SiteOrderCreator answers CreateSiteOrder.
	SiteOrderCreator interface {
		CreateSiteOrder(context.Context, *pb.CreateSiteOrderRequest) (*pb.SiteOrder, error)
	}

	// SiteOrderLister answers ListSiteOrders.
	SiteOrderLister interface {
		ListSiteOrders(context.Context, *pb.ListSiteOrdersRequest) (*pb.ListSiteOrdersResponse, error)
	}

	// SiteOrderGetter answers GetSiteOrder.
	SiteOrderGetter interface {
		GetSiteOrder(context.Context, *pb.GetSiteOrderRequest) (*pb.SiteOrder, error)
	}

	// SiteDisabler answers DisableSite.
	SiteDisabler interface {
		DisableSite(context.Context, *pb.DisableSiteRequest) (*pb.StatusChange, error)
	}

	// SiteEnabler answers EnableSite.
	SiteEnabler interface {
		EnableSite(context.Context, *pb.EnableSiteRequest) (*pb.StatusChange, error)
	}

	// TrialExtender answers ExtendTrial.
	TrialExtender interface {
		ExtendTrial(context.Context, *pb.ExtendTrialRequest) (*pb.StatusChange, error)
	}

	// StatusChangeLister answers ListStatusChanges.
	StatusChangeLister interface {
		ListStatusChanges(context.Context, *pb.ListStatusChangesRequest) (*pb.ListStatusChangesResponse, error)
	}

	// StatusChangeCanceller answers CancelStatusChange.
	StatusChangeCanceller interface {
		CancelStatusChange(context.Context, *pb.CancelStatusChangeRequest) (*pb.StatusChange, error)
	}

	// IntegrationGetter answers GetIntegration.
	IntegrationGetter interface {
		GetIntegration(context.Context, *pb.GetIntegrationRequest) (*pb.Integration, error)
	}

	// IntegrationUpdater answers UpdateIntegration.
	IntegrationUpdater interface {
		UpdateIntegration(context.Context, *pb.UpdateIntegrationRequest) (*pb.Integration, error)
	}

	// FairPlayCertificateRegistrar answers RegisterFairPlayCertificate.
	FairPlayCertificateRegistrar interface {
		RegisterFairPlayCertificate(context.Context, *pb.RegisterFairPlayCertificateRequest) (*pb.FairPlayCertificate, error)
	}
)

// Licenses.
type (
	// LicenseLister answers ListLicenses.
	LicenseLister interface {
		ListLicenses(context.Context, *pb.ListLicensesRequest) (*pb.ListLicensesResponse, error)
	}

	// LicenseStreamer answers StreamLicenses.
	LicenseStreamer interface {
		StreamLicenses(*pb.StreamLicensesRequest, grpc.ServerStreamingServer[pb.StreamLicensesResponse]) error
	}

	// LicenseUserLister answers ListLicenseUsers.
	LicenseUserLister interface {
		ListLicenseUsers(context.Context, *pb.ListLicenseUsersRequest) (*pb.ListLicenseUsersResponse, error)
	}

	// LicenseDeviceLister answers ListLicenseDevices.
	LicenseDeviceLister interface {
		ListLicenseDevices(context.Context, *pb.ListLicenseDevicesRequest) (*pb.ListLicenseDevicesResponse, error)
	}

	// LicenseContentLister answers ListLicenseContents.
	LicenseContentLister interface {
		ListLicenseContents(context.Context, *pb.ListLicenseContentsRequest) (*pb.ListLicenseContentsResponse, error)
	}

	// ContentUserLister answers ListContentUsers.
	ContentUserLister interface {
		ListContentUsers(context.Context, *pb.ListContentUsersRequest) (*pb.ListContentUsersResponse, error)
	}

	// PackagingLister answers ListPackagings.
	PackagingLister interface {
		ListPackagings(context.Context, *pb.ListPackagingsRequest) (*pb.ListPackagingsResponse, error)
	}

	// UsageGetter answers GetUsage.
	UsageGetter interface {
		GetUsage(context.Context, *pb.GetUsageRequest) (*pb.Usage, error)
	}
)

// Members.
type (
	// MemberLister answers ListMembers.
	MemberLister interface {
		ListMembers(context.Context, *pb.ListMembersRequest) (*pb.ListMembersResponse, error)
	}

	// MemberCreator answers CreateMember.
	MemberCreator interface {
		CreateMember(context.Context, *pb.CreateMemberRequest) (*pb.Member, error)
	}

	// MemberUpdater answers UpdateMember.
	MemberUpdater interface {
		UpdateMember(context.Context, *pb.UpdateMemberRequest) (*pb.Member, error)
	}

	// MemberPasswordResetter answers ResetMemberPassword.
	MemberPasswordResetter interface {
		ResetMemberPassword(context.Context, *pb.ResetMemberPasswordRequest) (*pb.ResetMemberPasswordResponse, error)
	}
)

// DRM accounts.
type (
	// DrmAccountLister answers ListDrmAccounts.
	DrmAccountLister interface {
		ListDrmAccounts(context.Context, *pb.ListDrmAccountsRequest) (*pb.ListDrmAccountsResponse, error)
	}

	// DrmAccountGetter answers GetDrmAccount.
	DrmAccountGetter interface {
		GetDrmAccount(context.Context, *pb.GetDrmAccountRequest) (*pb.DrmAccount, error)
	}

	// DrmAccountCreator answers CreateDrmAccount.
	DrmAccountCreator interface {
		CreateDrmAccount(context.Context, *pb.CreateDrmAccountRequest) (*pb.DrmAccount, error)
	}

	// DrmAccountDeviceDeleter answers DeleteDrmAccountDevice.
	DrmAccountDeviceDeleter interface {
		DeleteDrmAccountDevice(context.Context, *pb.DeleteDrmAccountDeviceRequest) (*pb.DrmAccountDevice, error)
	}
)

// Product licenses.
type (
	// ProductLister answers ListProducts.
	ProductLister interface {
		ListProducts(context.Context, *pb.ListProductsRequest) (*pb.ListProductsResponse, error)
	}

	// ProductGetter answers GetProduct.
	ProductGetter interface {
		GetProduct(context.Context, *pb.GetProductRequest) (*pb.Product, error)
	}

	// ProductCreator answers CreateProduct.
	ProductCreator interface {
		CreateProduct(context.Context, *pb.CreateProductRequest) (*pb.Product, error)
	}

	// ProductUpdater answers UpdateProduct.
	ProductUpdater interface {
		UpdateProduct(context.Context, *pb.UpdateProductRequest) (*pb.Product, error)
	}

	// ProductLicenseLister answers ListProductLicenses.
	ProductLicenseLister interface {
		ListProductLicenses(context.Context, *pb.ListProductLicensesRequest) (*pb.ListProductLicensesResponse, error)
	}

	// ProductLicenseGetter answers GetProductLicense.
	ProductLicenseGetter interface {
		GetProductLicense(context.Context, *pb.GetProductLicenseRequest) (*pb.ProductLicense, error)
	}

	// ProductLicenseCreator answers CreateProductLicense.
	ProductLicenseCreator interface {
		CreateProductLicense(context.Context, *pb.CreateProductLicenseRequest) (*pb.ProductLicense, error)
	}

	// ProductLicenseDeleter answers DeleteProductLicense.
	ProductLicenseDeleter interface {
		DeleteProductLicense(context.Context, *pb.DeleteProductLicenseRequest) (*emptypb.Empty, error)
	}

	// ProductLicenseBatchCreator answers BatchCreateProductLicenses.
	ProductLicenseBatchCreator interface {
		BatchCreateProductLicenses(context.Context, *pb.BatchCreateProductLicensesRequest) (*pb.BatchCreateProductLicensesResponse, error)
	}

	// ProductLicenseBatchDeleter answers BatchDeleteProductLicenses.
	ProductLicenseBatchDeleter interface {
		BatchDeleteProductLicenses(context.Context, *pb.BatchDeleteProductLicensesRequest) (*pb.BatchDeleteProductLicensesResponse, error)
	}

	// ProductLicenseReplacer answers ReplaceProductLicense.
	ProductLicenseReplacer interface {
		ReplaceProductLicense(context.Context, *pb.ReplaceProductLicenseRequest) (*pb.ProductLicense, error)
	}
)
