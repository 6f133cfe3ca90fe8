package adapters

import (
	"reflect"
	"slices"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// rpcs are the RPCs of the capabilities, by their full names. To look methods up by name while the
// program runs would keep every exported method of every type in it, which makes it a fifth larger.
var rpcs = map[reflect.Type]string{
	reflect.TypeFor[SiteLister]():                   pb.SiteService_ListSites_FullMethodName,
	reflect.TypeFor[SiteGetter]():                   pb.SiteService_GetSite_FullMethodName,
	reflect.TypeFor[SiteUpdater]():                  pb.SiteService_UpdateSite_FullMethodName,
	reflect.TypeFor[SiteOrderCreator]():             pb.SiteService_CreateSiteOrder_FullMethodName,
	reflect.TypeFor[SiteOrderLister]():              pb.SiteService_ListSiteOrders_FullMethodName,
	reflect.TypeFor[SiteOrderGetter]():              pb.SiteService_GetSiteOrder_FullMethodName,
	reflect.TypeFor[SiteDisabler]():                 pb.SiteService_DisableSite_FullMethodName,
	reflect.TypeFor[SiteEnabler]():                  pb.SiteService_EnableSite_FullMethodName,
	reflect.TypeFor[TrialExtender]():                pb.SiteService_ExtendTrial_FullMethodName,
	reflect.TypeFor[StatusChangeLister]():           pb.SiteService_ListStatusChanges_FullMethodName,
	reflect.TypeFor[StatusChangeCanceller]():        pb.SiteService_CancelStatusChange_FullMethodName,
	reflect.TypeFor[IntegrationGetter]():            pb.SiteService_GetIntegration_FullMethodName,
	reflect.TypeFor[IntegrationUpdater]():           pb.SiteService_UpdateIntegration_FullMethodName,
	reflect.TypeFor[FairPlayCertificateGetter]():    pb.SiteService_GetFairPlayCertificate_FullMethodName,
	reflect.TypeFor[FairPlayCertificateRegistrar](): pb.SiteService_RegisterFairPlayCertificate_FullMethodName,
	reflect.TypeFor[LicenseLister]():                pb.LicenseService_ListLicenses_FullMethodName,
	reflect.TypeFor[LicenseStreamer]():              pb.LicenseService_StreamLicenses_FullMethodName,
	reflect.TypeFor[LicenseUserLister]():            pb.LicenseService_ListLicenseUsers_FullMethodName,
	reflect.TypeFor[LicenseDeviceLister]():          pb.LicenseService_ListLicenseDevices_FullMethodName,
	reflect.TypeFor[LicenseContentLister]():         pb.LicenseService_ListLicenseContents_FullMethodName,
	reflect.TypeFor[ContentUserLister]():            pb.LicenseService_ListContentUsers_FullMethodName,
	reflect.TypeFor[PackagingLister]():              pb.LicenseService_ListPackagings_FullMethodName,
	reflect.TypeFor[UsageGetter]():                  pb.LicenseService_GetUsage_FullMethodName,
	reflect.TypeFor[MemberLister]():                 pb.MemberService_ListMembers_FullMethodName,
	reflect.TypeFor[MemberCreator]():                pb.MemberService_CreateMember_FullMethodName,
	reflect.TypeFor[MemberUpdater]():                pb.MemberService_UpdateMember_FullMethodName,
	reflect.TypeFor[MemberPasswordResetter]():       pb.MemberService_ResetMemberPassword_FullMethodName,
	reflect.TypeFor[DrmAccountLister]():             pb.DrmAccountService_ListDrmAccounts_FullMethodName,
	reflect.TypeFor[DrmAccountGetter]():             pb.DrmAccountService_GetDrmAccount_FullMethodName,
	reflect.TypeFor[DrmAccountCreator]():            pb.DrmAccountService_CreateDrmAccount_FullMethodName,
	reflect.TypeFor[DrmAccountDeviceDeleter]():      pb.DrmAccountService_DeleteDrmAccountDevice_FullMethodName,
	reflect.TypeFor[ProductLister]():                pb.ProductLicenseService_ListProducts_FullMethodName,
	reflect.TypeFor[ProductGetter]():                pb.ProductLicenseService_GetProduct_FullMethodName,
	reflect.TypeFor[ProductCreator]():               pb.ProductLicenseService_CreateProduct_FullMethodName,
	reflect.TypeFor[ProductUpdater]():               pb.ProductLicenseService_UpdateProduct_FullMethodName,
	reflect.TypeFor[ProductLicenseLister]():         pb.ProductLicenseService_ListProductLicenses_FullMethodName,
	reflect.TypeFor[ProductLicenseGetter]():         pb.ProductLicenseService_GetProductLicense_FullMethodName,
	reflect.TypeFor[ProductLicenseCreator]():        pb.ProductLicenseService_CreateProductLicense_FullMethodName,
	reflect.TypeFor[ProductLicenseDeleter]():        pb.ProductLicenseService_DeleteProductLicense_FullMethodName,
	reflect.TypeFor[ProductLicenseBatchCreator]():   pb.ProductLicenseService_BatchCreateProductLicenses_FullMethodName,
	reflect.TypeFor[ProductLicenseBatchDeleter]():   pb.ProductLicenseService_BatchDeleteProductLicenses_FullMethodName,
	reflect.TypeFor[ProductLicenseReplacer]():       pb.ProductLicenseService_ReplaceProductLicense_FullMethodName,
}

// RPCs returns the RPCs that an adapter has as capabilities and that its account supports, by their
// full names in order.
func RPCs(a Adapter) []string {
	unsupported := a.Describe().Unsupported
	var has []string
	for capability, rpc := range rpcs {
		if reflect.TypeOf(a).Implements(capability) && !slices.Contains(unsupported, rpc) {
			has = append(has, rpc)
		}
	}
	slices.Sort(has)
	return has
}

// As returns an adapter as the capability C, and reports whether the adapter has it and the account
// supports it.
func As[C any](a Adapter) (C, bool) {
	if c, ok := a.(C); ok {
		return c, !lists[C](a.Describe().Unsupported)
	}
	var none C
	return none, false
}

// AsUnless is As for a caller who knows the Unsupported of the adapter's description. It makes no
// description.
func AsUnless[C any](a Adapter, unsupported []string) (C, bool) {
	c, ok := a.(C)
	return c, ok && !lists[C](unsupported)
}

// lists reports whether the RPC of a capability is one of these.
func lists[C any](methods []string) bool {
	return len(methods) > 0 && slices.Contains(methods, rpcs[reflect.TypeFor[C]()])
}
