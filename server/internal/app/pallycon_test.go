package app_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// furnish gives "acme" the rest of what an account holds.
func furnish(_ *testing.T, h *hub) { fill(h.twin) }

func fill(e *emulator.Emulator) {
	day := func(d int) time.Time { return time.Date(2026, 3, d, 12, 0, 0, 0, time.UTC) }
	e.PutSiteOrders(
		emulator.SiteOrder{Seq: 41, ServiceName: "Shorts", RegTime: day(1)},
		emulator.SiteOrder{Seq: 42, ServiceName: "Demo", SiteID: "DEMO", Status: emulator.OrderApproved, RegTime: day(2), UpdateTime: day(2)},
	)
	e.PutMembers(emulator.Member{MemberSeq: 7, MemberEmail: "anna@example.com", RegTime: day(1)})
	e.PutPackagings("DEMO", emulator.Packaging{CID: "bigbuckbunny", CreatedTime: day(1), UpdateTime: day(2)})
	e.PutIntegration("DEMO", emulator.Integration{SiteKey: "c2l0ZWtleQ==", AccessKey: "accesskey", KMSToken: "kmstoken", IV: "0123456789abcdef", TokenDuration: 10 * time.Minute})
}

// operation is one RPC with its REST call.
func operation(method string, req proto.Message, rest, body string) call {
	return call{method: method, req: req, rest: rest, body: body}
}

// extension is the second status change that is asked for in the cases below: the twin's ids come
// of its seed.
const extension = demo + "/statusChanges/PD001.6cc9e46e000002"

// pallyconCases are an ordinary case and the most important error of every RPC that PallyCon has,
// beside those of faceCases.
func pallyconCases(t *testing.T) []case_ {
	t.Helper()
	const site, v1 = demo, "/v1/"
	keys := fairPlayRequest(t, "0pen-Sesame")
	wrong := proto.CloneOf(keys)
	wrong.KeyPassword = "other"
	report := func(list, query string) string { return "GET " + v1 + site + "/" + list + query }
	badDate := &pb.ReportFilter{StartDate: "2026-02-31"}

	return []case_{
		{name: "GetSite", http: 200, holds: `"siteId":"DEMO"`, call: operation(pb.SiteService_GetSite_FullMethodName, &pb.GetSiteRequest{Name: site}, "GET "+v1+site, "")},
		{name: "GetSite: none", code: codes.NotFound, http: 404, reason: pb.ErrorReason_RESOURCE_NOT_FOUND, call: operation(pb.SiteService_GetSite_FullMethodName, &pb.GetSiteRequest{Name: "vendors/acme/sites/NONE"}, "GET "+v1+"vendors/acme/sites/NONE", "")},
		{name: "ListSiteOrders", http: 200, holds: `"displayName":"Shorts"`, call: operation(pb.SiteService_ListSiteOrders_FullMethodName, &pb.ListSiteOrdersRequest{Parent: "vendors/acme"}, "GET "+v1+"vendors/acme/siteOrders", "")},
		{name: "ListSiteOrders: by site", http: 200, holds: `"state":"APPROVED"`, call: operation(pb.SiteService_ListSiteOrders_FullMethodName, &pb.ListSiteOrdersRequest{Parent: "vendors/acme", Filter: &pb.SiteOrderFilter{SiteId: "DEMO"}}, "GET "+v1+"vendors/acme/siteOrders?filter.siteId=DEMO", "")},
		{name: "ListSiteOrders: no such day", code: codes.InvalidArgument, http: 400, reason: pb.ErrorReason_REQUEST_INVALID, field: "filter.start_date", call: operation(pb.SiteService_ListSiteOrders_FullMethodName, &pb.ListSiteOrdersRequest{Parent: "vendors/acme", Filter: &pb.SiteOrderFilter{StartDate: "2026-02-31"}}, "GET "+v1+"vendors/acme/siteOrders?filter.startDate=2026-02-31", "")},
		{name: "GetSiteOrder", http: 200, holds: `"state":"PENDING"`, call: operation(pb.SiteService_GetSiteOrder_FullMethodName, &pb.GetSiteOrderRequest{Name: "vendors/acme/siteOrders/41"}, "GET "+v1+"vendors/acme/siteOrders/41", "")},
		{name: "GetSiteOrder: none", code: codes.NotFound, http: 404, reason: pb.ErrorReason_RESOURCE_NOT_FOUND, call: operation(pb.SiteService_GetSiteOrder_FullMethodName, &pb.GetSiteOrderRequest{Name: "vendors/acme/siteOrders/99"}, "GET "+v1+"vendors/acme/siteOrders/99", "")},
		{name: "CreateSiteOrder", http: 200, holds: `"displayName":"Sports"`, call: operation(pb.SiteService_CreateSiteOrder_FullMethodName, &pb.CreateSiteOrderRequest{Parent: "vendors/acme", SiteOrder: &pb.SiteOrder{DisplayName: "Sports"}}, "POST "+v1+"vendors/acme/siteOrders", `{"displayName":"Sports"}`)},
		{name: "CreateSiteOrder: without a name", code: codes.InvalidArgument, http: 400, reason: pb.ErrorReason_REQUEST_INVALID, field: "site_order.display_name", call: operation(pb.SiteService_CreateSiteOrder_FullMethodName, &pb.CreateSiteOrderRequest{Parent: "vendors/acme", SiteOrder: &pb.SiteOrder{}}, "POST "+v1+"vendors/acme/siteOrders", `{}`)},

		{name: "EnableSite", http: 200, holds: `"type":"RESUME"`, call: operation(pb.SiteService_EnableSite_FullMethodName, &pb.EnableSiteRequest{Name: "vendors/acme/sites/OFFL"}, "POST "+v1+"vendors/acme/sites/OFFL:enable", "{}")},
		{name: "EnableSite: it is on", idle: true, http: 200, holds: `"state":"APPLIED"`, call: operation(pb.SiteService_EnableSite_FullMethodName, &pb.EnableSiteRequest{Name: site}, "POST "+v1+site+":enable", "{}")},
		{name: "EnableSite: none", code: codes.NotFound, http: 404, reason: pb.ErrorReason_RESOURCE_NOT_FOUND, call: operation(pb.SiteService_EnableSite_FullMethodName, &pb.EnableSiteRequest{Name: "vendors/acme/sites/NONE"}, "POST "+v1+"vendors/acme/sites/NONE:enable", "{}")},
		{name: "ExtendTrial", http: 200, holds: `"type":"EXTEND_TRIAL"`, call: operation(pb.SiteService_ExtendTrial_FullMethodName, &pb.ExtendTrialRequest{Name: site, Message: "please"}, "POST "+v1+site+":extendTrial", `{"message":"please"}`)},
		{name: "ExtendTrial: one waits already", code: codes.FailedPrecondition, http: 400, reason: pb.ErrorReason_VENDOR_REJECTED, call: operation(pb.SiteService_ExtendTrial_FullMethodName, &pb.ExtendTrialRequest{Name: "vendors/acme/sites/OFFL"}, "POST "+v1+"vendors/acme/sites/OFFL:extendTrial", "{}")},
		{name: "ListStatusChanges", http: 200, holds: `"type":"EXTEND_TRIAL"`, call: operation(pb.SiteService_ListStatusChanges_FullMethodName, &pb.ListStatusChangesRequest{Parent: site}, report("statusChanges", ""), "")},
		{name: "ListStatusChanges: of no site", code: codes.NotFound, http: 404, reason: pb.ErrorReason_RESOURCE_NOT_FOUND, call: operation(pb.SiteService_ListStatusChanges_FullMethodName, &pb.ListStatusChangesRequest{Parent: "vendors/acme/sites/NONE"}, "GET "+v1+"vendors/acme/sites/NONE/statusChanges", "")},
		{name: "CancelStatusChange", http: 200, holds: `"state":"CANCELLED"`, call: operation(pb.SiteService_CancelStatusChange_FullMethodName, &pb.CancelStatusChangeRequest{Name: extension}, "POST "+v1+extension+":cancel", "{}")},
		{name: "CancelStatusChange: none", code: codes.NotFound, http: 404, reason: pb.ErrorReason_RESOURCE_NOT_FOUND, call: operation(pb.SiteService_CancelStatusChange_FullMethodName, &pb.CancelStatusChangeRequest{Name: site + "/statusChanges/PD001.0"}, "POST "+v1+site+"/statusChanges/PD001.0:cancel", "{}")},

		{name: "GetIntegration", http: 200, holds: `"redacted":true`, call: operation(pb.SiteService_GetIntegration_FullMethodName, &pb.GetIntegrationRequest{Name: site + "/integration"}, report("integration", ""), "")},
		{name: "GetIntegration: in full", http: 200, holds: `{"id":"site_key","redacted":false,"value":"c2l0ZWtleQ=="}`, call: operation(pb.SiteService_GetIntegration_FullMethodName, &pb.GetIntegrationRequest{Name: site + "/integration", View: pb.Integration_FULL}, report("integration", "?view=FULL"), "")},
		{name: "GetIntegration: of no site", code: codes.NotFound, http: 404, reason: pb.ErrorReason_RESOURCE_NOT_FOUND, call: operation(pb.SiteService_GetIntegration_FullMethodName, &pb.GetIntegrationRequest{Name: "vendors/acme/sites/NONE/integration"}, "GET "+v1+"vendors/acme/sites/NONE/integration", "")},
		{name: "UpdateIntegration", http: 200, holds: `"tokenDuration":"120s"`, call: operation(pb.SiteService_UpdateIntegration_FullMethodName, &pb.UpdateIntegrationRequest{Integration: &pb.Integration{Name: site + "/integration", TokenDuration: durationpb.New(2 * time.Minute)}}, "PATCH "+v1+site+"/integration", `{"tokenDuration":"120s"}`)},
		{name: "UpdateIntegration: read-only", code: codes.InvalidArgument, http: 400, reason: pb.ErrorReason_REQUEST_INVALID, field: "update_mask", call: operation(pb.SiteService_UpdateIntegration_FullMethodName, &pb.UpdateIntegrationRequest{Integration: &pb.Integration{Name: site + "/integration"}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"iv"}}}, "PATCH "+v1+site+"/integration?updateMask=iv", `{}`)},
		{name: "RegisterFairPlayCertificate", http: 200, holds: `"serialNumber":"2a"`, call: operation(pb.SiteService_RegisterFairPlayCertificate_FullMethodName, keys, "POST "+v1+site+":registerFairPlayCertificate", fairPlayBody(keys))},
		{name: "RegisterFairPlayCertificate: the wrong password", code: codes.InvalidArgument, http: 400, reason: pb.ErrorReason_REQUEST_INVALID, field: "key_password", call: operation(pb.SiteService_RegisterFairPlayCertificate_FullMethodName, wrong, "POST "+v1+site+":registerFairPlayCertificate", fairPlayBody(wrong))},

		{name: "ListLicenseUsers", http: 200, holds: `"licenseCount":108`, call: operation(pb.LicenseService_ListLicenseUsers_FullMethodName, &pb.ListLicenseUsersRequest{Parent: site}, report("licenseUsers", ""), "")},
		{name: "ListLicenseUsers: a condition it does not take", code: codes.InvalidArgument, http: 400, reason: pb.ErrorReason_REQUEST_INVALID, field: "filter.device_id", call: operation(pb.LicenseService_ListLicenseUsers_FullMethodName, &pb.ListLicenseUsersRequest{Parent: site, Filter: &pb.ReportFilter{DeviceId: "d"}}, report("licenseUsers", "?filter.deviceId=d"), "")},
		{name: "ListLicenseDevices", http: 200, holds: `"deviceId":"d/1"`, call: operation(pb.LicenseService_ListLicenseDevices_FullMethodName, &pb.ListLicenseDevicesRequest{Parent: site}, report("licenseDevices", ""), "")},
		{name: "ListLicenseDevices: no such day", code: codes.InvalidArgument, http: 400, reason: pb.ErrorReason_REQUEST_INVALID, field: "filter.start_date", call: operation(pb.LicenseService_ListLicenseDevices_FullMethodName, &pb.ListLicenseDevicesRequest{Parent: site, Filter: badDate}, report("licenseDevices", "?filter.startDate=2026-02-31"), "")},
		{name: "ListLicenseContents", http: 200, holds: `"contentId":"bigbuckbunny"`, call: operation(pb.LicenseService_ListLicenseContents_FullMethodName, &pb.ListLicenseContentsRequest{Parent: site, Filter: &pb.ReportFilter{Status: pb.License_FAILURE}}, report("licenseContents", "?filter.status=FAILURE"), "")},
		{name: "ListLicenseContents: no such day", code: codes.InvalidArgument, http: 400, reason: pb.ErrorReason_REQUEST_INVALID, field: "filter.start_date", call: operation(pb.LicenseService_ListLicenseContents_FullMethodName, &pb.ListLicenseContentsRequest{Parent: site, Filter: badDate}, report("licenseContents", "?filter.startDate=2026-02-31"), "")},
		{name: "ListContentUsers", http: 200, holds: `"userId":"refused"`, call: operation(pb.LicenseService_ListContentUsers_FullMethodName, &pb.ListContentUsersRequest{Parent: site, Filter: &pb.ReportFilter{ContentId: "bigbuckbunny"}}, report("contentUsers", "?filter.contentId=bigbuckbunny"), "")},
		{name: "ListContentUsers: of no content", code: codes.InvalidArgument, http: 400, reason: pb.ErrorReason_REQUEST_INVALID, holds: "content_id", call: operation(pb.LicenseService_ListContentUsers_FullMethodName, &pb.ListContentUsersRequest{Parent: site, Filter: &pb.ReportFilter{UserId: "u"}}, report("contentUsers", "?filter.userId=u"), "")},
		{name: "ListPackagings", http: 200, holds: `"track":"HD"`, call: operation(pb.LicenseService_ListPackagings_FullMethodName, &pb.ListPackagingsRequest{Parent: site}, report("packagings", ""), "")},
		{name: "ListPackagings: no such day", code: codes.InvalidArgument, http: 400, reason: pb.ErrorReason_REQUEST_INVALID, field: "filter.start_date", call: operation(pb.LicenseService_ListPackagings_FullMethodName, &pb.ListPackagingsRequest{Parent: site, Filter: badDate}, report("packagings", "?filter.startDate=2026-02-31"), "")},
		{name: "GetUsage", http: 200, holds: `"monthlyActiveLicenses":108`, call: operation(pb.LicenseService_GetUsage_FullMethodName, &pb.GetUsageRequest{Name: site + "/usage", Date: "2026-03-02"}, report("usage", "?date=2026-03-02"), "")},
		{name: "GetUsage: no such day", code: codes.InvalidArgument, http: 400, reason: pb.ErrorReason_REQUEST_INVALID, field: "date", call: operation(pb.LicenseService_GetUsage_FullMethodName, &pb.GetUsageRequest{Name: site + "/usage", Date: "2026-02-31"}, report("usage", "?date=2026-02-31"), "")},
		{name: "StreamLicenses", http: 200, holds: `"errorCode":"7011"`, call: operation(pb.LicenseService_StreamLicenses_FullMethodName, &pb.StreamLicensesRequest{Parent: site, Filter: &pb.LicenseFilter{UserId: "refused"}}, report("licenses:stream", "?filter.userId=refused"), "")},
		{name: "StreamLicenses: of no site", code: codes.NotFound, http: 404, reason: pb.ErrorReason_RESOURCE_NOT_FOUND, call: operation(pb.LicenseService_StreamLicenses_FullMethodName, &pb.StreamLicensesRequest{Parent: "vendors/acme/sites/NONE"}, "GET "+v1+"vendors/acme/sites/NONE/licenses:stream", "")},

		{name: "ListMembers", http: 200, holds: `"email":"anna@example.com"`, call: operation(pb.MemberService_ListMembers_FullMethodName, &pb.ListMembersRequest{Parent: "vendors/acme"}, "GET "+v1+"vendors/acme/members", "")},
		{name: "ListMembers: a forged token", code: codes.InvalidArgument, http: 400, reason: pb.ErrorReason_REQUEST_INVALID, field: "page_token", call: operation(pb.MemberService_ListMembers_FullMethodName, &pb.ListMembersRequest{Parent: "vendors/acme", PageToken: "x"}, "GET "+v1+"vendors/acme/members?pageToken=x", "")},
		{name: "CreateMember", http: 200, holds: `"group":"BUSINESS"`, call: operation(pb.MemberService_CreateMember_FullMethodName, &pb.CreateMemberRequest{Parent: "vendors/acme", Member: &pb.Member{Email: "ben@example.com", Group: pb.Member_BUSINESS}}, "POST "+v1+"vendors/acme/members", `{"email":"ben@example.com","group":"BUSINESS"}`)},
		{name: "CreateMember: there already", code: codes.AlreadyExists, http: 409, reason: pb.ErrorReason_VENDOR_ALREADY_EXISTS, call: operation(pb.MemberService_CreateMember_FullMethodName, &pb.CreateMemberRequest{Parent: "vendors/acme", Member: &pb.Member{Email: "anna@example.com"}}, "POST "+v1+"vendors/acme/members", `{"email":"anna@example.com"}`)},
		{name: "UpdateMember", http: 200, holds: `"state":"INACTIVE"`, call: operation(pb.MemberService_UpdateMember_FullMethodName, &pb.UpdateMemberRequest{Member: &pb.Member{Name: "vendors/acme/members/7", State: pb.Member_INACTIVE}}, "PATCH "+v1+"vendors/acme/members/7", `{"state":"INACTIVE"}`)},
		{name: "UpdateMember: none", code: codes.NotFound, http: 404, reason: pb.ErrorReason_RESOURCE_NOT_FOUND, call: operation(pb.MemberService_UpdateMember_FullMethodName, &pb.UpdateMemberRequest{Member: &pb.Member{Name: "vendors/acme/members/99", State: pb.Member_INACTIVE}}, "PATCH "+v1+"vendors/acme/members/99", `{"state":"INACTIVE"}`)},
		{name: "ResetMemberPassword", http: 200, holds: `{}`, call: operation(pb.MemberService_ResetMemberPassword_FullMethodName, &pb.ResetMemberPasswordRequest{Name: "vendors/acme/members/7"}, "POST "+v1+"vendors/acme/members/7:resetPassword", "{}")},
		{name: "ResetMemberPassword: none", code: codes.NotFound, http: 404, reason: pb.ErrorReason_RESOURCE_NOT_FOUND, call: operation(pb.MemberService_ResetMemberPassword_FullMethodName, &pb.ResetMemberPasswordRequest{Name: "vendors/acme/members/99"}, "POST "+v1+"vendors/acme/members/99:resetPassword", "{}")},
	}
}

func TestPallyConOverBothFaces(t *testing.T) {
	overGRPC, overREST := start(t, furnish), start(t, furnish)
	for _, c := range pallyconCases(t) {
		t.Run(c.name, func(t *testing.T) { c.check(t, overGRPC, overREST) })
	}
}

// fairPlayRequest is a certificate with serial number 42, its encrypted private key, and the rest.
func fairPlayRequest(t *testing.T, password string) *pb.RegisterFairPlayCertificateRequest {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(42), Subject: pkix.Name{CommonName: "FairPlay Streaming"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	block, err := x509.EncryptPEMBlock(rand.Reader, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key), []byte(password), x509.PEMCipherAES256) //nolint:staticcheck // the form in which Apple's instructions make the key
	if err != nil {
		t.Fatal(err)
	}
	return &pb.RegisterFairPlayCertificateRequest{
		Name: demo, Certificate: der, PrivateKey: pem.EncodeToMemory(block), KeyPassword: password, ApplicationSecretKey: "000102030405060708090a0b0c0d0e0f",
	}
}

func fairPlayBody(req *pb.RegisterFairPlayCertificateRequest) string {
	body, _ := json.Marshal(map[string]any{
		"certificate": base64.StdEncoding.EncodeToString(req.GetCertificate()), "privateKey": base64.StdEncoding.EncodeToString(req.GetPrivateKey()),
		"keyPassword": req.GetKeyPassword(), "applicationSecretKey": req.GetApplicationSecretKey(), "validateOnly": req.GetValidateOnly(),
	})
	return string(body)
}
