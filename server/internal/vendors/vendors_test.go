package vendors_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

// bare is an adapter without a capability.
type bare struct{ composed, unsupported []string }

func (b bare) Describe() adapters.Description {
	return adapters.Description{Composed: b.composed, Unsupported: b.unsupported}
}
func (bare) Check(context.Context) (level string, _ error) { return "", nil }

// sloppy is an adapter whose methods look like capabilities, and are none but for GetSite.
type sloppy struct{ bare }

func (sloppy) GetSite(context.Context, *pb.GetSiteRequest) (*pb.Site, error) { return nil, nil }
func (sloppy) ListSite(context.Context, *pb.ListSitesRequest) (*pb.ListSitesResponse, error) {
	return nil, nil
} // misspelled
func (sloppy) ListLicenses(*pb.ListLicensesRequest) (*pb.ListLicensesResponse, error) {
	return nil, nil
} // without a context
// another request
func (sloppy) UpdateSite(context.Context, *pb.GetSiteRequest) (*pb.Site, error) { return nil, nil }

// another answer
func (sloppy) EnableSite(context.Context, *pb.EnableSiteRequest) (*pb.Site, error) { return nil, nil }

// without an error
func (sloppy) GetUsage(context.Context, *pb.GetUsageRequest) *pb.Usage { return nil }

// drmhub's own
func (sloppy) GetVendor(context.Context, *pb.GetVendorRequest) (*pb.Vendor, error) { return nil, nil }

// everything is an adapter with every capability.
type everything struct {
	bare
	pb.UnimplementedSiteServiceServer
	pb.UnimplementedLicenseServiceServer
	pb.UnimplementedMemberServiceServer
	pb.UnimplementedDrmAccountServiceServer
	pb.UnimplementedProductLicenseServiceServer
}

func methods(capabilities []*pb.Vendor_Capability) []string {
	var all []string
	for _, c := range capabilities {
		all = append(all, c.GetMethod()+" "+c.GetSupport().String())
	}
	return all
}

func TestOnlyAMethodOfTheSameNameAndSignatureIsACapability(t *testing.T) {
	if got, want := methods(vendors.Capabilities(sloppy{})), []string{"drmhub.v1.SiteService/GetSite NATIVE"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := vendors.Capabilities(bare{}); len(got) != 0 {
		t.Errorf("an adapter without capabilities has %v", got)
	}
}

func TestWhatIsComposedIsSaidSo(t *testing.T) {
	s := sloppy{bare{composed: []string{pb.SiteService_GetSite_FullMethodName}}}
	if got, want := methods(vendors.Capabilities(s)), []string{"drmhub.v1.SiteService/GetSite COMPOSED"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestAnUnsupportedMethodIsNoCapability(t *testing.T) {
	s := sloppy{bare{unsupported: []string{pb.SiteService_GetSite_FullMethodName}}}
	if got := vendors.Capabilities(s); len(got) != 0 {
		t.Errorf("%v, want none", got)
	}
}

// own are the services that drmhub answers itself.
var own = []protoreflect.Name{"VendorService", "MutationService", "AuditService"}

// Every RPC is either drmhub's own or may be a capability: a service that is added cannot be
// forgotten.
func TestEveryMethodOfEveryVendorsServiceMayBeACapability(t *testing.T) {
	var want []string
	for _, service := range vendorServices() {
		for i := range service.Methods().Len() {
			want = append(want, methodOf(service, i)+" NATIVE")
		}
	}
	slices.Sort(want)
	if got := methods(vendors.Capabilities(everything{})); !slices.Equal(got, want) || len(got) < 40 {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestLookupFindsTheVendorOfAnyName(t *testing.T) {
	all, err := vendors.New(vendors.Vendor{ID: "acme"}, vendors.Vendor{ID: "acme-2"})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"vendors/acme":                             "acme",
		"vendors/acme-2":                           "acme-2",
		"vendors/acme-2/sites/s/integration":       "acme-2",
		"vendors/acme/drmAccounts/a%2Fb/devices/x": "acme",
	} {
		if v, err := all.Lookup(name); err != nil || v.ID != want {
			t.Errorf("Lookup(%q) = %q, %v; want %q", name, v.ID, err, want)
		}
	}
	for _, name := range []string{"vendors/acm", "vendors/acme-", "vendors/-", "vendors/", ""} {
		_, err := all.Lookup(name)
		if e := apierror.Convert(err); err == nil || e.Code != codes.NotFound {
			t.Errorf("Lookup(%q): %v, want NOT_FOUND", name, err)
		}
	}
}

func TestAnIDIsTakenOnce(t *testing.T) {
	if _, err := vendors.New(vendors.Vendor{ID: "a"}, vendors.Vendor{ID: "b"}, vendors.Vendor{ID: "a"}); err == nil || !strings.Contains(err.Error(), `"a"`) {
		t.Errorf("%v, want an error that names the id", err)
	}
}

func TestAVendorWithoutANameForPeopleIsCalledByItsKind(t *testing.T) {
	if got := (vendors.Vendor{ID: "v", Kind: "reference", Adapter: bare{}}).Proto().GetDisplayName(); got != "reference" {
		t.Errorf("%q", got)
	}
}
