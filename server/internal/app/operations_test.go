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

// furnish gives a hub's vendor the rest of what an account holds.
func furnish(h *hub) *hub {
	day := func(d int) time.Time { return time.Date(2026, 3, d, 12, 0, 0, 0, time.UTC) }
	h.twin.PutSiteOrders(
		emulator.SiteOrder{Seq: 41, ServiceName: "Shorts", RegTime: day(1)},
		emulator.SiteOrder{Seq: 42, ServiceName: "Demo", SiteID: "DEMO", Status: emulator.OrderApproved, RegTime: day(2), UpdateTime: day(2)},
	)
	h.twin.PutMembers(emulator.Member{MemberSeq: 7, MemberEmail: "anna@example.com", RegTime: day(1)})
	h.twin.PutPackagings("DEMO", emulator.Packaging{CID: "bigbuckbunny", CreatedTime: day(1), UpdateTime: day(2)})
	h.twin.PutIntegration("DEMO", emulator.Integration{SiteKey: "c2l0ZWtleQ==", AccessKey: "accesskey", KMSToken: "kmstoken", IV: "0123456789abcdef", TokenDuration: 10 * time.Minute})
	return h
}

// operation is one RPC of PallyCon's, with its REST call.
func operation(method string, req, res proto.Message, rest, body string) call {
	return call{method: method, req: req, res: res, rest: rest, body: body}
}

func TestEveryOperationOverBothFaces(t *testing.T) {
	overGRPC, overREST := furnish(start(t)), furnish(start(t))
	const site, v1 = demo, "/v1/"
	keys := fairPlayRequest(t, "pass")
	wrong := proto.CloneOf(keys)
	wrong.KeyPassword = "other"
	report := func(list, query string) string { return "GET " + v1 + site + "/" + list + query }

	for _, c := range []case_{
		{name: "GetSite", http: 200, holds: `"siteId":"DEMO"`, call: operation(pb.SiteService_GetSite_FullMethodName, &pb.GetSiteRequest{Name: site}, &pb.Site{}, "GET "+v1+site, "")},
		{name: "GetSite: none", code: codes.NotFound, http: 404, reason: pb.ErrorReason_RESOURCE_NOT_FOUND, call: operation(pb.SiteService_GetSite_FullMethodName, &pb.GetSiteRequest{Name: "vendors/acme/sites/NONE"}, &pb.Site{}, "GET "+v1+"vendors/acme/sites/NONE", "")},
		{name: "ListSiteOrders", http: 200, holds: `"displayName":"Shorts"`, call: operation(pb.SiteService_ListSiteOrders_FullMethodName, &pb.ListSiteOrdersRequest{Parent: "vendors/acme"}, &pb.ListSiteOrdersResponse{}, "GET "+v1+"vendors/acme/siteOrders", "")},
		{name: "ListSiteOrders: by site", http: 200, holds: `"state":"APPROVED"`, call: operation(pb.SiteService_ListSiteOrders_FullMethodName, &pb.ListSiteOrdersRequest{Parent: "vendors/acme", Filter: &pb.SiteOrderFilter{SiteId: "DEMO"}}, &pb.ListSiteOrdersResponse{}, "GET "+v1+"vendors/acme/siteOrders?filter.siteId=DEMO", "")},
		{name: "GetSiteOrder", http: 200, holds: `"state":"PENDING"`, call: operation(pb.SiteService_GetSiteOrder_FullMethodName, &pb.GetSiteOrderRequest{Name: "vendors/acme/siteOrders/41"}, &pb.SiteOrder{}, "GET "+v1+"vendors/acme/siteOrders/41", "")},
		{name: "GetSiteOrder: none", code: codes.NotFound, http: 404, reason: pb.ErrorReason_RESOURCE_NOT_FOUND, call: operation(pb.SiteService_GetSiteOrder_FullMethodName, &pb.GetSiteOrderRequest{Name: "vendors/acme/siteOrders/99"}, &pb.SiteOrder{}, "GET "+v1+"vendors/acme/siteOrders/99", "")},
		{name: "CreateSiteOrder", http: 200, holds: `"displayName":"Sports"`, call: operation(pb.SiteService_CreateSiteOrder_FullMethodName, &pb.CreateSiteOrderRequest{Parent: "vendors/acme", SiteOrder: &pb.SiteOrder{DisplayName: "Sports"}}, &pb.SiteOrder{}, "POST "+v1+"vendors/acme/siteOrders", `{"displayName":"Sports"}`)},
		{name: "CreateSiteOrder: without a name", code: codes.InvalidArgument, http: 400, reason: pb.ErrorReason_REQUEST_INVALID, field: "site_order.display_name", call: operation(pb.SiteService_CreateSiteOrder_FullMethodName, &pb.CreateSiteOrderRequest{Parent: "vendors/acme", SiteOrder: &pb.SiteOrder{}}, &pb.SiteOrder{}, "POST "+v1+"vendors/acme/siteOrders", `{}`)},

		{name: "EnableSite", http: 200, holds: `"type":"RESUME"`, call: operation(pb.SiteService_EnableSite_FullMethodName, &pb.EnableSiteRequest{Name: "vendors/acme/sites/OFFL"}, &pb.StatusChange{}, "POST "+v1+"vendors/acme/sites/OFFL:enable", "{}")},
		{name: "EnableSite: it is on", http: 200, holds: `"state":"APPLIED"`, call: operation(pb.SiteService_EnableSite_FullMethodName, &pb.EnableSiteRequest{Name: site}, &pb.StatusChange{}, "POST "+v1+site+":enable", "{}")},
		{name: "ExtendTrial", http: 200, holds: `"type":"EXTEND_TRIAL"`, call: operation(pb.SiteService_ExtendTrial_FullMethodName, &pb.ExtendTrialRequest{Name: site, Message: "please"}, &pb.StatusChange{}, "POST "+v1+site+":extendTrial", `{"message":"please"}`)},
		{name: "ListStatusChanges", http: 200, holds: `"type":"EXTEND_TRIAL"`, call: operation(pb.SiteService_ListStatusChanges_FullMethodName, &pb.ListStatusChangesRequest{Parent: site}, &pb.ListStatusChangesResponse{}, report("statusChanges", ""), "")},
		{name: "CancelStatusChange: none", code: codes.NotFound, http: 404, reason: pb.ErrorReason_RESOURCE_NOT_FOUND, call: operation(pb.SiteService_CancelStatusChange_FullMethodName, &pb.CancelStatusChangeRequest{Name: site + "/statusChanges/PD001.0"}, &pb.StatusChange{}, "POST "+v1+site+"/statusChanges/PD001.0:cancel", "{}")},

		{name: "GetIntegration", http: 200, holds: `"redacted":true`, call: operation(pb.SiteService_GetIntegration_FullMethodName, &pb.GetIntegrationRequest{Name: site + "/integration"}, &pb.Integration{}, report("integration", ""), "")},
		{name: "GetIntegration: in full", http: 200, holds: `{"id":"site_key","redacted":false,"value":"c2l0ZWtleQ=="}`, call: operation(pb.SiteService_GetIntegration_FullMethodName, &pb.GetIntegrationRequest{Name: site + "/integration", View: pb.Integration_FULL}, &pb.Integration{}, report("integration", "?view=FULL"), "")},
		{name: "UpdateIntegration", http: 200, holds: `"tokenDuration":"120s"`, call: operation(pb.SiteService_UpdateIntegration_FullMethodName, &pb.UpdateIntegrationRequest{Integration: &pb.Integration{Name: site + "/integration", TokenDuration: durationpb.New(2 * time.Minute)}}, &pb.Integration{}, "PATCH "+v1+site+"/integration", `{"tokenDuration":"120s"}`)},
		{name: "UpdateIntegration: read-only", code: codes.InvalidArgument, http: 400, reason: pb.ErrorReason_REQUEST_INVALID, field: "update_mask", call: operation(pb.SiteService_UpdateIntegration_FullMethodName, &pb.UpdateIntegrationRequest{Integration: &pb.Integration{Name: site + "/integration"}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"iv"}}}, &pb.Integration{}, "PATCH "+v1+site+"/integration?updateMask=iv", `{}`)},
		{name: "RegisterFairPlayCertificate", http: 200, holds: `"serialNumber":"2a"`, call: operation(pb.SiteService_RegisterFairPlayCertificate_FullMethodName, keys, &pb.FairPlayCertificate{}, "POST "+v1+site+":registerFairPlayCertificate", fairPlayBody(keys))},
		{name: "RegisterFairPlayCertificate: the wrong password", code: codes.InvalidArgument, http: 400, reason: pb.ErrorReason_REQUEST_INVALID, field: "key_password", call: operation(pb.SiteService_RegisterFairPlayCertificate_FullMethodName, wrong, &pb.FairPlayCertificate{}, "POST "+v1+site+":registerFairPlayCertificate", fairPlayBody(wrong))},

		{name: "ListLicenseUsers", http: 200, holds: `"licenseCount":108`, call: operation(pb.LicenseService_ListLicenseUsers_FullMethodName, &pb.ListLicenseUsersRequest{Parent: site}, &pb.ListLicenseUsersResponse{}, report("licenseUsers", ""), "")},
		{name: "ListLicenseUsers: a condition it does not take", code: codes.InvalidArgument, http: 400, reason: pb.ErrorReason_REQUEST_INVALID, field: "filter.device_id", call: operation(pb.LicenseService_ListLicenseUsers_FullMethodName, &pb.ListLicenseUsersRequest{Parent: site, Filter: &pb.ReportFilter{DeviceId: "d"}}, &pb.ListLicenseUsersResponse{}, report("licenseUsers", "?filter.deviceId=d"), "")},
		{name: "ListLicenseDevices", http: 200, holds: `"deviceId":"d/1"`, call: operation(pb.LicenseService_ListLicenseDevices_FullMethodName, &pb.ListLicenseDevicesRequest{Parent: site}, &pb.ListLicenseDevicesResponse{}, report("licenseDevices", ""), "")},
		{name: "ListLicenseContents", http: 200, holds: `"contentId":"bigbuckbunny"`, call: operation(pb.LicenseService_ListLicenseContents_FullMethodName, &pb.ListLicenseContentsRequest{Parent: site, Filter: &pb.ReportFilter{Status: pb.License_FAILURE}}, &pb.ListLicenseContentsResponse{}, report("licenseContents", "?filter.status=FAILURE"), "")},
		{name: "ListContentUsers", http: 200, holds: `"userId":"refused"`, call: operation(pb.LicenseService_ListContentUsers_FullMethodName, &pb.ListContentUsersRequest{Parent: site, Filter: &pb.ReportFilter{ContentId: "bigbuckbunny"}}, &pb.ListContentUsersResponse{}, report("contentUsers", "?filter.contentId=bigbuckbunny"), "")},
		{name: "ListContentUsers: of no content", code: codes.InvalidArgument, http: 400, reason: pb.ErrorReason_REQUEST_INVALID, holds: "content_id", call: operation(pb.LicenseService_ListContentUsers_FullMethodName, &pb.ListContentUsersRequest{Parent: site, Filter: &pb.ReportFilter{UserId: "u"}}, &pb.ListContentUsersResponse{}, report("contentUsers", "?filter.userId=u"), "")},
		{name: "ListPackagings", http: 200, holds: `"track":"HD"`, call: operation(pb.LicenseService_ListPackagings_FullMethodName, &pb.ListPackagingsRequest{Parent: site}, &pb.ListPackagingsResponse{}, report("packagings", ""), "")},
		{name: "GetUsage", http: 200, holds: `"monthlyActiveLicenses":108`, call: operation(pb.LicenseService_GetUsage_FullMethodName, &pb.GetUsageRequest{Name: site + "/usage", Date: "2026-03-02"}, &pb.Usage{}, report("usage", "?date=2026-03-02"), "")},
		{name: "GetUsage: no such day", code: codes.InvalidArgument, http: 400, reason: pb.ErrorReason_REQUEST_INVALID, field: "date", call: operation(pb.LicenseService_GetUsage_FullMethodName, &pb.GetUsageRequest{Name: site + "/usage", Date: "2026-02-31"}, &pb.Usage{}, report("usage", "?date=2026-02-31"), "")},

		{name: "ListMembers", http: 200, holds: `"email":"anna@example.com"`, call: operation(pb.MemberService_ListMembers_FullMethodName, &pb.ListMembersRequest{Parent: "vendors/acme"}, &pb.ListMembersResponse{}, "GET "+v1+"vendors/acme/members", "")},
		{name: "CreateMember", http: 200, holds: `"group":"BUSINESS"`, call: operation(pb.MemberService_CreateMember_FullMethodName, &pb.CreateMemberRequest{Parent: "vendors/acme", Member: &pb.Member{Email: "ben@example.com", Group: pb.Member_BUSINESS}}, &pb.Member{}, "POST "+v1+"vendors/acme/members", `{"email":"ben@example.com","group":"BUSINESS"}`)},
		{name: "CreateMember: there already", code: codes.AlreadyExists, http: 409, reason: pb.ErrorReason_VENDOR_ALREADY_EXISTS, call: operation(pb.MemberService_CreateMember_FullMethodName, &pb.CreateMemberRequest{Parent: "vendors/acme", Member: &pb.Member{Email: "anna@example.com"}}, &pb.Member{}, "POST "+v1+"vendors/acme/members", `{"email":"anna@example.com"}`)},
		{name: "UpdateMember", http: 200, holds: `"state":"INACTIVE"`, call: operation(pb.MemberService_UpdateMember_FullMethodName, &pb.UpdateMemberRequest{Member: &pb.Member{Name: "vendors/acme/members/7", State: pb.Member_INACTIVE}}, &pb.Member{}, "PATCH "+v1+"vendors/acme/members/7", `{"state":"INACTIVE"}`)},
		{name: "ResetMemberPassword", http: 200, holds: `{}`, call: operation(pb.MemberService_ResetMemberPassword_FullMethodName, &pb.ResetMemberPasswordRequest{Name: "vendors/acme/members/7"}, &pb.ResetMemberPasswordResponse{}, "POST "+v1+"vendors/acme/members/7:resetPassword", "{}")},
	} {
		t.Run(c.name, func(t *testing.T) { c.check(t, overGRPC, overREST) })
	}

	t.Run("CancelStatusChange", func(t *testing.T) {
		res, err := pb.NewSiteServiceClient(overGRPC.conn).ListStatusChanges(t.Context(), &pb.ListStatusChangesRequest{Parent: site})
		if err != nil || len(res.GetStatusChanges()) != 1 {
			t.Fatalf("%v, %v", res, err)
		}
		name := res.GetStatusChanges()[0].GetName()
		case_{http: 200, holds: `"state":"CANCELLED"`, call: operation(pb.SiteService_CancelStatusChange_FullMethodName, &pb.CancelStatusChangeRequest{Name: name}, &pb.StatusChange{}, "POST "+v1+name+":cancel", "{}")}.check(t, overGRPC, overREST)
	})
}

func TestAFairPlayDryRunSendsNothing(t *testing.T) {
	overGRPC, overREST := start(t), start(t)
	req := fairPlayRequest(t, "pass")
	req.ValidateOnly = true
	case_{http: 200, holds: `"serialNumber":"2a"`, call: operation(pb.SiteService_RegisterFairPlayCertificate_FullMethodName, req, &pb.FairPlayCertificate{}, "POST /v1/"+demo+":registerFairPlayCertificate", fairPlayBody(req))}.check(t, overGRPC, overREST)
	for _, h := range []*hub{overGRPC, overREST} {
		if sent := h.twin.Ledger().Effects(); len(sent) != 0 {
			t.Errorf("a dry run had effects: %v", sent)
		}
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
