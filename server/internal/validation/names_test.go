package validation_test

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

func TestNamesBecomeCanonical(t *testing.T) {
	v := newValidator(t)
	for _, c := range []struct{ req, want proto.Message }{
		{&pb.GetSiteRequest{Name: "vendors/v/sites/a%2fb%20%41:c@d"}, &pb.GetSiteRequest{Name: "vendors/v/sites/a%2Fb A:c@d"}},
		{&pb.GetSiteRequest{Name: "vendors/v/sites/50%25"}, &pb.GetSiteRequest{Name: "vendors/v/sites/50%25"}},
		{&pb.ListSitesRequest{Parent: "vendors/%76"}, &pb.ListSitesRequest{Parent: "vendors/v"}},
		{
			&pb.DeleteDrmAccountDeviceRequest{Name: "vendors/v/drmAccounts/%75/devices/%2F"},
			&pb.DeleteDrmAccountDeviceRequest{Name: "vendors/v/drmAccounts/u/devices/%2F"},
		},
		{
			&pb.UpdateMemberRequest{Member: &pb.Member{Name: "vendors/v/members/%37", Group: pb.Member_CLIENT}},
			&pb.UpdateMemberRequest{Member: &pb.Member{Name: "vendors/v/members/7", Group: pb.Member_CLIENT}, UpdateMask: mask("group")},
		},
		{
			&pb.BatchDeleteProductLicensesRequest{Parent: "vendors/v", Names: []string{"vendors/v/productLicenses/1", "vendors/v/productLicenses/%32"}},
			&pb.BatchDeleteProductLicensesRequest{Parent: "vendors/v", Names: []string{"vendors/v/productLicenses/1", "vendors/v/productLicenses/2"}},
		},
		{
			&pb.BatchCreateProductLicensesRequest{Parent: "vendors/v", Requests: []*pb.CreateProductLicenseRequest{{ProductLicense: &pb.ProductLicense{User: "%75", Product: "vendors/v/products/%70"}}}},
			&pb.BatchCreateProductLicensesRequest{Parent: "vendors/v", Requests: []*pb.CreateProductLicenseRequest{{ProductLicense: &pb.ProductLicense{User: "%75", Product: "vendors/v/products/p"}}}},
		},
		{
			&pb.ListMutationsRequest{Filter: &pb.MutationFilter{Resource: "vendors/v/sites/a%2fb%41"}},
			&pb.ListMutationsRequest{Filter: &pb.MutationFilter{Resource: "vendors/v/sites/a%2FbA"}},
		},
		{
			&pb.ListAuditEventsRequest{Filter: &pb.AuditEventFilter{Resource: "mutations/%41"}},
			&pb.ListAuditEventsRequest{Filter: &pb.AuditEventFilter{Resource: "mutations/A"}},
		},
	} {
		before := proto.CloneOf(c.req)
		if err := v.Request(c.req); err != nil || !proto.Equal(c.req, c.want) {
			t.Errorf("%v became %v, %v; want %v", before, c.req, err, c.want)
		}
	}
}

func TestNamesThatAreNone(t *testing.T) {
	v := newValidator(t)
	for _, c := range []struct {
		req  proto.Message
		want string
	}{
		{&pb.GetSiteRequest{}, "name"},
		{&pb.GetSiteRequest{Name: "vendors/v"}, "name"},
		{&pb.GetSiteRequest{Name: "vendors/v/sites/"}, "name"},
		{&pb.GetSiteRequest{Name: "vendors/v/sites/50%"}, "name"},
		{&pb.GetSiteRequest{Name: "vendors/v/sites/%00"}, "name"},
		{&pb.GetSiteRequest{Name: "vendors/v/sites/a/b"}, "name"},
		{&pb.GetIntegrationRequest{Name: "vendors/v/sites/s/usage"}, "name"},
		{&pb.GetMutationRequest{Name: "vendors/v"}, "name"},
		{&pb.ListSitesRequest{Parent: "vendors/v/sites/s"}, "parent"},
		{&pb.ListLicensesRequest{}, "parent"},
		{&pb.CreateProductLicenseRequest{ProductLicense: &pb.ProductLicense{User: "u", Product: "vendors/v/products/p"}}, "parent"},
		{&pb.UpdateSiteRequest{Site: &pb.Site{DisplayName: "n"}}, "site.name"},
		{&pb.UpdateIntegrationRequest{Integration: &pb.Integration{Name: "vendors/v/sites/s", LicenseCallbackUrl: "u"}}, "integration.name"},
		{&pb.BatchDeleteProductLicensesRequest{Parent: "vendors/v", Names: []string{"vendors/v/productLicenses/1", "2"}}, "names[1]"},
		{&pb.BatchDeleteProductLicensesRequest{Parent: "vendors/v", Names: []string{""}}, "names[0]"},
		{&pb.ReplaceProductLicenseRequest{Name: "vendors/v/productLicenses/1", ProductLicense: &pb.ProductLicense{User: "u", Product: "p"}}, "product_license.product"},
		{&pb.ListMutationsRequest{Filter: &pb.MutationFilter{Resource: "vendors//sites/s"}}, "filter.resource"},
		{&pb.ListAuditEventsRequest{Filter: &pb.AuditEventFilter{Resource: "vendors/v/sites/50%"}}, "filter.resource"},
	} {
		err := v.Request(c.req)
		wantViolated(t, err, c.want)
		if d := described(err, c.want); d.GetReason() != "RESOURCE_NAME" || d.GetDescription() == "" {
			t.Errorf("%v: %v", c.req, d)
		}
	}
}

func TestTheWildcardIsForTheParentsOfLists(t *testing.T) {
	v := newValidator(t)
	for _, req := range []proto.Message{
		&pb.ListSitesRequest{Parent: "vendors/-"},
		&pb.ListLicensesRequest{Parent: "vendors/-/sites/-"},
		&pb.ListLicensesRequest{Parent: "vendors/v/sites/-"},
		&pb.ListProductLicensesRequest{Parent: "vendors/-"},
	} {
		if err := v.Request(req); err != nil {
			t.Errorf("%v: %v", req, err)
		}
	}
	for _, c := range []struct {
		req  proto.Message
		want string
	}{
		{&pb.GetVendorRequest{Name: "vendors/-"}, "name"},
		{&pb.GetSiteRequest{Name: "vendors/v/sites/-"}, "name"},
		{&pb.GetSiteRequest{Name: "vendors/%2D/sites/s"}, "name"},
		{&pb.DisableSiteRequest{Name: "vendors/-/sites/s"}, "name"},
		{&pb.StreamLicensesRequest{Parent: "vendors/-/sites/-"}, "parent"},
		{&pb.CreateProductRequest{Parent: "vendors/-", Product: &pb.Product{}}, "parent"},
		{&pb.UpdateProductRequest{Product: &pb.Product{Name: "vendors/-/products/p", Buyable: true}}, "product.name"},
		{&pb.BatchDeleteProductLicensesRequest{Parent: "vendors/v", Names: []string{"vendors/v/productLicenses/-"}}, "names[0]"},
	} {
		err := v.Request(c.req)
		wantViolated(t, err, c.want)
		if d := described(err, c.want); !strings.Contains(d.GetDescription(), `"-"`) {
			t.Errorf("%v: %q does not say why", c.req, d.GetDescription())
		}
	}
}

// The adapter of one vendor reads an id out of a name and trusts that it is its own: another
// vendor's license 9 must not revoke this one's.
func TestARequestNamesOneVendorsResources(t *testing.T) {
	v := newValidator(t)
	license := &pb.ProductLicense{User: "u", Product: "vendors/other/products/p"}
	for _, c := range []struct {
		req  proto.Message
		want string
	}{
		{&pb.BatchDeleteProductLicensesRequest{Parent: "vendors/v", Names: []string{"vendors/v/productLicenses/8", "vendors/other/productLicenses/9"}}, "names[1]"},
		{&pb.CreateProductLicenseRequest{Parent: "vendors/v", ProductLicense: proto.CloneOf(license)}, "product_license.product"},
		{&pb.ReplaceProductLicenseRequest{Name: "vendors/v/productLicenses/1", ProductLicense: proto.CloneOf(license)}, "product_license.product"},
		{&pb.BatchCreateProductLicensesRequest{Parent: "vendors/v", Requests: []*pb.CreateProductLicenseRequest{{Parent: "vendors/other", ProductLicense: &pb.ProductLicense{User: "u", Product: "vendors/v/products/p"}}}}, "requests[0].parent"},
	} {
		wantViolated(t, v.Request(c.req), c.want)
	}
}

// A resource that was read can be sent back as it is, and what a client says in fields that are not
// its own does no harm (AIP-133, AIP-203).
func TestFieldsThatAreNotTheCallersAreNotChecked(t *testing.T) {
	v := newValidator(t)
	for _, req := range []proto.Message{
		&pb.CreateMemberRequest{Parent: "vendors/v", Member: &pb.Member{Name: "me", Email: "a@b.example"}},
		&pb.CreateSiteOrderRequest{Parent: "vendors/v", SiteOrder: &pb.SiteOrder{DisplayName: "n", Site: "none"}},
		&pb.CreateProductRequest{Parent: "vendors/v", Product: &pb.Product{Name: "vendors/other/products/p"}},
		&pb.UpdateSiteRequest{Site: &pb.Site{Name: "vendors/v/sites/s", DisplayName: "n", Usage: &pb.Usage{Name: "x"}}},
	} {
		if err := v.Request(req); err != nil {
			t.Errorf("%v: %v", req, err)
		}
	}
}

func TestTheResourceWithinARequestHasNoOtherName(t *testing.T) {
	v := newValidator(t)
	replace := func(within string) *pb.ReplaceProductLicenseRequest {
		return &pb.ReplaceProductLicenseRequest{Name: "vendors/v/productLicenses/1", ProductLicense: &pb.ProductLicense{Name: within, User: "u", Product: "vendors/v/products/p"}}
	}
	for _, same := range []string{"", "vendors/v/productLicenses/1", "vendors/v/productLicenses/%31"} {
		wantViolated(t, v.Request(replace(same)))
	}
	for _, other := range []string{"vendors/v/productLicenses/2", "1", "%"} {
		err := v.Request(replace(other))
		wantViolated(t, err, "product_license.name")
		if text := describedText(err, "product_license.name"); !strings.Contains(text, other) || !strings.Contains(text, "vendors/v/productLicenses/1") {
			t.Errorf("%q does not say both names", text)
		}
	}
}

func TestEveryNameOfARequestHasABound(t *testing.T) {
	v := newValidator(t)
	long := "vendors/v/sites/" + strings.Repeat("x", names.MaxLength)
	tried := 0
	protoregistry.GlobalFiles.RangeFilesByPackage("drmhub.v1", func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			methods := file.Services().Get(i).Methods()
			for j := range methods.Len() {
				for _, path := range namePaths(methods.Get(j).Input(), true) {
					tried++
					req, err := protoregistry.GlobalTypes.FindMessageByName(methods.Get(j).Input().FullName())
					if err != nil {
						t.Fatal(err)
					}
					m := req.New()
					setText(m, strings.Split(path, "."), long)
					if path = strings.Replace(path, "names", "names[0]", 1); !strings.Contains(describedText(v.Request(m.Interface()), path), "at most 1000 bytes") {
						t.Errorf("%s takes a %s of %d bytes", methods.Get(j).FullName(), path, len(long))
					}
				}
			}
		}
		return true
	})
	if tried < 45 {
		t.Errorf("only %d names were found in the contract", tried)
	}
}

// namePaths are the fields that hold names, by what they are called: those of the request, and of a
// resource that it changes.
func namePaths(m protoreflect.MessageDescriptor, deep bool) (paths []string) {
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		switch {
		case slices.Contains([]protoreflect.Name{"name", "names", "parent", "resource"}, f.Name()):
			paths = append(paths, string(f.Name()))
		case deep && f.Message() != nil && !f.IsList() && (f.Name() == "filter" || strings.HasPrefix(string(m.Name()), "Update")):
			for _, inner := range namePaths(f.Message(), false) {
				paths = append(paths, string(f.Name())+"."+inner)
			}
		}
	}
	return paths
}

func setText(m protoreflect.Message, path []string, text string) {
	f := m.Descriptor().Fields().ByName(protoreflect.Name(path[0]))
	switch {
	case len(path) > 1:
		setText(m.Mutable(f).Message(), path[1:], text)
	case f.IsList():
		m.Mutable(f).List().Append(protoreflect.ValueOfString(text))
	default:
		m.Set(f, protoreflect.ValueOfString(text))
	}
}

func describedText(err error, field string) string {
	if err == nil {
		return ""
	}
	return described(err, field).GetDescription()
}
