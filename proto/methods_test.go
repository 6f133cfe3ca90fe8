package contract_test

import (
	"regexp"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

func oneBinding(c contract, bad complaint) {
	for m := range c.methods() {
		_, path, _ := binding(m)
		switch {
		case path == "":
			bad(m, "has no google.api.http")
		case len(http(m).GetAdditionalBindings()) > 0:
			bad(m, "has more than one path")
		case !strings.HasPrefix(path, "/v1/"):
			bad(m, "has the path %s, which does not begin with /v1/", path)
		}
	}
}

var customVerb = regexp.MustCompile(`:[a-z][A-Za-z]*$`)

// standardMethods checks verbs and bodies by AIP-131 to AIP-136. A stream reads, so it is a GET.
func standardMethods(c contract, bad complaint) {
	for m := range c.methods() {
		verb, path, body := binding(m)
		want := func(wantVerb, wantBody string, custom bool) {
			isCustom, hasColon := customVerb.MatchString(path), strings.Contains(path, ":")
			if verb != wantVerb || body != wantBody || isCustom != custom || hasColon != custom {
				bad(m, "is %s %s with the body %q, want %s with %q, with a :verb at the end: %v",
					verb, path, body, wantVerb, wantBody, custom)
			}
		}
		switch name := string(m.Name()); {
		case strings.HasPrefix(name, "List"), strings.HasPrefix(name, "Get"):
			want("GET", "", false)
		case strings.HasPrefix(name, "Create"):
			want("POST", resourceField(m), false)
		case strings.HasPrefix(name, "Update"):
			want("PATCH", resourceField(m), false)
			if !strings.HasPrefix(path, "/v1/{"+resourceField(m)+".name=") {
				bad(m, "has the path %s, which is not the resource's name", path)
			}
		case strings.HasPrefix(name, "Delete"):
			want("DELETE", "", false)
		case m.IsStreamingServer(), slices.Contains(reads, m.Name()):
			want("GET", "", true)
		default:
			want("POST", "*", true)
		}
	}
}

// reads are the custom methods that only read, so that they are GETs.
var reads = []protoreflect.Name{"SearchLicenses", "SummarizeLicenses", "ExplainLicense", "VerifyAuditEvents"}

// resourceField returns the name of the request's field that has the type of the response.
func resourceField(m protoreflect.MethodDescriptor) string {
	fields := m.Input().Fields()
	for i := range fields.Len() {
		if f := fields.Get(i); f.Message() != nil && !f.IsList() && f.Message().FullName() == m.Output().FullName() {
			return string(f.Name())
		}
	}
	return "(none)"
}

// collections are the first halves of the scopes by service.
var collections = map[protoreflect.Name]string{
	"VendorService":         "vendors",
	"SiteService":           "sites",
	"LicenseService":        "licenses",
	"MemberService":         "members",
	"DrmAccountService":     "drm-accounts",
	"ProductLicenseService": "product-licenses",
	"MutationService":       "mutations",
	"AuditService":          "audit",
	"CallerService":         "caller",
	"ArchiveService":        "archive",
	"ViewerService":         "viewers",
}

func scopes(c contract, bad complaint) {
	for m := range c.methods() {
		collection, verb, _ := strings.Cut(scope(m), ":")
		want, known := collections[m.Parent().Name()]
		if want == "archive" && verb == "read" {
			want = "licenses" // The archive shows what the license history shows.
		}
		if !known || collection != want || verb != "read" && verb != "write" {
			bad(m, "takes the scope %q, want %s:read or %s:write", scope(m), want, want)
		}
	}
}

// mutations checks that the RPCs which change something, and no others, take request_id (AIP-155)
// and validate_only (AIP-163).
func mutations(c contract, bad complaint) {
	for m := range c.methods() {
		id, try := m.Input().Fields().ByName("request_id"), m.Input().Fields().ByName("validate_only")
		switch mutates := promised[short(m)].mutates; {
		case !mutates && (id != nil || try != nil):
			bad(m, "is no mutation, and takes request_id or validate_only")
		case mutates && (id == nil || try == nil):
			bad(m, "is a mutation, and lacks request_id or validate_only")
		case mutates && (id.Kind() != protoreflect.StringKind || try.Kind() != protoreflect.BoolKind):
			bad(m, "has a request_id that is no string, or a validate_only that is no bool")
		case mutates && !strings.HasSuffix(scope(m), ":write"):
			bad(m, "is a mutation with the scope %q", scope(m))
		}
	}
}

// listFields are the names in JSON of the fields with a list's rows.
var listFields = []string{
	"vendors", "sites", "siteOrders", "statusChanges",
	"licenses", "licenseUsers", "licenseDevices", "licenseContents", "contentUsers", "packagings",
	"members", "drmAccounts", "products", "productLicenses", "mutations", "auditEvents", "archives", "usageReports",
	"fairPlayCertificates",
}

// lists checks lists by AIP-132 and AIP-158, and by AIP-217 if the parent may be "-".
func lists(c contract, bad complaint) {
	for m := range c.methods() {
		if !strings.HasPrefix(string(m.Name()), "List") {
			continue
		}
		_, path, _ := binding(m)
		collection := path[strings.LastIndex(path, "/")+1:]
		if !slices.Contains(listFields, collection) {
			bad(m, "lists %q, which is not a collection", collection)
		}
		below := strings.Count(path, "/") > strings.Count("/v1/collection", "/")
		wantField(m.Input(), "parent", protoreflect.StringKind, false, below, bad)
		wantField(m.Input(), "page_size", protoreflect.Int32Kind, false, true, bad)
		wantField(m.Input(), "page_token", protoreflect.StringKind, false, true, bad)
		wantField(m.Output(), "next_page_token", protoreflect.StringKind, false, true, bad)
		wantField(m.Output(), "unreachable", protoreflect.StringKind, true, below, bad)
		rows := m.Output().Fields().ByJSONName(collection)
		if rows == nil || !rows.IsList() || rows.Message() == nil {
			bad(m.Output(), "has no repeated %s", collection)
		}
	}
}

// wantField checks that a message has a field of this kind, or that it has no field of this name.
func wantField(
	m protoreflect.MessageDescriptor, name protoreflect.Name, kind protoreflect.Kind, list, there bool, bad complaint,
) {
	f := m.Fields().ByName(name)
	switch {
	case there != (f != nil):
		bad(m, "has a %s: %v, want %v", name, f != nil, there)
	case there && (f.Kind() != kind || f.IsList() != list):
		bad(f, "is a %s (repeated: %v), want a %s (%v)", f.Kind(), f.IsList(), kind, list)
	}
}
