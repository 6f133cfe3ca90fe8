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
const (
	typeFloat  = descriptorpb.FieldDescriptorProto_TYPE_FLOAT
	typeInt32  = descriptorpb.FieldDescriptorProto_TYPE_INT32
	typeInt64  = descriptorpb.FieldDescriptorProto_TYPE_INT64
	typeString = descriptorpb.FieldDescriptorProto_TYPE_STRING
)

var breaks = []struct {
	rule, file string
	change     func(*file)
	want       string
}{
	{"one binding", member, func(f *file) {
		proto.ClearExtension(method(f, "ListMembers").Options, annotations.E_Http)
	}, "has no google.api.http"},
	{"one binding", member, func(f *file) {
		second := &annotations.HttpRule{Pattern: &annotations.HttpRule_Get{Get: "/v1/members"}}
		httpRule(f, "ListMembers").AdditionalBindings = []*annotations.HttpRule{second}
	}, "has more than one path"},
	{"one binding", member, get("ListMembers", "/v2/{parent=vendors/*}/members"), "does not begin with /v1/"},

	{"published", member, get("ListMembers", "/v1/{parent=vendors/*}/people"),
		"published as GET /v1/{parent=vendors/*}/members"},
	{"published", member, setBody("CreateMember", "*"),
		`published as POST /v1/{parent=vendors/*}/members with "member"`},
	{"published", member, setScope("ListMembers", "members:write"), `published as "members:read"`},
	{"published", member, func(f *file) {
		method(f, "ListMembers").Name = new("ListPeople")
	}, "ListPeople is not in the table"},
	{"published", member, func(f *file) {
		f.Service[0].Method = f.Service[0].Method[1:]
	}, "has no MemberService/ListMembers, which is published"},

	{"standard methods", member, func(f *file) {
		httpRule(f, "ListMembers").Pattern = &annotations.HttpRule_Post{Post: "/v1/{parent=vendors/*}/members"}
	}, "ListMembers is POST"},
	{"standard methods", member, setBody("CreateMember", "*"), `want POST with "member"`},
	{"standard methods", member, func(f *file) {
		httpRule(f, "UpdateMember").Pattern = &annotations.HttpRule_Put{Put: "/v1/{member.name=vendors/*/members/*}"}
	}, `want PATCH with "member"`},
	{"standard methods", member, func(f *file) {
		httpRule(f, "UpdateMember").Pattern = &annotations.HttpRule_Patch{Patch: "/v1/{parent=vendors/*}/members"}
	}, "which is not the resource's name"},
	{"standard methods", accounts, setBody("DeleteDrmAccountDevice", "*"), `want DELETE with ""`},
	{"standard methods", member, setBody("ResetMemberPassword", ""), `want POST with "*"`},
	{"standard methods", sites, func(f *file) {
		httpRule(f, "DisableSite").Pattern = &annotations.HttpRule_Post{Post: "/v1/{name=vendors/*/sites/*}:Disable"}
	}, "with a :verb at the end: true"},
	{"standard methods", licenses, get("StreamLicenses", "/v1/{parent=vendors/*/sites/*}/licenseStream"),
		"want GET with \"\", with a :verb"},

	{"scopes", member, func(f *file) {
		proto.ClearExtension(method(f, "ListMembers").Options, pb.E_Scope)
	}, "want members:read or members:write"},
	{"scopes", member, setScope("ListMembers", "members:admin"), `takes the scope "members:admin"`},
	{"scopes", sites, setScope("ListSites", "members:read"), "want sites:read"},

	{"mutations", sites, drop("DisableSiteRequest", "validate_only"), "lacks request_id or validate_only"},
	{"mutations", sites, drop("DisableSiteRequest", "request_id"), "lacks request_id or validate_only"},
	{"mutations", vendors, func(f *file) {
		field(f, "CheckVendorRequest", "name").Name = new("request_id")
	}, "CheckVendor is no mutation"},
	{"mutations", sites, retype("DisableSiteRequest", "validate_only", typeString),
		"a validate_only that is no bool"},
	{"mutations", sites, setScope("DisableSite", "sites:read"), `is a mutation with the scope "sites:read"`},

	{"lists", member, drop("ListMembersRequest", "parent"), "has a parent: false"},
	{"lists", member, retype("ListMembersRequest", "page_size", typeInt64), "page_size is a int64"},
	{"lists", member, drop("ListMembersRequest", "page_token"), "has a page_token: false"},
	{"lists", member, drop("ListMembersResponse", "next_page_token"), "has a next_page_token: false"},
	{"lists", member, drop("ListMembersResponse", "unreachable"), "has a unreachable: false"},
	{"lists", audit, rename("ListAuditEventsResponse", "next_page_token", "unreachable"), "has a unreachable: true"},
	{"lists", member, rename("ListMembersResponse", "members", "items"), "has no repeated members"},
	{"lists", member, get("ListMembers", "/v1/{parent=vendors/*}/people"), `lists "people"`},

	{"field behavior", licenses, silence("GetUsageRequest", "date"), "GetUsageRequest.date has no field_behavior"},
	{"field behavior", licenses, silence("LicenseFilter", "user_id"), "LicenseFilter.user_id has no field_behavior"},
	{"field behavior", products, silence("ProductLicense.Renewal", "recurring"),
		"Renewal.recurring has no field_behavior"},

	{"resources", member, func(f *file) {
		proto.ClearExtension(message(f, "Member").Options, annotations.E_Resource)
	}, `Member is the resource type "", want drmhub.v1/Member`},
	{"resources", member, func(f *file) {
		resourceOf(f, "Member").Type = "drmhub.v1/Person"
	}, `is the resource type "drmhub.v1/Person"`},
	{"resources", member, func(f *file) {
		resourceOf(f, "Member").Pattern = append(resourceOf(f, "Member").Pattern, "members/{member}")
	}, "want one of each"},
	{"resources", member, func(f *file) { resourceOf(f, "Member").Plural = "" }, "want one of each"},
	{"resources", member, func(f *file) { resourceOf(f, "Member").Singular = "" }, "want one of each"},
	{"resources", member, setPattern("Member", "vendors/{vendor}/people/{member}"),
		"which must end in its plural"},
	{"resources", member, func(f *file) {
		field(f, "Member", "name").Number = proto.Int32(99)
	}, "must have the field string name = 1"},
	{"resources", member, func(f *file) {
		output := []annotations.FieldBehavior{annotations.FieldBehavior_OUTPUT_ONLY}
		proto.SetExtension(field(f, "Member", "name").Options, annotations.E_FieldBehavior, output)
	}, "must have the field string name = 1, IDENTIFIER"},
	{"resources", accounts, func(f *file) {
		proto.ClearExtension(message(f, "DrmAccount").Options, annotations.E_Resource)
		drop("DrmAccount", "name")(f)
	}, "GetDrmAccount returns DrmAccount, which is not a resource"},

	{"references", sites, func(f *file) {
		proto.ClearExtension(field(f, "GetSiteRequest", "name").Options, annotations.E_ResourceReference)
	}, "GetSiteRequest.name has no resource_reference"},
	{"references", sites, referType("StatusChange", "site", "drmhub.v1/Place"),
		"StatusChange.site refers to a type that does not exist"},
	{"references", sites, referChildType("ListSitesRequest", "parent", "drmhub.v1/Place"),
		"ListSitesRequest.parent refers to a type that does not exist"},

	{"paths", sites, get("GetSite", "/v1/{name=vendors/*/siteOrders/*}"), "and the field \"vendors/*/sites/*\""},
	{"paths", sites, referChildType("ListSitesRequest", "parent", "drmhub.v1/StatusChange"),
		"takes vendors/* for parent in its path"},
	{"paths", member, setPattern("Member", "members/{member}"), "takes vendors/*/members/* for member.name"},

	{"enums", member, func(f *file) {
		zero := &descriptorpb.EnumValueDescriptorProto{Name: new("MOOD_UNSPECIFIED"), Number: proto.Int32(0)}
		values := []*descriptorpb.EnumValueDescriptorProto{zero}
		f.EnumType = append(f.EnumType, &descriptorpb.EnumDescriptorProto{Name: new("Mood"), Value: values})
	}, "Mood is not nested"},
	{"enums", member, func(f *file) {
		message(f, "Member").EnumType[1].Value[0].Name = new("NONE")
	}, "has the zero value NONE, want STATE_UNSPECIFIED"},
	{"enums", vendors, func(f *file) {
		message(f, "Vendor.Capability").EnumType[0].Value[1].Name = new("SUPPORT_NATIVE")
	}, "repeats the enum's name"},

	{"vendors' words", sites, drop("Site", "vendor_state"), "Site.state has no string vendor_state"},
	{"vendors' words", sites, retype("StatusChange", "vendor_type", typeInt32),
		"StatusChange.type has no string vendor_type"},
	{"vendors' words", mutating, drop("Mutation", "state"), "needs no exemption for drmhub.v1.Mutation.state"},

	{"times", sites, rename("Site", "create_time", "created"),
		"Site.created is an instant by its name or by its type"},
	{"times", sites, rename("Site", "policy_id", "start_time"), "Site.start_time is an instant"},
	{"times", sites, rename("Integration", "token_duration", "token_life"), "is a length of time"},
	{"times", sites, rename("Integration", "iv", "iv_duration"), "is a length of time"},
	{"times", member, retype("Member", "create_date", typeInt32), "is a calendar day"},
	{"times", licenses, rename("LicenseUser", "license_count", "license_ttl"), "tells a time by its unit"},

	{"numbers", licenses, retype("LicenseUser", "license_count", typeInt64), "is a int64, want int32"},
	{"numbers", licenses, retype("LicenseUser", "license_count", typeFloat), "is a float, want int32"},
	{"numbers", vendors, drop("Vendor.Limits", "requests_per_second"), "needs fewer exemptions"},

	{"secrets", accounts, func(f *file) {
		field(f, "DrmAccount", "password").Options.DebugRedact = nil
	}, "DrmAccount.password is a secret, and not debug_redact"},
	{"secrets", accounts, func(f *file) {
		field(f, "DrmAccount", "customer").Options.DebugRedact = new(true)
	}, "not in the list of secrets"},
	{"secrets", accounts, rename("DrmAccount", "customer", "shared_secret"), "sounds like a secret"},
	{"secrets", accounts, drop("DrmAccount", "password"), "has 7 of the 8 secrets"},

	{"names in JSON", accounts, func(f *file) {
		field(f, "DrmAccount", "device_count").JsonName = new("devices_total")
	}, "is devices_total in JSON, want deviceCount"},

	{"nothing is hidden", vendors, func(f *file) {
		field(f, "CheckVendorResponse", "error").TypeName = new(".buf.validate.FieldRules")
	}, "is a buf.validate.FieldRules"},
	{"nothing is hidden", products, func(f *file) {
		method(f, "GetProduct").InputType = new(".google.protobuf.Empty")
	}, "takes a google.protobuf.Empty"},
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

// A change changes the descriptor of a file.
type change = func(*file)

func get(rpc, path string) change {
	return func(f *file) { httpRule(f, rpc).Pattern = &annotations.HttpRule_Get{Get: path} }
}

func setBody(rpc, body string) change {
	return func(f *file) { httpRule(f, rpc).Body = body }
}

func setScope(rpc, scope string) change {
	return func(f *file) { proto.SetExtension(method(f, rpc).Options, pb.E_Scope, scope) }
}

func resourceOf(f *file, m string) *annotations.ResourceDescriptor {
	return proto.GetExtension(message(f, m).Options, annotations.E_Resource).(*annotations.ResourceDescriptor)
}

func setPattern(m, pattern string) change {
	return func(f *file) { resourceOf(f, m).Pattern[0] = pattern }
}

func reference(f *file, m, name string) *annotations.ResourceReference {
	options := field(f, m, name).Options
	return proto.GetExtension(options, annotations.E_ResourceReference).(*annotations.ResourceReference)
}

func referType(m, name, to string) change {
	return func(f *file) { reference(f, m, name).Type = to }
}

func referChildType(m, name, to string) change {
	return func(f *file) { reference(f, m, name).ChildType = to }
}

func silence(m, name string) change {
	return func(f *file) { proto.ClearExtension(field(f, m, name).Options, annotations.E_FieldBehavior) }
}

func drop(m, name string) change {
	return func(f *file) {
		d := message(f, m)
		dropped := field(f, m, name)
		d.Field = slices.DeleteFunc(d.Field, func(f *descriptorpb.FieldDescriptorProto) bool { return f == dropped })
	}
}

func rename(m, from, to string) change {
	return func(f *file) {
		d := field(f, m, from)
		d.Name, d.JsonName = new(to), nil
	}
}

func retype(m, name string, to descriptorpb.FieldDescriptorProto_Type) change {
	return func(f *file) {
		d := field(f, m, name)
		d.Type, d.TypeName = to.Enum(), nil
	}
}
