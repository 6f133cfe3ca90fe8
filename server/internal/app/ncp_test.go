package app_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	ncp "github.com/drmhub/drmhub/adapters/ncp/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// The sites of the examples in "Disable site" and "View license issuance history", and others.
const (
	ncpSites   = "vendors/ncp/sites/"
	mySite     = ncpSites + "drm-20231101082316-dJDGa"
	watched    = ncpSites + "drm-20231115142326-nHyNw"
	switchedOn = ncpSites + "drm-20240101000000-onOnO"
	creating   = ncpSites + "drm-20240102000000-crCrC"
)

// withNCP adds the vendor "ncp".
func withNCP(now time.Time) func(*testing.T, *testServer) {
	return func(t *testing.T, h *testServer) {
		h.ncp = newNCP(now)
		h.add(t, "ncp", "ncp", h.ncp.Twin)
	}
}

// newNCP is a twin with the documented sites and licenses. Its clock stands at now, which the
// gateway compares with that of a request.
func newNCP(now time.Time) *ncp.Emulator {
	e := ncp.New(ncp.Options{Clock: twin.FrozenClock(now)})
	updated := time.UnixMilli(1696817889000)
	e.PutPolicies(ncp.Policy{PolicyID: 7, PolicyName: "Rental"})
	e.PutSites( // not in the order of their ids
		ncp.Site{SiteID: "drm-20240101000000-onOnO", SiteName: "switched_on", Enabled: true, CreatedTime: updated, UpdatedTime: updated},
		ncp.Site{SiteID: "drm-20231101082316-dJDGa", SiteName: "myDrmTest", Status: ncp.StatusReady, Enabled: true, CreatedTime: updated, UpdatedTime: updated},
		ncp.Site{SiteID: "drm-20231115142326-nHyNw", SiteName: "watched", Enabled: true, CreatedTime: updated, UpdatedTime: updated},
		ncp.Site{SiteID: "drm-20240102000000-crCrC", SiteName: "creating", Status: ncp.StatusCreating, CreatedTime: updated, UpdatedTime: updated},
	)
	row := ncp.License{
		ContentID: "myFirst-Drm-cnt", DRMType: "Widevine", UserIDMD5: "d41d8cd98f00b204e9800998ecf8427e",
		DeviceID: "23abfd802575758cb3bfdc147e819fc6", DeviceModel: "ChromeCDM-Mac-ARM64-9", PlatformName: "PLATFORM_MAC_OS",
	}
	for _, at := range []string{"20231120085603", "20231120085625", "20231120085658", "20231120085658", "20231120095732"} {
		row.CreatedTime, _ = time.Parse("20060102150405", at)
		e.PutLicenses("drm-20231115142326-nHyNw", row)
	}
	refused := row
	refused.ContentID, refused.UserID, refused.UserIDMD5, refused.LicenseStatus = "second", "viewer-1", "", ncp.StatusFail
	refused.CreatedTime = time.Date(2023, 11, 21, 0, 0, 0, 0, time.UTC)
	recent := row
	recent.CreatedTime = now
	e.PutLicenses("drm-20231115142326-nHyNw", refused, recent)
	e.PutLicenses("drm-20240101000000-onOnO", recent)
	return e
}

// licensesOfNCP is ListLicenses of the watched site, with so many conditions.
func licensesOfNCP(filter *pb.LicenseFilter) call {
	return listLicenses(watched, filter)
}

// ncpCases are an ordinary case and the most important error of every RPC that NAVER Cloud has.
func ncpCases() []rpcCase {
	denied := ncp.New(ncp.Options{}).GatewayFault(ncp.PermissionDenied)
	at := func(text string) *timestamppb.Timestamp {
		v, _ := time.Parse(time.RFC3339, text)
		return timestamppb.New(v)
	}
	rename := func(name, to, policy string, mask ...string) call {
		return rpc(&pb.UpdateSiteRequest{Site: &pb.Site{Name: name, DisplayName: to, PolicyId: policy}, UpdateMask: &fieldmaskpb.FieldMask{Paths: mask}})
	}
	order := func(name string, keys *pb.FairPlayKeys) call {
		return rpc(&pb.CreateSiteOrderRequest{Parent: "vendors/ncp", SiteOrder: &pb.SiteOrder{DisplayName: name, FairplayCertificate: keys}})
	}
	getOrder := func(id string) call {
		return rpc(&pb.GetSiteOrderRequest{Name: "vendors/ncp/siteOrders/" + id})
	}
	enable := func(name string) call {
		return rpc(&pb.EnableSiteRequest{Name: name})
	}
	get := func(name string) call {
		return rpc(&pb.GetSiteRequest{Name: name})
	}
	usage := func(name, date string) call {
		return rpc(&pb.GetUsageRequest{Name: name + "/usage", Date: date})
	}
	stream := func(parent string, filter *pb.LicenseFilter) call {
		return rpc(&pb.StreamLicensesRequest{Parent: parent, Filter: filter})
	}

	return []rpcCase{
		ok("ListSites", `"displayName":"myDrmTest"`, listSites("vendors/ncp")),
		fails("ListSites: not allowed", pb.ErrorReason_VENDOR_PERMISSION_DENIED, "",
			listSites("vendors/ncp")).during(denied),
		ok("GetSite: of the example", `"updateTime":"2023-10-09T02:18:09Z"`, get(mySite)),
		missing("GetSite: none", "drm-none", get(ncpSites+"drm-none")),
		missing("GetSite: what is another call of the vendor's", "drm-none", get(ncpSites+"drm-none%2Foff")),

		ok("UpdateSite", `"displayName":"renamed"`, rename(mySite, "renamed", "7", "display_name", "policy_id")),
		ok("UpdateSite: as it is", `"policyId":"7"`,
			rename(mySite, "renamed", "7", "display_name", "policy_id")).withoutWrite(),
		invalid("UpdateSite: too short a name", "site.display_name",
			rename(mySite, "no", "7", "display_name", "policy_id")),
		fails("UpdateSite: no such policy", pb.ErrorReason_VENDOR_INPUT_REFUSED, "280003",
			rename(mySite, "renamed", "8", "display_name", "policy_id")),

		ok("CreateSiteOrder", `"state":"PENDING"`, order("sports", nil)),
		ok("CreateSiteOrder: with a certificate", `"displayName":"sports_fps"`,
			order("sports_fps", &pb.FairPlayKeys{
				CertificateUri: "https://keys.example/fps.cer", PrivateKeyUri: "https://keys.example/signed-9f3c/fps.pem", KeyPassword: "0pen-Sesame", ApplicationSecretKey: "00112233445566778899aabbccddeeff",
			})),
		invalid("CreateSiteOrder: half a certificate", "site_order.fairplay_certificate.private_key_uri",
			order("sports_fps", &pb.FairPlayKeys{CertificateUri: "https://keys.example/fps.cer"})),
		ok("GetSiteOrder: fulfilled", `"state":"APPROVED"`, getOrder("drm-20231115142326-nHyNw")),
		ok("GetSiteOrder: not yet", `"vendorStatus":"CREATING"`, getOrder("drm-20240102000000-crCrC")),
		missing("GetSiteOrder: none", "drm-none", getOrder("drm-none")),

		ok("DisableSite: of the example", `"enabled":false`, disableSite(mySite, "")),
		ok("DisableSite: it is off", `"state":"APPLIED"`, disableSite(mySite, "")).withoutWrite(),
		missing("DisableSite: none", "drm-none", disableSite(ncpSites+"drm-none", "")),
		ok("EnableSite", `"enabled":true`, enable(mySite)),
		ok("EnableSite: it is on", `"type":"RESUME"`, enable(switchedOn)).withoutWrite(),
		fails("EnableSite: it is not there yet", pb.ErrorReason_VENDOR_STATE, "281004", enable(creating)),

		ok("ListLicenses: of the example", `"userIdMd5":"d41d8cd98f00b204e9800998ecf8427e"`, licensesOfNCP(nil)),
		ok("ListLicenses: equal rows as often as they are held", `{"contentId":"myFirst-Drm-cnt","createTime":"2023-11-20T08:56:58Z"`,
			licensesOfNCP(&pb.LicenseFilter{StartTime: at("2023-11-20T08:56:58Z"), EndTime: at("2023-11-20T08:56:59Z")})),
		ok("ListLicenses: of a user", `"contentId":"second"`, licensesOfNCP(&pb.LicenseFilter{UserId: "viewer-1"})),
		ok("ListLicenses: refused ones", `"status":"FAILURE"`,
			licensesOfNCP(&pb.LicenseFilter{Status: pb.License_FAILURE})),
		ok("ListLicenses: of part of a content", `"licenses":[]`,
			licensesOfNCP(&pb.LicenseFilter{ContentId: "myFirst"})),
		missing("ListLicenses: of no site", "drm-none", listLicenses(ncpSites+"drm-none", nil)),
		ok("StreamLicenses", `"createTime":"2023-11-20T09:57:32Z"`, stream(watched, nil)),
		ok("StreamLicenses: chosen", `"contentId":"second"`,
			stream(watched, &pb.LicenseFilter{UserId: "viewer-1", DrmType: pb.License_WIDEVINE})),
		missing("StreamLicenses: of no site", "drm-none", stream(ncpSites+"drm-none", nil)),
		ok("GetUsage", `"monthlyActiveLicenses":1,"monthlyActiveUsers":1`, usage(watched, "")),
		invalid("GetUsage: of a day that is over", "date", usage(watched, "2023-11-20")),
	}
}

func TestNCPOverBothFaces(t *testing.T) {
	now := time.Now()
	overGRPC, overREST := start(t, withNCP(now)), start(t, withNCP(now))
	for _, c := range ncpCases() {
		t.Run(c.name, func(t *testing.T) { c.check(t, overGRPC, overREST) })
	}
	for _, h := range []*testServer{overGRPC, overREST} {
		var kinds []string
		for _, e := range h.ncp.Ledger().Effects() {
			kinds = append(kinds, e.Kind)
		}
		wantEqual(t, kinds, []string{ncp.EffectSiteUpdated, ncp.EffectSiteCreated, ncp.EffectSiteCreated, ncp.EffectSiteDisabled, ncp.EffectSiteEnabled})
	}
}

// TestEqualLicensesOfNCP is the example in "View license issuance history", which has two equal
// rows.
func TestEqualLicensesOfNCP(t *testing.T) {
	h := start(t, withNCP(time.Now()))
	req := &pb.ListLicensesRequest{Parent: watched, PageSize: 2, Filter: &pb.LicenseFilter{EndTime: timestamppb.New(time.Date(2023, 11, 21, 0, 0, 0, 0, time.UTC))}}
	var times []string
	for {
		page, err := pb.NewLicenseServiceClient(h.conn).ListLicenses(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range page.GetLicenses() {
			times = append(times, l.GetCreateTime().AsTime().Format("20060102150405"))
		}
		if req.PageToken = page.GetNextPageToken(); req.GetPageToken() == "" {
			break
		}
	}
	wantEqual(t, times, []string{"20231120095732", "20231120085658", "20231120085658", "20231120085625", "20231120085603"})
}
