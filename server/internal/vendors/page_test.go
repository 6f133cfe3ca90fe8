package vendors_test

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/drmhub/drmhub/adapters/catalog"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

var update = flag.Bool("update", false, "write docs/capabilities.md")

const (
	page       = "../../../docs/capabilities.md"
	regenerate = "go test ./server/internal/vendors -run TestTheCapabilitiesPageIsUpToDate -update"
)

func TestTheCapabilitiesPageIsUpToDate(t *testing.T) {
	want := capabilitiesPage(t)
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("docs/capabilities.md is not what the adapters say: run %s", regenerate)
	}
}

// capabilitiesPage is what VendorService answers of every kind of vendor, for people.
func capabilitiesPage(t *testing.T) string {
	var served []*pb.Vendor
	switches := ""
	for _, kind := range catalog.Kinds {
		settings := kind.TwinSettings("http://vendor.invalid")
		served = append(served, answered(t, kind, settings))
		switches += switchesOf(t, kind, settings, served[len(served)-1])
	}
	var b strings.Builder
	fmt.Fprintf(&b, `# Capabilities

<!-- Generated, do not edit: %s -->

What each vendor can do, as `+"`ListVendors` and `GetVendor`"+` answer it. **NATIVE**: by a call that the vendor has for this. **COMPOSED**: by drmhub, out of other
calls of the vendor. **–**: the vendor has nothing for it, and the call answers UNIMPLEMENTED with the reason CAPABILITY_NOT_SUPPORTED; with `+"`vendors/-`"+`, such a
vendor is not asked. What a call does at its vendor stands on the vendor's page in [vendors](vendors).

This page is generated from the adapters with every setting at its default, and is regenerated with

`+"```sh\n%s\n```"+`

VendorService, MutationService and AuditService are drmhub's own: they are there whichever vendors are configured.
`, regenerate, regenerate)
	for _, service := range vendorServices() {
		fmt.Fprintf(&b, "\n## %s\n\n%s", service.Name(), capabilityTable(service, served))
	}
	fmt.Fprintf(&b, "\n## Settings that change this\n\n%s", cmp.Or(switches, "None.\n"))
	fmt.Fprintf(&b, "\n## Limits\n\n%s", limitsTable(served))
	fmt.Fprintf(&b, `
## Filters that the vendor applies

drmhub applies every other filter itself, and reads more rows for it. Where a vendor takes one condition at a time, drmhub sends the most selective one, and applies all of
them.

%s`, filtersTable(served))
	return b.String()
}

func answered(t *testing.T, kind catalog.Kind, settings any) *pb.Vendor {
	t.Helper()
	adapter, err := kind.New(kind.Name, settings, nil)
	if err != nil {
		t.Fatalf("%s: %v", kind.Name, err)
	}
	return vendors.Vendor{ID: kind.Name, Kind: kind.Name, Adapter: adapter}.Proto()
}

// vendorServices are the services of the contract that vendors answer, by their names.
func vendorServices() (services []protoreflect.ServiceDescriptor) {
	protoregistry.GlobalFiles.RangeFilesByPackage("drmhub.v1", func(f protoreflect.FileDescriptor) bool {
		for i := range f.Services().Len() {
			if s := f.Services().Get(i); !slices.Contains(own, s.Name()) {
				services = append(services, s)
			}
		}
		return true
	})
	slices.SortFunc(services, func(a, b protoreflect.ServiceDescriptor) int { return cmp.Compare(a.Name(), b.Name()) })
	return services
}

func support(v *pb.Vendor, method string) string {
	for _, c := range v.GetCapabilities() {
		if c.GetMethod() == method {
			return c.GetSupport().String()
		}
	}
	return "–"
}

func capabilityTable(service protoreflect.ServiceDescriptor, served []*pb.Vendor) string {
	var b strings.Builder
	b.WriteString("| RPC |")
	for _, v := range served {
		b.WriteString(" " + v.GetKind() + " |")
	}
	b.WriteString("\n| --- |" + strings.Repeat(" --- |", len(served)) + "\n")
	for i := range service.Methods().Len() {
		method := methodOf(service, i)
		fmt.Fprintf(&b, "| %s |", shortMethod(method))
		for _, v := range served {
			b.WriteString(" " + support(v, method) + " |")
		}
		b.WriteString("\n")
	}
	return b.String()
}

// switchesOf turns every setting that is a switch, one at a time, and tells which methods come or
// go with it.
func switchesOf(t *testing.T, kind catalog.Kind, settings any, by *pb.Vendor) (lines string) {
	keys := reflect.ValueOf(settings).Elem()
	for i := range keys.NumField() {
		key := keys.Type().Field(i).Tag.Get("yaml")
		if key == "" || keys.Field(i).Kind() != reflect.Bool {
			continue
		}
		keys.Field(i).SetBool(!keys.Field(i).Bool())
		turned := answered(t, kind, settings)
		for _, service := range vendorServices() {
			for j := range service.Methods().Len() {
				method := methodOf(service, j)
				if before, now := support(by, method), support(turned, method); before != now {
					lines += fmt.Sprintf("- `%s: {%s: %t}`: %s is %s instead of %s.\n", kind.Name, key, keys.Field(i).Bool(), shortMethod(method), now, before)
				}
			}
		}
		keys.Field(i).SetBool(!keys.Field(i).Bool())
	}
	return lines
}

// methodOf is a method as capabilities name it: "drmhub.v1.SiteService/ListSites".
func methodOf(service protoreflect.ServiceDescriptor, i int) string {
	return fmt.Sprintf("%s/%s", service.FullName(), service.Methods().Get(i).Name())
}

func shortMethod(method string) string { return method[strings.LastIndex(method, "/")+1:] }

func limitsTable(served []*pb.Vendor) string {
	text := "| kind | vendor | rows that drmhub asks the vendor for at once, at most | calls a second at most |\n| --- | --- | --- | --- |\n"
	for _, v := range served {
		rate := "no bound; `requests_per_second` sets one"
		if r := v.GetLimits().GetRequestsPerSecond(); r != 0 {
			rate = fmt.Sprintf("%g, from `requests_per_second`", r)
		}
		text += fmt.Sprintf("| %s | %s | %d | %s |\n", v.GetKind(), v.GetDisplayName(), v.GetLimits().GetMaxPageSize(), rate)
	}
	return text
}

func filtersTable(served []*pb.Vendor) string {
	text := "| kind | RPC | filters |\n| --- | --- | --- |\n"
	for _, v := range served {
		var methods []string
		filters := map[string][]string{}
		for _, pushedDown := range v.GetLimits().GetPushedDownFilters() {
			method, filter, _ := strings.Cut(pushedDown, ":")
			if filters[method] == nil {
				methods = append(methods, method)
			}
			filters[method] = append(filters[method], "`"+filter+"`")
		}
		for _, method := range methods {
			text += fmt.Sprintf("| %s | %s | %s |\n", v.GetKind(), shortMethod(method), strings.Join(filters[method], ", "))
		}
	}
	return text
}
