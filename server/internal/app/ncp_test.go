package app_test

import (
	"strconv"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
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
func withNCP(now time.Time) func(*testing.T, *hub) {
	return func(t *testing.T, h *hub) {
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
func licensesOfNCP(query string, filter *pb.LicenseFilter) call {
	return listLicenses(watched, query, filter)
}

// ncpCases are an ordinary case and the most important error of every RPC that NAVER Cloud has.
func ncpCases() []case_ {
	const v1 = "/v1/"
	none := case_{code: codes.NotFound, http: 404, reason: pb.ErrorReason_RESOURCE_NOT_FOUND, holds: "drm-none"}
	missing := func(name string, c call) case_ {
		m := none
		m.name, m.call = name, c
		return m
	}
	denied := ncp.New(ncp.Options{}).GatewayFault(ncp.PermissionDenied)
	at := func(text string) *timestamppb.Timestamp {
		v, _ := time.Parse(time.RFC3339, text)
		return timestamppb.New(v)
	}
	rename := func(name, to, policy string, mask ...string) call {
		return operation(pb.SiteService_UpdateSite_FullMethodName,
			&pb.UpdateSiteRequest{Site: &pb.Site{Name: name, DisplayName: to, PolicyId: policy}, UpdateMask: &fieldmaskpb.FieldMask{Paths: mask}},
			"PATCH "+v1+name+"?updateMask=displayName,policyId", `{"displayName":`+strconv.Quote(to)+`,"policyId":`+strconv.Quote(policy)+`}`)
	}
	order := func(name string, keys *pb.FairPlayKeys, body string) call {
		return operation(pb.SiteService_CreateSiteOrder_FullMethodName,
			&pb.CreateSiteOrderRequest{Parent: "vendors/ncp", SiteOrder: &pb.SiteOrder{DisplayName: name, FairplayCertificate: keys}}, "POST /v1/vendors/ncp/siteOrders", body)
	}
	getOrder := func(id string) call {
		return operation(pb.SiteService_GetSiteOrder_FullMethodName, &pb.GetSiteOrderRequest{Name: "vendors/ncp/siteOrders/" + id}, "GET /v1/vendors/ncp/siteOrders/"+id, "")
	}
	enable := func(name string) call {
		return operation(pb.SiteService_EnableSite_FullMethodName, &pb.EnableSiteRequest{Name: name}, "POST "+v1+name+":enable", "{}")
	}
	get := func(name string) call {
		return operation(pb.SiteService_GetSite_FullMethodName, &pb.GetSiteRequest{Name: name}, "GET "+v1+name, "")
	}
	usage := func(name, query, date string) call {
		return operation(pb.LicenseService_GetUsage_FullMethodName, &pb.GetUsageRequest{Name: name + "/usage", Date: date}, "GET "+v1+name+"/usage"+query, "")
	}
	stream := func(parent, query string, filter *pb.LicenseFilter) call {
		return operation(pb.LicenseService_StreamLicenses_FullMethodName, &pb.StreamLicensesRequest{Parent: parent, Filter: filter}, "GET "+v1+parent+"/licenses:stream"+query, "")
	}

	return []case_{
		{name: "ListSites", http: 200, holds: `"displayName":"myDrmTest"`, call: listSites("vendors/ncp", "")},
		{name: "ListSites: not allowed", fault: &denied, code: codes.FailedPrecondition, http: 400, reason: pb.ErrorReason_VENDOR_PERMISSION_DENIED, call: listSites("vendors/ncp", "")},
		{name: "GetSite: of the example", http: 200, holds: `"updateTime":"2023-10-09T02:18:09Z"`, call: get(mySite)},
		missing("GetSite: none", get(ncpSites+"drm-none")),
		missing("GetSite: what is another call of the vendor's", get(ncpSites+"drm-none%2Foff")),

		{name: "UpdateSite", http: 200, holds: `"displayName":"renamed"`, call: rename(mySite, "renamed", "7", "display_name", "policy_id")},
		{name: "UpdateSite: as it is", idle: true, http: 200, holds: `"policyId":"7"`, call: rename(mySite, "renamed", "7", "display_name", "policy_id")},
		{name: "UpdateSite: too short a name", code: codes.InvalidArgument, http: 400, reason: pb.ErrorReason_REQUEST_INVALID, field: "site.display_name", call: rename(mySite, "no", "7", "display_name", "policy_id")},
		{name: "UpdateSite: no such policy", code: codes.InvalidArgument, http: 400, reason: pb.ErrorReason_VENDOR_INPUT_REFUSED, holds: "280003", call: rename(mySite, "renamed", "8", "display_name", "policy_id")},

		{name: "CreateSiteOrder", http: 200, holds: `"state":"PENDING"`, call: order("sports", nil, `{"displayName":"sports"}`)},
		{
			name: "CreateSiteOrder: with a certificate", http: 200, holds: `"displayName":"sports_fps"`,
			call: order("sports_fps", &pb.FairPlayKeys{
				CertificateUri: "https://keys.example/fps.cer", PrivateKeyUri: "https://keys.example/signed-9f3c/fps.pem", KeyPassword: "0pen-Sesame", ApplicationSecretKey: "00112233445566778899aabbccddeeff",
			}, `{"displayName":"sports_fps","fairplayCertificate":{"certificateUri":"https://keys.example/fps.cer","privateKeyUri":"https://keys.example/signed-9f3c/fps.pem","keyPassword":"0pen-Sesame","applicationSecretKey":"00112233445566778899aabbccddeeff"}}`),
		},
		{
			name: "CreateSiteOrder: half a certificate", code: codes.InvalidArgument, http: 400, reason: pb.ErrorReason_REQUEST_INVALID, field: "site_order.fairplay_certificate.private_key_uri",
			call: order("sports_fps", &pb.FairPlayKeys{CertificateUri: "https://keys.example/fps.cer"}, `{"displayName":"sports_fps","fairplayCertificate":{"certificateUri":"https://keys.example/fps.cer"}}`),
		},
		{name: "GetSiteOrder: fulfilled", http: 200, holds: `"state":"APPROVED"`, call: getOrder("drm-20231115142326-nHyNw")},
		{name: "GetSiteOrder: not yet", http: 200, holds: `"vendorStatus":"CREATING"`, call: getOrder("drm-20240102000000-crCrC")},
		missing("GetSiteOrder: none", getOrder("drm-none")),

		{name: "DisableSite: of the example", http: 200, holds: `"enabled":false`, call: disableSite(mySite, "")},
		{name: "DisableSite: it is off", idle: true, http: 200, holds: `"state":"APPLIED"`, call: disableSite(mySite, "")},
		missing("DisableSite: none", disableSite(ncpSites+"drm-none", "")),
		{name: "EnableSite", http: 200, holds: `"enabled":true`, call: enable(mySite)},
		{name: "EnableSite: it is on", idle: true, http: 200, holds: `"type":"RESUME"`, call: enable(switchedOn)},
		{name: "EnableSite: it is not there yet", code: codes.FailedPrecondition, http: 400, reason: pb.ErrorReason_VENDOR_STATE, holds: "281004", call: enable(creating)},

		{name: "ListLicenses: of the example", http: 200, holds: `"userIdMd5":"d41d8cd98f00b204e9800998ecf8427e"`, call: licensesOfNCP("", nil)},
		{name: "ListLicenses: equal rows as often as they are held", http: 200, holds: `{"contentId":"myFirst-Drm-cnt","createTime":"2023-11-20T08:56:58Z"`, call: licensesOfNCP("?filter.startTime=2023-11-20T08:56:58Z&filter.endTime=2023-11-20T08:56:59Z", &pb.LicenseFilter{StartTime: at("2023-11-20T08:56:58Z"), EndTime: at("2023-11-20T08:56:59Z")})},
		{name: "ListLicenses: of a user", http: 200, holds: `"contentId":"second"`, call: licensesOfNCP("?filter.userId=viewer-1", &pb.LicenseFilter{UserId: "viewer-1"})},
		{name: "ListLicenses: refused ones", http: 200, holds: `"status":"FAILURE"`, call: licensesOfNCP("?filter.status=FAILURE", &pb.LicenseFilter{Status: pb.License_FAILURE})},
		{name: "ListLicenses: of part of a content", http: 200, holds: `"licenses":[]`, call: licensesOfNCP("?filter.contentId=myFirst", &pb.LicenseFilter{ContentId: "myFirst"})},
		missing("ListLicenses: of no site", listLicenses(ncpSites+"drm-none", "", nil)),
		{name: "StreamLicenses", http: 200, holds: `"createTime":"2023-11-20T09:57:32Z"`, call: stream(watched, "", nil)},
		{name: "StreamLicenses: chosen", http: 200, holds: `"contentId":"second"`, call: stream(watched, "?filter.userId=viewer-1&filter.drmType=WIDEVINE", &pb.LicenseFilter{UserId: "viewer-1", DrmType: pb.License_WIDEVINE})},
		missing("StreamLicenses: of no site", stream(ncpSites+"drm-none", "", nil)),
		{name: "GetUsage", http: 200, holds: `"monthlyActiveLicenses":1,"monthlyActiveUsers":1`, call: usage(watched, "", "")},
		{name: "GetUsage: of a day that is over", code: codes.InvalidArgument, http: 400, reason: pb.ErrorReason_REQUEST_INVALID, field: "date", call: usage(watched, "?date=2023-11-20", "2023-11-20")},
	}
}

func TestNCPOverBothFaces(t *testing.T) {
	now := time.Now()
	overGRPC, overREST := start(t, withNCP(now)), start(t, withNCP(now))
	for _, c := range ncpCases() {
		t.Run(c.name, func(t *testing.T) { c.check(t, overGRPC, overREST) })
	}
	for _, h := range []*hub{overGRPC, overREST} {
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
