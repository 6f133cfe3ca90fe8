package contract_test

import (
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

type file = descriptorpb.FileDescriptorProto

const (
	audit    = "audit_service.proto"
	accounts = "drm_account_service.proto"
	licenses = "license_service.proto"
	member   = "member_service.proto"
	mutating = "mutation_service.proto"
	products = "product_license_service.proto"
	sites    = "site_service.proto"
	vendors  = "vendor_service.proto"
)

// breaks are ways to break the contract, and what the rule then says.
var breaks = []struct {
	rule, file string
	change     func(*file)
	want       string
}{
	{"one binding", member, func(f *file) { proto.ClearExtension(method(f, "ListMembers").Options, annotations.E_Http) }, "has no google.api.http"},
	{"one binding", member, func(f *file) {
		httpRule(f, "ListMembers").AdditionalBindings = []*annotations.HttpRule{{Pattern: &annotations.HttpRule_Get{Get: "/v1/members"}}}
	}, "has more than one path"},
	{"one binding", member, func(f *file) { get(f, "ListMembers", "/v2/{parent=vendors/*}/members") }, "does not begin with /v1/"},

	{"published", member, func(f *file) { get(f, "ListMembers", "/v1/{parent=vendors/*}/people") }, "published as GET /v1/{parent=vendors/*}/members"},
	{"published", member, func(f *file) { httpRule(f, "CreateMember").Body = "*" }, `published as POST /v1/{parent=vendors/*}/members with "member"`},
	{"published", member, func(f *file) { setScope(f, "ListMembers", "members:write") }, `published as "members:read"`},
	{"published", member, func(f *file) { method(f, "ListMembers").Name = new("ListPeople") }, "ListPeople is not in the table"},
	{"published", member, func(f *file) { f.Service[0].Method = f.Service[0].Method[1:] }, "has no MemberService/ListMembers, which is published"},

	{"standard methods", member, func(f *file) {
		httpRule(f, "ListMembers").Pattern = &annotations.HttpRule_Post{Post: "/v1/{parent=vendors/*}/members"}
	}, "ListMembers is POST"},
	{"standard methods", member, func(f *file) { httpRule(f, "CreateMember").Body = "*" }, `want POST with "member"`},
	{"standard methods", member, func(f *file) {
		httpRule(f, "UpdateMember").Pattern = &annotations.HttpRule_Put{Put: "/v1/{member.name=vendors/*/members/*}"}
	}, `want PATCH with "member"`},
	{"standard methods", member, func(f *file) {
		httpRule(f, "UpdateMember").Pattern = &annotations.HttpRule_Patch{Patch: "/v1/{parent=vendors/*}/members"}
	}, "which is not the resource's name"},
	{"standard methods", accounts, func(f *file) { httpRule(f, "DeleteDrmAccountDevice").Body = "*" }, `want DELETE with ""`},
	{"standard methods", member, func(f *file) { httpRule(f, "ResetMemberPassword").Body = "" }, `want POST with "*"`},
	{"standard methods", sites, func(f *file) {
		httpRule(f, "DisableSite").Pattern = &annotations.HttpRule_Post{Post: "/v1/{name=vendors/*/sites/*}:Disable"}
	}, "with a :verb at the end: true"},
	{"standard methods", licenses, func(f *file) { get(f, "StreamLicenses", "/v1/{parent=vendors/*/sites/*}/licenseStream") }, "want GET with \"\", with a :verb"},

	{"scopes", member, func(f *file) { proto.ClearExtension(method(f, "ListMembers").Options, pb.E_Scope) }, "want members:read or members:write"},
	{"scopes", member, func(f *file) { setScope(f, "ListMembers", "members:admin") }, `takes the scope "members:admin"`},
	{"scopes", sites, func(f *file) { setScope(f, "ListSites", "members:read") }, "want sites:read"},

	{"mutations", sites, func(f *file) { drop(f, "DisableSiteRequest", "validate_only") }, "lacks request_id or validate_only"},
	{"mutations", sites, func(f *file) { drop(f, "DisableSiteRequest", "request_id") }, "lacks request_id or validate_only"},
	{"mutations", vendors, func(f *file) { field(f, "CheckVendorRequest", "name").Name = new("request_id") }, "CheckVendor is no mutation"},
	{"mutations", sites, func(f *file) {
		retype(f, "DisableSiteRequest", "validate_only", descriptorpb.FieldDescriptorProto_TYPE_STRING)
	}, "a validate_only that is no bool"},
	{"mutations", sites, func(f *file) { setScope(f, "DisableSite", "sites:read") }, `is a mutation with the scope "sites:read"`},

	{"lists", member, func(f *file) { drop(f, "ListMembersRequest", "parent") }, "has a parent: false"},
	{"lists", member, func(f *file) {
		retype(f, "ListMembersRequest", "page_size", descriptorpb.FieldDescriptorProto_TYPE_INT64)
	}, "page_size is a int64"},
	{"lists", member, func(f *file) { drop(f, "ListMembersRequest", "page_token") }, "has a page_token: false"},
	{"lists", member, func(f *file) { drop(f, "ListMembersResponse", "next_page_token") }, "has a next_page_token: false"},
	{"lists", member, func(f *file) { drop(f, "ListMembersResponse", "unreachable") }, "has a unreachable: false"},
	{"lists", audit, func(f *file) { rename(f, "ListAuditEventsResponse", "next_page_token", "unreachable") }, "has a unreachable: true"},
	{"lists", member, func(f *file) { rename(f, "ListMembersResponse", "members", "items") }, "has no repeated members"},
	{"lists", member, func(f *file) { get(f, "ListMembers", "/v1/{parent=vendors/*}/people") }, `lists "people"`},

	{"field behavior", licenses, func(f *file) { silence(f, "GetUsageRequest", "date") }, "GetUsageRequest.date has no field_behavior"},
	{"field behavior", licenses, func(f *file) { silence(f, "LicenseFilter", "user_id") }, "LicenseFilter.user_id has no field_behavior"},
	{"field behavior", products, func(f *file) { silence(f, "ProductLicense.Renewal", "recurring") }, "Renewal.recurring has no field_behavior"},

	{"resources", member, func(f *file) { proto.ClearExtension(message(f, "Member").Options, annotations.E_Resource) }, `Member is the resource type "", want drmhub.v1/Member`},
	{"resources", member, func(f *file) { resourceOf(f, "Member").Type = "drmhub.v1/Person" }, `is the resource type "drmhub.v1/Person"`},
	{"resources", member, func(f *file) {
		resourceOf(f, "Member").Pattern = append(resourceOf(f, "Member").Pattern, "members/{member}")
	}, "want one of each"},
	{"resources", member, func(f *file) { resourceOf(f, "Member").Plural = "" }, "want one of each"},
	{"resources", member, func(f *file) { resourceOf(f, "Member").Singular = "" }, "want one of each"},
	{"resources", member, func(f *file) { resourceOf(f, "Member").Pattern[0] = "vendors/{vendor}/people/{member}" }, "which ends neither in its plural"},
	{"resources", member, func(f *file) { field(f, "Member", "name").Number = proto.Int32(99) }, "must have the field string name = 1"},
	{"resources", member, func(f *file) {
		proto.SetExtension(field(f, "Member", "name").Options, annotations.E_FieldBehavior, []annotations.FieldBehavior{annotations.FieldBehavior_OUTPUT_ONLY})
	}, "must have the field string name = 1, IDENTIFIER"},
	{"resources", accounts, func(f *file) {
		proto.ClearExtension(message(f, "DrmAccount").Options, annotations.E_Resource)
		drop(f, "DrmAccount", "name")
	}, "GetDrmAccount answers DrmAccount, which is no resource"},

	{"references", sites, func(f *file) {
		proto.ClearExtension(field(f, "GetSiteRequest", "name").Options, annotations.E_ResourceReference)
	}, "GetSiteRequest.name has no resource_reference"},
	{"references", sites, func(f *file) { reference(f, "StatusChange", "site").Type = "drmhub.v1/Place" }, "StatusChange.site refers to a type that there is not"},
	{"references", sites, func(f *file) { reference(f, "ListSitesRequest", "parent").ChildType = "drmhub.v1/Place" }, "ListSitesRequest.parent refers to a type that there is not"},

	{"paths", sites, func(f *file) { get(f, "GetSite", "/v1/{name=vendors/*/siteOrders/*}") }, "and the field \"vendors/*/sites/*\""},
	{"paths", sites, func(f *file) { reference(f, "ListSitesRequest", "parent").ChildType = "drmhub.v1/StatusChange" }, "takes vendors/* for parent in its path"},
	{"paths", member, func(f *file) { resourceOf(f, "Member").Pattern[0] = "members/{member}" }, "takes vendors/*/members/* for member.name"},

	{"enums", member, func(f *file) {
		f.EnumType = append(f.EnumType, &descriptorpb.EnumDescriptorProto{Name: new("Mood"), Value: []*descriptorpb.EnumValueDescriptorProto{{Name: new("MOOD_UNSPECIFIED"), Number: proto.Int32(0)}}})
	}, "Mood is not nested"},
	{"enums", member, func(f *file) { message(f, "Member").EnumType[1].Value[0].Name = new("NONE") }, "has the zero value NONE, want STATE_UNSPECIFIED"},
	{"enums", vendors, func(f *file) {
		message(f, "Vendor.Capability").EnumType[0].Value[1].Name = new("SUPPORT_NATIVE")
	}, "repeats the enum's name"},

	{"vendors' words", sites, func(f *file) { drop(f, "Site", "vendor_state") }, "Site.state has no string vendor_state"},
	{"vendors' words", sites, func(f *file) { retype(f, "StatusChange", "vendor_type", descriptorpb.FieldDescriptorProto_TYPE_INT32) }, "StatusChange.type has no string vendor_type"},
	{"vendors' words", mutating, func(f *file) { drop(f, "Mutation", "state") }, "needs no exemption for drmhub.v1.Mutation.state"},

	{"times", sites, func(f *file) { rename(f, "Site", "create_time", "created") }, "Site.created is an instant by its name or by its type"},
	{"times", sites, func(f *file) { rename(f, "Site", "policy_id", "start_time") }, "Site.start_time is an instant"},
	{"times", sites, func(f *file) { rename(f, "Integration", "token_duration", "token_life") }, "is a length of time"},
	{"times", sites, func(f *file) { rename(f, "Integration", "iv", "iv_duration") }, "is a length of time"},
	{"times", member, func(f *file) { retype(f, "Member", "create_date", descriptorpb.FieldDescriptorProto_TYPE_INT32) }, "is a calendar day"},
	{"times", licenses, func(f *file) { rename(f, "LicenseUser", "license_count", "license_ttl") }, "tells a time by its unit"},

	{"numbers", licenses, func(f *file) { retype(f, "LicenseUser", "license_count", descriptorpb.FieldDescriptorProto_TYPE_INT64) }, "is a int64, want int32"},
	{"numbers", licenses, func(f *file) { retype(f, "LicenseUser", "license_count", descriptorpb.FieldDescriptorProto_TYPE_FLOAT) }, "is a float, want int32"},
	{"numbers", vendors, func(f *file) { drop(f, "Vendor.Limits", "requests_per_second") }, "needs fewer exemptions"},

	{"secrets", accounts, func(f *file) { field(f, "DrmAccount", "password").Options.DebugRedact = nil }, "DrmAccount.password is a secret, and not debug_redact"},
	{"secrets", accounts, func(f *file) { field(f, "DrmAccount", "customer").Options.DebugRedact = new(true) }, "not in the list of secrets"},
	{"secrets", accounts, func(f *file) { rename(f, "DrmAccount", "customer", "shared_secret") }, "sounds like a secret"},
	{"secrets", accounts, func(f *file) { drop(f, "DrmAccount", "password") }, "has 7 of the 8 secrets"},

	{"names in JSON", accounts, func(f *file) { field(f, "DrmAccount", "device_count").JsonName = new("devices_total") }, "is devices_total in JSON, want deviceCount"},

	{"nothing is hidden", vendors, func(f *file) {
		field(f, "CheckVendorResponse", "error").TypeName = new(".buf.validate.FieldRules")
	}, "is a buf.validate.FieldRules"},
	{"nothing is hidden", products, func(f *file) { method(f, "GetProduct").InputType = new(".google.protobuf.Empty") }, "takes a google.protobuf.Empty"},
}

func method(f *file, name string) *descriptorpb.MethodDescriptorProto {
	return named(f.Service[0].Method, name)
}

func message(f *file, path string) *descriptorpb.DescriptorProto {
	name, below, nested := strings.Cut(path, ".")
	m := named(f.MessageType, name)
	if nested {
		return named(m.NestedType, below)
	}
	return m
}

func field(f *file, m, name string) *descriptorpb.FieldDescriptorProto {
	return named(message(f, m).Field, name)
}

func named[D interface{ GetName() string }](all []D, name string) D {
	return all[slices.IndexFunc(all, func(d D) bool { return d.GetName() == name })]
}

func httpRule(f *file, rpc string) *annotations.HttpRule {
	return proto.GetExtension(method(f, rpc).Options, annotations.E_Http).(*annotations.HttpRule)
}

func get(f *file, rpc, path string) {
	httpRule(f, rpc).Pattern = &annotations.HttpRule_Get{Get: path}
}

func setScope(f *file, rpc, scope string) {
	proto.SetExtension(method(f, rpc).Options, pb.E_Scope, scope)
}

func resourceOf(f *file, m string) *annotations.ResourceDescriptor {
	return proto.GetExtension(message(f, m).Options, annotations.E_Resource).(*annotations.ResourceDescriptor)
}

func reference(f *file, m, name string) *annotations.ResourceReference {
	return proto.GetExtension(field(f, m, name).Options, annotations.E_ResourceReference).(*annotations.ResourceReference)
}

func silence(f *file, m, name string) {
	proto.ClearExtension(field(f, m, name).Options, annotations.E_FieldBehavior)
}

func drop(f *file, m, name string) {
	d := message(f, m)
	d.Field = slices.DeleteFunc(d.Field, func(f *descriptorpb.FieldDescriptorProto) bool { return f.GetName() == name })
}

func rename(f *file, m, from, to string) {
	d := field(f, m, from)
	d.Name, d.JsonName = new(to), nil
}

func retype(f *file, m, name string, to descriptorpb.FieldDescriptorProto_Type) {
	d := field(f, m, name)
	d.Type, d.TypeName = to.Enum(), nil
}
