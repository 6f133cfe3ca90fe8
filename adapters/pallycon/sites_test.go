package pallycon_test

import (
	"testing"

	"google.golang.org/grpc/codes"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

func TestSitesAreReadAsTheGuideDescribesThem(t *testing.T) {
	a, vendor := serve(t, config(), map[string]string{getSites: fixture(t, "account-siteId.json")})
	res, err := a.ListSites(t.Context(), &pb.ListSitesRequest{Parent: "vendors/acme"})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the answer", res, &pb.ListSitesResponse{
		Sites: []*pb.Site{
			{
				Name: demo, SiteId: "DEMO", DisplayName: "Demo site", State: pb.Site_RUNNING, Enabled: true,
				Services: []*pb.Site_ServiceState{
					{Service: pb.Site_DRM, State: pb.Site_ServiceState_ACTIVE, VendorService: "PD001", VendorState: "SE000"},
					{Service: pb.Site_FORENSIC_WATERMARKING, State: pb.Site_ServiceState_SUSPENDED, VendorService: "PD002", VendorState: "SE001"},
				},
			},
			{
				Name: "vendors/acme/sites/TEST", SiteId: "TEST", DisplayName: "Test site", State: pb.Site_SUSPENDED,
				Services: []*pb.Site_ServiceState{{Service: pb.Site_DRM, State: pb.Site_ServiceState_SUSPENDED, VendorService: "PD001", VendorState: "SE001"}},
			},
			{Name: "vendors/acme/sites/N0DR", SiteId: "N0DR", State: pb.Site_SUSPENDED},
		},
		TotalSize: 3,
	})
	if query := vendor.Only(getSites).Query.Encode(); query != "api_code=UC011004100" {
		t.Errorf("the query is %s", query)
	}
}

func TestServicesAndStatesThatNobodyKnowsAreShown(t *testing.T) {
	a, _ := serve(t, config(), map[string]string{getSites: `{"error_code":"0000","data":[{"site_id":"DEMO","service_name":"Demo","product_list":[
		{"service_code":"PD001","status_code":"SE002"},{"service_code":"PD003","status_code":"SE000"}]}],"count":1}`})
	res, err := a.ListSites(t.Context(), &pb.ListSitesRequest{Parent: "vendors/acme"})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the site", res.GetSites()[0], &pb.Site{
		// its DRM is not in service
		Name: demo, SiteId: "DEMO", DisplayName: "Demo", State: pb.Site_SUSPENDED,
		Services: []*pb.Site_ServiceState{
			{Service: pb.Site_DRM, VendorService: "PD001", VendorState: "SE002"},
			{State: pb.Site_ServiceState_ACTIVE, VendorService: "PD003", VendorState: "SE000"},
		},
	})
}

func TestCheckReadsTheSites(t *testing.T) {
	a, vendor := serve(t, config(), map[string]string{getSites: none})
	if level, err := a.Check(t.Context()); level != "" || err != nil {
		t.Errorf("Check answers %q, %v; PallyCon tells no access level", level, err)
	}
	vendor.Only(getSites)
	a, _ = serve(t, config(), map[string]string{getSites: `{"error_code":"7777","error_message":"no"}`})
	_, err := a.Check(t.Context())
	wantError(t, "Check", err, codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED)
}
