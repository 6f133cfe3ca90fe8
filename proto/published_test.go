package contract_test

import (
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// An rpc is what clients and scripts depend on.
type rpc struct {
	rest    string // The verb and path.
	body    string // The field that is the body, or "*" for the whole request.
	scope   string
	mutates bool // It changes something at a vendor, so it takes request_id and validate_only.
}

// promised are the published RPCs by service and name. A service's line has its scope. An RPC's
// line has the access, the REST verb and path, and the body. The access "mutate" is "write" for an
// RPC that takes request_id and validate_only.
var promised = parse(`
VendorService vendors
	ListVendors read GET /v1/vendors
	GetVendor read GET /v1/{name=vendors/*}
	CheckVendor read POST /v1/{name=vendors/*}:check *

SiteService sites
	ListSites read GET /v1/{parent=vendors/*}/sites
	GetSite read GET /v1/{name=vendors/*/sites/*}
	UpdateSite mutate PATCH /v1/{site.name=vendors/*/sites/*} site
	CreateSiteOrder mutate POST /v1/{parent=vendors/*}/siteOrders site_order
	ListSiteOrders read GET /v1/{parent=vendors/*}/siteOrders
	GetSiteOrder read GET /v1/{name=vendors/*/siteOrders/*}
	DisableSite mutate POST /v1/{name=vendors/*/sites/*}:disable *
	EnableSite mutate POST /v1/{name=vendors/*/sites/*}:enable *
	ExtendTrial mutate POST /v1/{name=vendors/*/sites/*}:extendTrial *
	ListStatusChanges read GET /v1/{parent=vendors/*/sites/*}/statusChanges
	CancelStatusChange mutate POST /v1/{name=vendors/*/sites/*/statusChanges/*}:cancel *
	GetIntegration read GET /v1/{name=vendors/*/sites/*/integration}
	UpdateIntegration mutate PATCH /v1/{integration.name=vendors/*/sites/*/integration} integration
	RegisterFairPlayCertificate mutate POST /v1/{name=vendors/*/sites/*}:registerFairPlayCertificate *

LicenseService licenses
	ListLicenses read GET /v1/{parent=vendors/*/sites/*}/licenses
	StreamLicenses read GET /v1/{parent=vendors/*/sites/*}/licenses:stream
	ListLicenseUsers read GET /v1/{parent=vendors/*/sites/*}/licenseUsers
	ListLicenseDevices read GET /v1/{parent=vendors/*/sites/*}/licenseDevices
	ListLicenseContents read GET /v1/{parent=vendors/*/sites/*}/licenseContents
	ListContentUsers read GET /v1/{parent=vendors/*/sites/*}/contentUsers
	ListPackagings read GET /v1/{parent=vendors/*/sites/*}/packagings
	GetUsage read GET /v1/{name=vendors/*/sites/*/usage}

MemberService members
	ListMembers read GET /v1/{parent=vendors/*}/members
	CreateMember mutate POST /v1/{parent=vendors/*}/members member
	UpdateMember mutate PATCH /v1/{member.name=vendors/*/members/*} member
	ResetMemberPassword mutate POST /v1/{name=vendors/*/members/*}:resetPassword *

DrmAccountService drm-accounts
	ListDrmAccounts read GET /v1/{parent=vendors/*}/drmAccounts
	GetDrmAccount read GET /v1/{name=vendors/*/drmAccounts/*}
	CreateDrmAccount mutate POST /v1/{parent=vendors/*}/drmAccounts drm_account
	DeleteDrmAccountDevice mutate DELETE /v1/{name=vendors/*/drmAccounts/*/devices/*}

ProductLicenseService product-licenses
	ListProducts read GET /v1/{parent=vendors/*}/products
	GetProduct read GET /v1/{name=vendors/*/products/*}
	CreateProduct mutate POST /v1/{parent=vendors/*}/products product
	UpdateProduct mutate PATCH /v1/{product.name=vendors/*/products/*} product
	ListProductLicenses read GET /v1/{parent=vendors/*}/productLicenses
	GetProductLicense read GET /v1/{name=vendors/*/productLicenses/*}
	CreateProductLicense mutate POST /v1/{parent=vendors/*}/productLicenses product_license
	DeleteProductLicense mutate DELETE /v1/{name=vendors/*/productLicenses/*}
	BatchCreateProductLicenses mutate POST /v1/{parent=vendors/*}/productLicenses:batchCreate *
	BatchDeleteProductLicenses mutate POST /v1/{parent=vendors/*}/productLicenses:batchDelete *
	ReplaceProductLicense mutate POST /v1/{name=vendors/*/productLicenses/*}:replace *

MutationService mutations
	ListMutations read GET /v1/mutations
	GetMutation read GET /v1/{name=mutations/*}
	SettleMutation write POST /v1/{name=mutations/*}:settle *
	ResendMutation mutate POST /v1/{name=mutations/*}:resend *

AuditService audit
	ListAuditEvents read GET /v1/auditEvents
`)

// parse reads the table of published RPCs.
func parse(table string) map[string]rpc {
	all := map[string]rpc{}
	var service, collection string
	for line := range strings.Lines(table) {
		switch words := strings.Fields(line); len(words) {
		case 0:
		case 2:
			service, collection = words[0], words[1]
		case 4, 5:
			access, body := strings.Replace(words[1], "mutate", "write", 1), strings.Join(words[4:], "")
			rest := words[2] + " " + words[3]
			all[service+"/"+words[0]] = rpc{rest, body, collection + ":" + access, words[1] == "mutate"}
		default:
			panic("a line of the table has the wrong number of words: " + line)
		}
	}
	return all
}

// short returns the name of an RPC in the table.
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

// binding returns the REST binding of an RPC, or empty strings without one.
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
