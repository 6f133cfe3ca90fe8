package vendors_test

import (
	"flag"
	"fmt"
	"os"
	"path"
	"reflect"
	"slices"
	"strings"
	"testing"
	"text/template"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/adapters/catalog"
	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/contract"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

var update = flag.Bool("update", false, "write docs/capabilities.md")

// A page is what testdata/capabilities.md.tmpl shows.
type page struct {
	Command  string
	Services []*service
	Vendors  []*pb.Vendor
	Settings []string // those that change the capabilities
}

type service struct {
	Name    string   // such as SiteService
	Methods []string // such as ListSites
}

func TestTheCapabilitiesPageIsUpToDate(t *testing.T) {
	const file = "../../../docs/capabilities.md"
	p := page{
		Command:  "go test ./server/internal/vendors -run TestTheCapabilitiesPageIsUpToDate -update",
		Services: vendorServices(),
	}
	for _, kind := range catalog.Kinds {
		settings := byDefault(kind)
		v := served(t, kind, settings)
		p.Vendors = append(p.Vendors, v)
		p.Settings = append(p.Settings, settingsThatCount(t, kind, settings, v)...)
	}
	functions := template.FuncMap{"support": support, "filters": filters}
	page, err := template.New("").Funcs(functions).ParseFiles("testdata/capabilities.md.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	if err := page.ExecuteTemplate(&want, "capabilities.md.tmpl", p); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, []byte(want.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want.String() {
		t.Errorf("docs/capabilities.md differs from the adapters: run %s", p.Command)
	}
}

// byDefault returns settings of a kind whose switches are those of a configuration that names none.
// The sandbox turns one on.
func byDefault(kind catalog.Kind) any {
	settings := kind.TwinSettings("https://vendor.invalid")
	switches, defaults := reflect.ValueOf(settings).Elem(), reflect.ValueOf(kind.Settings()).Elem()
	for i := range switches.NumField() {
		if f := switches.Field(i); f.Kind() == reflect.Bool {
			f.Set(defaults.Field(i))
		}
	}
	return settings
}

// served returns what VendorService returns for a kind of vendor.
func served(t *testing.T, kind catalog.Kind, settings any) *pb.Vendor {
	t.Helper()
	account := upstream.NewAccount(kind.Name)
	account.Configure(upstream.DefaultLane(), upstream.DefaultBreaker())
	adapter, err := kind.New(kind.Name, settings, upstream.Connection{Account: account})
	if err != nil {
		t.Fatalf("%s: %v", kind.Name, err)
	}
	return vendors.Vendor{ID: kind.Name, Kind: kind.Name, Adapter: adapter}.Proto()
}

// own are the services that drmhub serves by itself.
var own = []string{
	"VendorService", "MutationService", "AuditService", "CallerService", "ArchiveService", "ViewerService",
}

// vendorServices returns the services of the contract that vendors serve, with their methods in the
// order of the proto.
func vendorServices() (services []*service) {
	for _, rpc := range contract.RPCs() {
		parent := rpc.Method.Parent().(protoreflect.ServiceDescriptor)
		known := func(s *service) bool { return s.Name == string(parent.Name()) }
		if slices.Contains(own, string(parent.Name())) || slices.ContainsFunc(services, known) {
			continue
		}
		s := &service{Name: string(parent.Name())}
		for i := range parent.Methods().Len() {
			if name := string(parent.Methods().Get(i).Name()); name != "ExplainLicense" { // drmhub's own
				s.Methods = append(s.Methods, name)
			}
		}
		services = append(services, s)
	}
	return services
}

func support(v *pb.Vendor, service, method string) string {
	for _, c := range v.GetCapabilities() {
		if c.GetMethod() == "drmhub.v1."+service+"/"+method {
			return c.GetSupport().String()
		}
	}
	return "–"
}

// settingsThatCount changes every setting that is a boolean, one at a time, and returns a line for
// each method whose support changes.
func settingsThatCount(t *testing.T, kind catalog.Kind, settings any, before *pb.Vendor) (lines []string) {
	t.Helper()
	for field, value := range reflect.ValueOf(settings).Elem().Fields() {
		key := field.Tag.Get("yaml")
		if key == "" || value.Kind() != reflect.Bool {
			continue
		}
		value.SetBool(!value.Bool())
		after := served(t, kind, settings)
		for _, s := range vendorServices() {
			for _, method := range s.Methods {
				if was, is := support(before, s.Name, method), support(after, s.Name, method); was != is {
					lines = append(lines, fmt.Sprintf("`%s: {%s: %t}`: %s is %s instead of %s.",
						kind.Name, key, value.Bool(), method, is, was))
				}
			}
		}
		value.SetBool(!value.Bool())
	}
	return lines
}

type filter struct{ Method, Names string }

// filters returns the filters that a vendor applies, by method.
func filters(v *pb.Vendor) (all []*filter) {
	for _, pushedDown := range v.GetLimits().GetPushedDownFilters() {
		method, name, _ := strings.Cut(pushedDown, ":")
		method = path.Base(method)
		i := slices.IndexFunc(all, func(f *filter) bool { return f.Method == method })
		if i < 0 {
			all = append(all, &filter{method, "`" + name + "`"})
		} else {
			all[i].Names += ", `" + name + "`"
		}
	}
	return all
}
