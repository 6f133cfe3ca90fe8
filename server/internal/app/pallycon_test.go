package app_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// furnish gives "acme" the rest of what an account holds.
func furnish(_ *testing.T, h *testServer) { fill(h.twin) }

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

// extension is the second status change that is asked for in the cases below: the twin's ids come
// of its seed.
const extension = demo + "/statusChanges/PD001.6cc9e46e000002"

// pallyconCases are an ordinary case and the most important error of every RPC that PallyCon has,
// beside those of faceCases.
func pallyconCases(t *testing.T) []rpcCase {
	t.Helper()
	const site = demo
	keys := fairPlayRequest(t, "0pen-Sesame")
	wrong := proto.CloneOf(keys)
	wrong.KeyPassword = "other"
	badDate := &pb.ReportFilter{StartDate: "2026-02-31"}

	return []rpcCase{
		ok("GetSite", `"siteId":"DEMO"`, rpc(&pb.GetSiteRequest{Name: site})),
		missing("GetSite: none", "", rpc(&pb.GetSiteRequest{Name: "vendors/acme/sites/NONE"})),
		ok("ListSiteOrders", `"displayName":"Shorts"`, rpc(&pb.ListSiteOrdersRequest{Parent: "vendors/acme"})),
		ok("ListSiteOrders: by site", `"state":"APPROVED"`,
			rpc(&pb.ListSiteOrdersRequest{Parent: "vendors/acme", Filter: &pb.SiteOrderFilter{SiteId: "DEMO"}})),
		invalid("ListSiteOrders: no such day", "filter.start_date",
			rpc(&pb.ListSiteOrdersRequest{Parent: "vendors/acme", Filter: &pb.SiteOrderFilter{StartDate: "2026-02-31"}})),
		ok("GetSiteOrder", `"state":"PENDING"`, rpc(&pb.GetSiteOrderRequest{Name: "vendors/acme/siteOrders/41"})),
		missing("GetSiteOrder: none", "", rpc(&pb.GetSiteOrderRequest{Name: "vendors/acme/siteOrders/99"})),
		ok("CreateSiteOrder", `"displayName":"Sports"`,
			rpc(&pb.CreateSiteOrderRequest{Parent: "vendors/acme", SiteOrder: &pb.SiteOrder{DisplayName: "Sports"}})),
		invalid("CreateSiteOrder: without a name", "site_order.display_name",
			rpc(&pb.CreateSiteOrderRequest{Parent: "vendors/acme", SiteOrder: &pb.SiteOrder{}})),

		ok("EnableSite", `"type":"RESUME"`, rpc(&pb.EnableSiteRequest{Name: "vendors/acme/sites/OFFL"})),
		ok("EnableSite: it is on", `"state":"APPLIED"`, rpc(&pb.EnableSiteRequest{Name: site})).withoutWrite(),
		missing("EnableSite: none", "", rpc(&pb.EnableSiteRequest{Name: "vendors/acme/sites/NONE"})),
		ok("ExtendTrial", `"type":"EXTEND_TRIAL"`, rpc(&pb.ExtendTrialRequest{Name: site, Message: "please"})),
		fails("ExtendTrial: one waits already", pb.ErrorReason_VENDOR_REJECTED, "",
			rpc(&pb.ExtendTrialRequest{Name: "vendors/acme/sites/OFFL"})),
		ok("ListStatusChanges", `"type":"EXTEND_TRIAL"`, rpc(&pb.ListStatusChangesRequest{Parent: site})),
		missing("ListStatusChanges: of no site", "",
			rpc(&pb.ListStatusChangesRequest{Parent: "vendors/acme/sites/NONE"})),
		ok("CancelStatusChange", `"state":"CANCELLED"`, rpc(&pb.CancelStatusChangeRequest{Name: extension})),
		missing("CancelStatusChange: none", "",
			rpc(&pb.CancelStatusChangeRequest{Name: site + "/statusChanges/PD001.0"})),

		ok("GetIntegration", `"redacted":true`, rpc(&pb.GetIntegrationRequest{Name: site + "/integration"})),
		ok("GetIntegration: in full", `{"id":"site_key","redacted":false,"value":"c2l0ZWtleQ=="}`,
			rpc(&pb.GetIntegrationRequest{Name: site + "/integration", View: pb.Integration_FULL})),
		missing("GetIntegration: of no site", "",
			rpc(&pb.GetIntegrationRequest{Name: "vendors/acme/sites/NONE/integration"})),
		ok("UpdateIntegration", `"tokenDuration":"120s"`, rpc(&pb.UpdateIntegrationRequest{Integration: &pb.Integration{
			Name: site + "/integration", TokenDuration: durationpb.New(2 * time.Minute),
		}})),
		invalid("UpdateIntegration: read-only", "update_mask", rpc(&pb.UpdateIntegrationRequest{
			Integration: &pb.Integration{Name: site + "/integration"},
			UpdateMask:  &fieldmaskpb.FieldMask{Paths: []string{"iv"}},
		})),
		ok("RegisterFairPlayCertificate", `"serialNumber":"2a"`, rpc(keys)),
		invalid("RegisterFairPlayCertificate: the wrong password", "key_password", rpc(wrong)),

		ok("ListLicenseUsers", `"licenseCount":108`, rpc(&pb.ListLicenseUsersRequest{Parent: site})),
		invalid("ListLicenseUsers: a condition it does not take", "filter.device_id",
			rpc(&pb.ListLicenseUsersRequest{Parent: site, Filter: &pb.ReportFilter{DeviceId: "d"}})),
		ok("ListLicenseDevices", `"deviceId":"d/1"`, rpc(&pb.ListLicenseDevicesRequest{Parent: site})),
		invalid("ListLicenseDevices: no such day", "filter.start_date",
			rpc(&pb.ListLicenseDevicesRequest{Parent: site, Filter: badDate})),
		ok("ListLicenseContents", `"contentId":"bigbuckbunny"`,
			rpc(&pb.ListLicenseContentsRequest{Parent: site, Filter: &pb.ReportFilter{Status: pb.License_FAILURE}})),
		invalid("ListLicenseContents: no such day", "filter.start_date",
			rpc(&pb.ListLicenseContentsRequest{Parent: site, Filter: badDate})),
		ok("ListContentUsers", `"userId":"refused"`,
			rpc(&pb.ListContentUsersRequest{Parent: site, Filter: &pb.ReportFilter{ContentId: "bigbuckbunny"}})),
		fails("ListContentUsers: of no content", pb.ErrorReason_REQUEST_INVALID, "content_id",
			rpc(&pb.ListContentUsersRequest{Parent: site, Filter: &pb.ReportFilter{UserId: "u"}})),
		ok("ListPackagings", `"track":"HD"`, rpc(&pb.ListPackagingsRequest{Parent: site})),
		invalid("ListPackagings: no such day", "filter.start_date",
			rpc(&pb.ListPackagingsRequest{Parent: site, Filter: badDate})),
		ok("GetUsage", `"monthlyActiveLicenses":108`,
			rpc(&pb.GetUsageRequest{Name: site + "/usage", Date: "2026-03-02"})),
		invalid("GetUsage: no such day", "date", rpc(&pb.GetUsageRequest{Name: site + "/usage", Date: "2026-02-31"})),
		ok("StreamLicenses", `"errorCode":"7011"`,
			rpc(&pb.StreamLicensesRequest{Parent: site, Filter: &pb.LicenseFilter{UserId: "refused"}})),
		missing("StreamLicenses: of no site", "", rpc(&pb.StreamLicensesRequest{Parent: "vendors/acme/sites/NONE"})),

		ok("ListMembers", `"email":"anna@example.com"`, rpc(&pb.ListMembersRequest{Parent: "vendors/acme"})),
		invalid("ListMembers: a forged token", "page_token",
			rpc(&pb.ListMembersRequest{Parent: "vendors/acme", PageToken: "x"})),
		ok("CreateMember", `"group":"BUSINESS"`, rpc(&pb.CreateMemberRequest{
			Parent: "vendors/acme", Member: &pb.Member{Email: "ben@example.com", Group: pb.Member_BUSINESS},
		})),
		fails("CreateMember: there already", pb.ErrorReason_VENDOR_ALREADY_EXISTS, "",
			rpc(&pb.CreateMemberRequest{Parent: "vendors/acme", Member: &pb.Member{Email: "anna@example.com"}})),
		ok("UpdateMember", `"state":"INACTIVE"`,
			rpc(&pb.UpdateMemberRequest{Member: &pb.Member{Name: "vendors/acme/members/7", State: pb.Member_INACTIVE}})),
		missing("UpdateMember: none", "",
			rpc(&pb.UpdateMemberRequest{Member: &pb.Member{Name: "vendors/acme/members/99", State: pb.Member_INACTIVE}})),
		ok("ResetMemberPassword", `{}`, rpc(&pb.ResetMemberPasswordRequest{Name: "vendors/acme/members/7"})),
		missing("ResetMemberPassword: none", "", rpc(&pb.ResetMemberPasswordRequest{Name: "vendors/acme/members/99"})),
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
