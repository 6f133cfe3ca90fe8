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
		t.Errorf("docs/capabilities.md differs from the adapters: run %s", regenerate)
	}
}

// capabilitiesPage returns what VendorService returns for every kind of vendor, as a page for people.
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

The calls that each vendor supports, as `+"`ListVendors` and `GetVendor`"+` return them:

- **NATIVE**: by the vendor's own call for it.
- **COMPOSED**: by drmhub, from other calls of the vendor.
- **–**: not supported. The call returns UNIMPLEMENTED with the reason CAPABILITY_NOT_SUPPORTED. With `+"`vendors/-`"+`,
  drmhub does not ask this vendor.

The pages in [vendors](vendors) say what each call does at its vendor. VendorService, MutationService and AuditService are
drmhub's own, and do not depend on the configured vendors.

This page is generated from the adapters with the default settings. To generate it again, run

`+"```sh\n%s\n```"+`
`, regenerate, regenerate)
	for _, service := range vendorServices() {
		fmt.Fprintf(&b, "\n## %s\n\n%s", service.Name(), capabilityTable(service, served))
	}
	fmt.Fprintf(&b, "\n## Settings that change this\n\n%s", cmp.Or(switches, "None.\n"))
	fmt.Fprintf(&b, "\n## Limits\n\n%s", limitsTable(served))
	fmt.Fprintf(&b, `
## Filters that the vendor applies

drmhub applies every other filter itself, and reads more rows for it. If a vendor takes only one condition at a time,
drmhub sends the most selective one, and applies all of them itself.

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

// vendorServices returns the services of the contract that vendors serve, by their names.
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

// switchesOf changes every setting that is a boolean, one at a time, and returns a line for each
// method whose support changes.
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
					lines += fmt.Sprintf("- `%s: {%s: %t}`: %s is %s instead of %s.\n",
						kind.Name, key, keys.Field(i).Bool(), shortMethod(method), now, before)
				}
			}
		}
		keys.Field(i).SetBool(!keys.Field(i).Bool())
	}
	return lines
}

// methodOf returns the name of a method in capabilities: "drmhub.v1.SiteService/ListSites".
func methodOf(service protoreflect.ServiceDescriptor, i int) string {
	return fmt.Sprintf("%s/%s", service.FullName(), service.Methods().Get(i).Name())
}

func shortMethod(method string) string { return method[strings.LastIndex(method, "/")+1:] }

func limitsTable(served []*pb.Vendor) string {
	text := "| kind | vendor | maximum rows of a vendor's page | maximum calls a second |\n| --- | --- | --- | --- |\n"
	for _, v := range served {
		rate := "no limit; `requests_per_second` sets one"
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
