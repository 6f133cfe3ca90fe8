package contract_test

import (
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/contract"
)

func TestRPCs(t *testing.T) {
	all := contract.RPCs()
	if len(all) < 44 {
		t.Fatalf("only %d RPCs", len(all))
	}
	for _, rpc := range all {
		if contract.Lookup(rpc.Name) != rpc || contract.Lookup(rpc.FullMethod()) != rpc {
			t.Errorf("Lookup does not find %s", rpc.Name)
		}
		if rpc.Scope == "" || rpc.HTTP.Template == "" {
			t.Errorf("%s has the scope %q and the path %q", rpc.Name, rpc.Scope, rpc.HTTP.Template)
		}
		if reads := strings.HasSuffix(rpc.Scope, ":read"); reads && (rpc.Mutating || rpc.HTTP.Method == "PATCH") {
			t.Errorf("%s changes something with the scope %q", rpc.Name, rpc.Scope)
		}
	}
	if contract.Lookup("/drmhub.v1.SiteService/Explode") != nil || contract.Mutates("/drmhub.v1.SiteService/Explode") {
		t.Error("Lookup finds a method that is not in the contract")
	}
}

// TestMutating compares the scope with the fields that every mutating request has.
func TestMutating(t *testing.T) {
	for _, rpc := range contract.RPCs() {
		_, has := rpc.NewRequest().(interface {
			GetRequestId() string
			GetValidateOnly() bool
		})
		if want := has && rpc.FullMethod() != pb.MutationService_ResendMutation_FullMethodName; rpc.Mutating != want {
			t.Errorf("%s: mutating %t, and has a request_id and validate_only: %t", rpc.Name, rpc.Mutating, has)
		}
	}
}

func TestRuleAndBodyType(t *testing.T) {
	for _, c := range []struct {
		method, bodyType string
		want             contract.Rule
	}{
		{pb.VendorService_ListVendors_FullMethodName, "", contract.Rule{
			Method: "GET", Template: "/v1/vendors", Pattern: "/v1/vendors",
		}},
		{pb.SiteService_UpdateSite_FullMethodName, "Site", contract.Rule{
			Method: "PATCH", Template: "/v1/{site.name=vendors/*/sites/*}", Pattern: "/v1/vendors/*/sites/*",
			Fields: []string{"site.name"}, Body: "site",
		}},
		{pb.SiteService_DisableSite_FullMethodName, "DisableSiteRequest", contract.Rule{
			Method: "POST", Template: "/v1/{name=vendors/*/sites/*}:disable", Pattern: "/v1/vendors/*/sites/*:disable",
			Fields: []string{"name"}, Body: "*",
		}},
	} {
		rpc := contract.Lookup(c.method)
		if !reflect.DeepEqual(rpc.HTTP, c.want) {
			t.Errorf("%s: %+v, want %+v", c.method, rpc.HTTP, c.want)
		}
		got := ""
		if body := rpc.BodyType(); body != nil {
			got = string(body.Descriptor().Name())
		}
		if got != c.bodyType {
			t.Errorf("%s takes the body %q, want %q", c.method, got, c.bodyType)
		}
	}
}

func TestResourceName(t *testing.T) {
	for _, c := range []struct {
		req  proto.Message
		want string
	}{
		{&pb.DisableSiteRequest{Name: "vendors/v/sites/s"}, "vendors/v/sites/s"},
		{&pb.UpdateSiteRequest{Site: &pb.Site{Name: "vendors/v/sites/s"}}, "vendors/v/sites/s"},
		{&pb.UpdateSiteRequest{}, ""},
		{&pb.ListSitesRequest{Parent: "vendors/v"}, "vendors/v"},
		{&pb.CreateMemberRequest{Parent: "vendors/v", Member: &pb.Member{Name: "no name yet"}}, "vendors/v"},
		{&pb.ReplaceProductLicenseRequest{Name: "l", ProductLicense: &pb.ProductLicense{Name: "ignored"}}, "l"},
		{&pb.BatchDeleteProductLicensesRequest{Parent: "vendors/v", Names: []string{"l"}}, "vendors/v"},
		{&pb.ListVendorsRequest{}, ""},
	} {
		if got := contract.ResourceName(c.req); got != c.want {
			t.Errorf("%T: %q, want %q", c.req, got, c.want)
		}
	}
	for _, rpc := range contract.RPCs() {
		if got := contract.ResourceName(rpc.NewRequest()); got != "" {
			t.Errorf("an empty request of %s is for %q", rpc.Name, got)
		}
	}
}

func TestSetIgnoresAMissingField(t *testing.T) {
	req := &pb.ListSitesRequest{}
	contract.Set(req, "parent", "vendors/v")
	contract.Set(req, "no_such_field", "x")
	if !proto.Equal(req, &pb.ListSitesRequest{Parent: "vendors/v"}) {
		t.Errorf("%v", req)
	}
}
