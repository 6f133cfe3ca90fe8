package gateway_test

import (
	"slices"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

func TestWithoutAMaskTheBodySaysWhatChanges(t *testing.T) {
	ask := requests(t)
	const product, member = "/v1/vendors/v/products/p", "/v1/vendors/v/members/m"
	for _, c := range []struct {
		path, body string
		want       []string
	}{
		{product, `{"description":"b","displayName":"a"}`, []string{"display_name", "description"}},
		{product, `{"display_name":"a"}`, []string{"display_name"}},
		// to be emptied
		{product, `{"displayName":"","buyable":false,"price":null}`, []string{"display_name", "buyable", "price"}},
		{product, `{"price":{"amount":5,"currency":"EUR"}}`, []string{"price"}},
		{product + "?validateOnly=true", `{"name":"vendors/v/products/p","visible":true}`, []string{"visible"}},
		{member, `{"group":"CLIENT","state":"STATE_UNSPECIFIED"}`, []string{"group"}},
		{member, `{"group":null,"state":"ACTIVE","vendorState":"MT001","email":"a@b.example","createDate":"2024-02-29"}`, []string{"state"}},
		{member, `{"group":0}`, nil},
		{member, `{"name":"vendors/v/members/m","email":"a@b.example"}`, nil},
		{member, `{}`, nil},
		{member, ``, nil},
		{"/v1/vendors/v/sites/s/integration", `{"tokenDuration":"60s","iv":"x"}`, []string{"token_duration"}},
	} {
		r, got := ask("PATCH", c.path, c.body)
		req, _ := got.(interface{ GetUpdateMask() *fieldmaskpb.FieldMask })
		if req == nil || !slices.Equal(req.GetUpdateMask().GetPaths(), c.want) {
			t.Errorf("%s: got %v, want %q: %s", c.body, got, c.want, r.text)
		}
	}
}

func TestAMaskCountsMoreThanTheBody(t *testing.T) {
	ask := requests(t)
	r, got := ask("PATCH", "/v1/vendors/v/products/p?updateMask=visible", `{"displayName":"a"}`)
	if req, _ := got.(*pb.UpdateProductRequest); !slices.Equal(req.GetUpdateMask().GetPaths(), []string{"visible"}) {
		t.Errorf("got %v: %s", got, r.text)
	}
}

// What a GET answers, PATCH takes as it is, and changes only what can be changed.
func TestAResourceThatWasReadCanBeSentBack(t *testing.T) {
	ask := requests(t)
	for _, c := range []struct {
		resource proto.Message
		path     string
		want     []string
	}{
		{&pb.Site{Name: "vendors/v/sites/s", SiteId: "s", DisplayName: "n", PolicyId: "0", State: pb.Site_RUNNING, Enabled: true, Usage: &pb.Usage{Name: "vendors/v/sites/s/usage"}}, "/v1/vendors/v/sites/s", []string{"display_name", "policy_id"}},
		{&pb.Member{Name: "vendors/v/members/m", Email: "a@b.example", VendorGroup: "1099", State: pb.Member_ACTIVE}, "/v1/vendors/v/members/m", []string{"state"}},
		{&pb.Integration{Name: "vendors/v/sites/s/integration", Credentials: []*pb.Integration_Credential{{Id: "key", Redacted: true}}}, "/v1/vendors/v/sites/s/integration", []string{"license_callback_url", "package_callback_url", "token_duration"}},
		{&pb.Product{Name: "vendors/v/products/p"}, "/v1/vendors/v/products/p", []string{"display_name", "description", "buyable", "visible", "price", "recurring"}},
	} {
		body, err := protojson.MarshalOptions{EmitUnpopulated: true}.Marshal(c.resource)
		if err != nil {
			t.Fatal(err)
		}
		r, got := ask("PATCH", c.path, string(body))
		req, _ := got.(interface{ GetUpdateMask() *fieldmaskpb.FieldMask })
		if req == nil || !slices.Equal(req.GetUpdateMask().GetPaths(), c.want) {
			t.Errorf("%s: got %v, want %q: %s", body, got, c.want, r.text)
		}
	}
}
