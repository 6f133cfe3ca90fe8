package vendors_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

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

// sloppy is an adapter whose methods look like capabilities. Only GetSite is one. The others are
// misspelled, have no context, another request, another response or no error, or are drmhub's own.
type sloppy struct{ bare }

func (sloppy) GetSite(context.Context, *pb.GetSiteRequest) (_ *pb.Site, _ error) { return }
func (sloppy) ListSite(context.Context, *pb.ListSitesRequest) (_ *pb.ListSitesResponse, _ error) {
	return
}
func (sloppy) ListLicenses(*pb.ListLicensesRequest) (_ *pb.ListLicensesResponse, _ error) { return }
func (sloppy) UpdateSite(context.Context, *pb.GetSiteRequest) (_ *pb.Site, _ error)       { return }
func (sloppy) EnableSite(context.Context, *pb.EnableSiteRequest) (_ *pb.Site, _ error)    { return }
func (sloppy) GetUsage(context.Context, *pb.GetUsageRequest) (_ *pb.Usage)                { return }
func (sloppy) GetVendor(context.Context, *pb.GetVendorRequest) (_ *pb.Vendor, _ error)    { return }

// serving is an adapter that reads the served FairPlay certificate.
type serving struct{ bare }

func (serving) GetFairPlayCertificate(
	context.Context, *pb.GetFairPlayCertificateRequest,
) (_ *pb.FairPlayCertificate, _ error) {
	return
}

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

func TestCapabilities(t *testing.T) {
	getSite := []string{pb.SiteService_GetSite_FullMethodName}
	for name, c := range map[string]struct {
		adapter adapters.Adapter
		want    string
	}{
		"of the same name and signature": {sloppy{}, "drmhub.v1.SiteService/GetSite NATIVE"},
		"composed":                       {sloppy{bare{composed: getSite}}, "drmhub.v1.SiteService/GetSite COMPOSED"},
		"unsupported":                    {sloppy{bare{unsupported: getSite}}, ""},
		"no capabilities":                {bare{}, ""},
		"composed by drmhub": {serving{}, "drmhub.v1.SiteService/GetFairPlayCertificate NATIVE, " +
			"drmhub.v1.SiteService/ListFairPlayCertificates COMPOSED"},
		"without what drmhub composes it of": {serving{bare{
			unsupported: []string{pb.SiteService_GetFairPlayCertificate_FullMethodName},
		}}, ""},
	} {
		if got := strings.Join(methods(vendors.Capabilities(c.adapter)), ", "); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestEveryRPCOfAVendorIsACapability fails for a new service that is not drmhub's own, and that
// Capabilities does not know.
func TestEveryRPCOfAVendorIsACapability(t *testing.T) {
	var want []string
	for _, service := range vendorServices() {
		for _, method := range service.Methods {
			support := " NATIVE"
			if method == "ListFairPlayCertificates" { // composed of GetFairPlayCertificate
				support = " COMPOSED"
			}
			want = append(want, "drmhub.v1."+service.Name+"/"+method+support)
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
	_, err := vendors.New(vendors.Vendor{ID: "a"}, vendors.Vendor{ID: "b"}, vendors.Vendor{ID: "a"})
	if err == nil || !strings.Contains(err.Error(), `"a"`) {
		t.Errorf("%v, want an error that names the id", err)
	}
}

// TestAVendorLeavesInOneStep drops a vendor, once refused and once permitted. While that is
// decided, a call for the vendor waits, and all others go on.
func TestAVendorLeavesInOneStep(t *testing.T) {
	for name, refusal := range map[string]error{"refused": errors.New("it has unsettled mutations"), "permitted": nil} {
		synctest.Test(t, func(t *testing.T) {
			r, err := vendors.New(vendors.Vendor{ID: "a"}, vendors.Vendor{ID: "b"})
			if err != nil {
				t.Fatal(err)
			}
			before, looked := r.Snapshot(), make(chan error, 1)
			err = r.Replace([]vendors.Vendor{{ID: "b"}, {ID: "c"}}, func(leaving []string) error {
				go func() {
					_, err := r.Lookup("vendors/a/sites/s")
					looked <- err
				}()
				synctest.Wait()
				if len(looked) > 0 || !slices.Equal(leaving, []string{"a"}) {
					t.Errorf("%s: Lookup did not wait, or %q leaves", name, leaving)
				}
				if _, err := r.Lookup("vendors/b"); err != nil {
					t.Errorf("%s: the vendor that stays: %v", name, err)
				}
				return refusal
			})
			gone := refusal == nil
			if !errors.Is(err, refusal) || (<-looked != nil) != gone {
				t.Errorf("%s: %v, and the call that waited found the vendor, or did not", name, err)
			}
			if _, err := r.Lookup("vendors/c"); (err == nil) != gone {
				t.Errorf("%s: the new vendor: %v", name, err)
			}
			if _, err := before.Lookup("vendors/a"); err != nil {
				t.Errorf("%s: the snapshot lost a vendor: %v", name, err)
			}
		})
	}
}

func TestAVendorWithoutADisplayNameIsNamedByItsKind(t *testing.T) {
	v := vendors.Vendor{ID: "v", Kind: "reference", Adapter: bare{}}
	if got := v.Proto().GetDisplayName(); got != "reference" {
		t.Errorf("%q", got)
	}
}

// slow is an adapter whose check takes a second.
type slow struct {
	bare
	err error
}

func (s slow) Check(context.Context) (level string, _ error) {
	time.Sleep(time.Second)
	return "OWNER", s.err
}

func TestCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused := apierror.New(codes.FailedPrecondition, pb.ErrorReason_VENDOR_CREDENTIALS_REJECTED, "no")
		for _, v := range []vendors.Vendor{{ID: "a", Adapter: slow{}}, {ID: "b", Adapter: slow{err: refused}}} {
			c := v.Check(t.Context())
			failed := c.Err != nil && c.Err.Reason == refused.Reason && c.Err.Metadata[apierror.Vendor] == "b"
			if c.Vendor.ID != v.ID || c.AccessLevel != "OWNER" || c.Latency != time.Second || failed != (v.ID == "b") {
				t.Errorf("%+v", c)
			}
		}
	})
}
