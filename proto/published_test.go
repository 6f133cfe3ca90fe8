package contract_test

import (
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// rpc is what clients and scripts depend on.
type rpc struct {
	rest    string // verb and path
	body    string // the field that the body is, "*" for the whole request
	scope   string
	mutates bool // it changes something at a vendor, so it takes request_id and validate_only
}

var promised = map[string]rpc{
	"VendorService/ListVendors": {"GET /v1/vendors", "", "vendors:read", false},
	"VendorService/GetVendor":   {"GET /v1/{name=vendors/*}", "", "vendors:read", false},
	"VendorService/CheckVendor": {"POST /v1/{name=vendors/*}:check", "*", "vendors:read", false},

	"SiteService/ListSites":                   {"GET /v1/{parent=vendors/*}/sites", "", "sites:read", false},
	"SiteService/GetSite":                     {"GET /v1/{name=vendors/*/sites/*}", "", "sites:read", false},
	"SiteService/UpdateSite":                  {"PATCH /v1/{site.name=vendors/*/sites/*}", "site", "sites:write", true},
	"SiteService/CreateSiteOrder":             {"POST /v1/{parent=vendors/*}/siteOrders", "site_order", "sites:write", true},
	"SiteService/ListSiteOrders":              {"GET /v1/{parent=vendors/*}/siteOrders", "", "sites:read", false},
	"SiteService/GetSiteOrder":                {"GET /v1/{name=vendors/*/siteOrders/*}", "", "sites:read", false},
	"SiteService/DisableSite":                 {"POST /v1/{name=vendors/*/sites/*}:disable", "*", "sites:write", true},
	"SiteService/EnableSite":                  {"POST /v1/{name=vendors/*/sites/*}:enable", "*", "sites:write", true},
	"SiteService/ExtendTrial":                 {"POST /v1/{name=vendors/*/sites/*}:extendTrial", "*", "sites:write", true},
	"SiteService/ListStatusChanges":           {"GET /v1/{parent=vendors/*/sites/*}/statusChanges", "", "sites:read", false},
	"SiteService/CancelStatusChange":          {"POST /v1/{name=vendors/*/sites/*/statusChanges/*}:cancel", "*", "sites:write", true},
	"SiteService/GetIntegration":              {"GET /v1/{name=vendors/*/sites/*/integration}", "", "sites:read", false},
	"SiteService/UpdateIntegration":           {"PATCH /v1/{integration.name=vendors/*/sites/*/integration}", "integration", "sites:write", true},
	"SiteService/RegisterFairPlayCertificate": {"POST /v1/{name=vendors/*/sites/*}:registerFairPlayCertificate", "*", "sites:write", true},

	"LicenseService/ListLicenses":        {"GET /v1/{parent=vendors/*/sites/*}/licenses", "", "licenses:read", false},
	"LicenseService/StreamLicenses":      {"GET /v1/{parent=vendors/*/sites/*}/licenses:stream", "", "licenses:read", false},
	"LicenseService/ListLicenseUsers":    {"GET /v1/{parent=vendors/*/sites/*}/licenseUsers", "", "licenses:read", false},
	"LicenseService/ListLicenseDevices":  {"GET /v1/{parent=vendors/*/sites/*}/licenseDevices", "", "licenses:read", false},
	"LicenseService/ListLicenseContents": {"GET /v1/{parent=vendors/*/sites/*}/licenseContents", "", "licenses:read", false},
	"LicenseService/ListContentUsers":    {"GET /v1/{parent=vendors/*/sites/*}/contentUsers", "", "licenses:read", false},
	"LicenseService/ListPackagings":      {"GET /v1/{parent=vendors/*/sites/*}/packagings", "", "licenses:read", false},
	"LicenseService/GetUsage":            {"GET /v1/{name=vendors/*/sites/*/usage}", "", "licenses:read", false},

	"MemberService/ListMembers":         {"GET /v1/{parent=vendors/*}/members", "", "members:read", false},
	"MemberService/CreateMember":        {"POST /v1/{parent=vendors/*}/members", "member", "members:write", true},
	"MemberService/UpdateMember":        {"PATCH /v1/{member.name=vendors/*/members/*}", "member", "members:write", true},
	"MemberService/ResetMemberPassword": {"POST /v1/{name=vendors/*/members/*}:resetPassword", "*", "members:write", true},

	"DrmAccountService/ListDrmAccounts":        {"GET /v1/{parent=vendors/*}/drmAccounts", "", "drm-accounts:read", false},
	"DrmAccountService/GetDrmAccount":          {"GET /v1/{name=vendors/*/drmAccounts/*}", "", "drm-accounts:read", false},
	"DrmAccountService/CreateDrmAccount":       {"POST /v1/{parent=vendors/*}/drmAccounts", "drm_account", "drm-accounts:write", true},
	"DrmAccountService/DeleteDrmAccountDevice": {"DELETE /v1/{name=vendors/*/drmAccounts/*/devices/*}", "", "drm-accounts:write", true},

	"ProductLicenseService/ListProducts":               {"GET /v1/{parent=vendors/*}/products", "", "product-licenses:read", false},
	"ProductLicenseService/GetProduct":                 {"GET /v1/{name=vendors/*/products/*}", "", "product-licenses:read", false},
	"ProductLicenseService/CreateProduct":              {"POST /v1/{parent=vendors/*}/products", "product", "product-licenses:write", true},
	"ProductLicenseService/UpdateProduct":              {"PATCH /v1/{product.name=vendors/*/products/*}", "product", "product-licenses:write", true},
	"ProductLicenseService/ListProductLicenses":        {"GET /v1/{parent=vendors/*}/productLicenses", "", "product-licenses:read", false},
	"ProductLicenseService/GetProductLicense":          {"GET /v1/{name=vendors/*/productLicenses/*}", "", "product-licenses:read", false},
	"ProductLicenseService/CreateProductLicense":       {"POST /v1/{parent=vendors/*}/productLicenses", "product_license", "product-licenses:write", true},
	"ProductLicenseService/DeleteProductLicense":       {"DELETE /v1/{name=vendors/*/productLicenses/*}", "", "product-licenses:write", true},
	"ProductLicenseService/BatchCreateProductLicenses": {"POST /v1/{parent=vendors/*}/productLicenses:batchCreate", "*", "product-licenses:write", true},
	"ProductLicenseService/BatchDeleteProductLicenses": {"POST /v1/{parent=vendors/*}/productLicenses:batchDelete", "*", "product-licenses:write", true},
	"ProductLicenseService/ReplaceProductLicense":      {"POST /v1/{name=vendors/*/productLicenses/*}:replace", "*", "product-licenses:write", true},

	"MutationService/ListMutations":  {"GET /v1/mutations", "", "mutations:read", false},
	"MutationService/GetMutation":    {"GET /v1/{name=mutations/*}", "", "mutations:read", false},
	"MutationService/SettleMutation": {"POST /v1/{name=mutations/*}:settle", "*", "mutations:write", false},
	"MutationService/ResendMutation": {"POST /v1/{name=mutations/*}:resend", "*", "mutations:write", true},

	"AuditService/ListAuditEvents": {"GET /v1/auditEvents", "", "audit:read", false},
}

// short is how the table names an RPC.
func short(m protoreflect.MethodDescriptor) string {
	return strings.TrimPrefix(string(m.Parent().FullName())+"/"+string(m.Name()), "drmhub.v1.")
}

func published(c contract, bad complaint) {
	missing := map[string]bool{}
	for name := range promised {
		missing[name] = true
	}
	for m := range c.methods() {
		want, ok := promised[short(m)]
		if !ok {
			bad(m, "is not in the table of what is published")
			continue
		}
		delete(missing, short(m))
		verb, path, body := binding(m)
		if rest := verb + " " + path; rest != want.rest || body != want.body {
			bad(m, "is %s with the body %q, published as %s with %q", rest, body, want.rest, want.body)
		}
		if got := scope(m); got != want.scope {
			bad(m, "takes the scope %q, published as %q", got, want.scope)
		}
	}
	for name := range missing {
		bad(c[0], "has no %s, which is published", name)
	}
}

// binding is how REST reaches an RPC; empty where it does not.
func binding(m protoreflect.MethodDescriptor) (verb, path, body string) {
	switch h := http(m); p := h.GetPattern().(type) {
	case *annotations.HttpRule_Get:
		return "GET", p.Get, h.GetBody()
	case *annotations.HttpRule_Post:
		return "POST", p.Post, h.GetBody()
	case *annotations.HttpRule_Put:
		return "PUT", p.Put, h.GetBody()
	case *annotations.HttpRule_Patch:
		return "PATCH", p.Patch, h.GetBody()
	case *annotations.HttpRule_Delete:
		return "DELETE", p.Delete, h.GetBody()
	default:
		return "", "", ""
	}
}

func http(m protoreflect.MethodDescriptor) *annotations.HttpRule {
	h, _ := proto.GetExtension(m.Options(), annotations.E_Http).(*annotations.HttpRule)
	return h
}

func scope(m protoreflect.MethodDescriptor) string {
	s, _ := proto.GetExtension(m.Options(), pb.E_Scope).(string)
	return s
}
