package pallycon_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/pallycon"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// The beginnings of a line of curl, as far as all have them.
const (
	curlPost = "curl --request POST 'http://pallycon.invalid/api/v2"
	curlPut  = "curl --request PUT 'http://pallycon.invalid/api/v2"
	signed   = "' --header 'Accept: application/json' --header 'Authorization: [redacted]' --header 'Content-Type: application/json;charset=UTF-8' --data-raw '"
)

func suspend(ctx context.Context, a *pallycon.Adapter) (proto.Message, error) {
	return a.DisableSite(ctx, &pb.DisableSiteRequest{Name: demo, Message: "It's over."})
}

func TestATrialTellsTheRequestOfTheGuide(t *testing.T) {
	sites, setting, members := fixture(t, "account-siteId.json"), fixture(t, "drm-setting.json"), fixture(t, "account-member.json")
	changed := func(kind pb.StatusChange_Type, vendorType string, service pb.Site_Service, vendorService, message string) *pb.StatusChange {
		return &pb.StatusChange{
			Site: demo, Service: service, VendorService: vendorService, Type: kind, VendorType: vendorType, State: pb.StatusChange_PENDING, VendorState: "ST001", Message: message,
		}
	}
	onTest := changed(pb.StatusChange_RESUME, "SM001", pb.Site_DRM, "PD001", "")
	onTest.Site = test
	for what, c := range map[string]struct {
		reads map[string]string // all that the vendor answers
		call  func(context.Context, *pallycon.Adapter) (proto.Message, error)
		sends string
		want  proto.Message
	}{
		"DisableSite": {
			map[string]string{getSites: sites, getStatus: resumed}, suspend,
			curlPost + "/plan/request/status/DEMO" + signed + `{"api_code":"UC011004100","request_message":"It'\''s over.","request_type":"SM002","service_code":"PD001"}'`,
			changed(pb.StatusChange_SUSPEND, "SM002", pb.Site_DRM, "PD001", "It's over."),
		},
		"EnableSite": {
			map[string]string{getSites: sites, "GET " + testStatus: noChange},
			func(ctx context.Context, a *pallycon.Adapter) (proto.Message, error) {
				return a.EnableSite(ctx, &pb.EnableSiteRequest{Name: test})
			},
			curlPost + "/plan/request/status/TEST" + signed + `{"api_code":"UC011004100","request_type":"SM001","service_code":"PD001"}'`,
			onTest,
		},
		"ExtendTrial": {
			map[string]string{getSites: sites, getStatus: noChange},
			func(ctx context.Context, a *pallycon.Adapter) (proto.Message, error) {
				return a.ExtendTrial(ctx, &pb.ExtendTrialRequest{Name: demo, Service: pb.Site_FORENSIC_WATERMARKING, Message: "1"})
			},
			curlPost + "/plan/request/status/DEMO" + signed + `{"api_code":"UC011004100","request_message":"1","request_type":"SM003","service_code":"PD002"}'`,
			changed(pb.StatusChange_EXTEND_TRIAL, "SM003", pb.Site_FORENSIC_WATERMARKING, "PD002", "1"),
		},
		"CancelStatusChange": {
			map[string]string{getStatus: suspending},
			func(ctx context.Context, a *pallycon.Adapter) (proto.Message, error) {
				return a.CancelStatusChange(ctx, &pb.CancelStatusChangeRequest{Name: ofDEMO})
			},
			curlPut + "/plan/request/status/DEMO" + signed + `{"api_code":"UC011004100","request_group_id":"20240301-7","request_type":"SM004","service_code":"PD001"}'`,
			&pb.StatusChange{
				Name: ofDEMO, Site: demo, Service: pb.Site_DRM, VendorService: "PD001", Type: pb.StatusChange_SUSPEND, VendorType: "SM002",
				State: pb.StatusChange_CANCELLED, VendorState: "ST002", Message: "Now.", Requester: "ops", CreateTime: noon(0), UpdateTime: noon(1),
			},
		},
		"CreateSiteOrder": {
			map[string]string{getOrders: fixture(t, "account-siteId-approve.json")},
			func(ctx context.Context, a *pallycon.Adapter) (proto.Message, error) {
				return a.CreateSiteOrder(ctx, &pb.CreateSiteOrderRequest{Parent: "vendors/acme", SiteOrder: &pb.SiteOrder{DisplayName: "Kids TV"}})
			},
			curlPost + "/account/siteId/approve" + signed + `{"api_code":"UA010310200","service_name":"Kids TV"}'`,
			&pb.SiteOrder{DisplayName: "Kids TV", State: pb.SiteOrder_PENDING},
		},
		"UpdateIntegration": {
			map[string]string{getSetting: setting},
			func(ctx context.Context, a *pallycon.Adapter) (proto.Message, error) {
				return a.UpdateIntegration(ctx, &pb.UpdateIntegrationRequest{
					Integration: &pb.Integration{Name: demo + "/integration", PackageCallbackUrl: "https://new.example/?a=1&b=2", TokenDuration: durationpb.New(60e9)},
					UpdateMask:  &fieldmaskpb.FieldMask{Paths: []string{"license_callback_url", "package_callback_url", "token_duration"}},
				})
			},
			curlPut + "/drm/setting/DEMO" + signed + `{"api_code":"UA003004100","license_callback_url":"","package_callback_url":"https://new.example/?a=1&b=2","token_duration":"60"}'`,
			&pb.Integration{
				Name:        demo + "/integration",
				Credentials: []*pb.Integration_Credential{{Id: "site_key", Redacted: true}, {Id: "access_key", Redacted: true}, {Id: "kms_token", Redacted: true}},
				Iv:          "0123456789abcdef", PackageCallbackUrl: "https://new.example/?a=1&b=2", TokenDuration: durationpb.New(60e9),
			},
		},
		"CreateMember": {
			map[string]string{getMembers: members},
			func(ctx context.Context, a *pallycon.Adapter) (proto.Message, error) {
				return a.CreateMember(ctx, &pb.CreateMemberRequest{Parent: "vendors/acme", Member: &pb.Member{Email: "new.one@shop.example", Group: pb.Member_CLIENT}})
			},
			curlPost + "/account/member" + signed + `{"api_code":"UA010700200","group_seq":"1014","member_email":"new.one@shop.example"}'`,
			&pb.Member{Email: "new.one@shop.example", Group: pb.Member_CLIENT, VendorGroup: "1014"},
		},
		"CreateMember: of a group that PallyCon chooses, and the guide does not tell": {
			map[string]string{getMembers: members},
			func(ctx context.Context, a *pallycon.Adapter) (proto.Message, error) {
				return a.CreateMember(ctx, &pb.CreateMemberRequest{Parent: "vendors/acme", Member: &pb.Member{Email: "new.one@shop.example"}})
			},
			curlPost + "/account/member" + signed + `{"api_code":"UA010700200","member_email":"new.one@shop.example"}'`,
			&pb.Member{Email: "new.one@shop.example"},
		},
		"UpdateMember": {
			map[string]string{getMembers: members},
			func(ctx context.Context, a *pallycon.Adapter) (proto.Message, error) {
				return a.UpdateMember(ctx, &pb.UpdateMemberRequest{
					Member:     &pb.Member{Name: "vendors/acme/members/101", Group: pb.Member_CLIENT, State: pb.Member_INACTIVE},
					UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"state", "group"}},
				})
			},
			curlPut + "/account/member" + signed + `{"api_code":"UA010700200","group_seq":"1014","member_seq":"101","member_status":"MT002"}'`,
			&pb.Member{
				Name: "vendors/acme/members/101", Email: "Boss@shop.example", Group: pb.Member_CLIENT, VendorGroup: "1014",
				State: pb.Member_INACTIVE, VendorState: "MT002", CreateDate: "2024-02-29",
			},
		},
		"ResetMemberPassword": {
			map[string]string{getMembers: members},
			func(ctx context.Context, a *pallycon.Adapter) (proto.Message, error) {
				return a.ResetMemberPassword(ctx, &pb.ResetMemberPasswordRequest{Name: "vendors/acme/members/101"})
			},
			curlPut + "/account/member/repw" + signed + `{"api_code":"UA010700200","member_seq":"101"}'`,
			&pb.ResetMemberPasswordResponse{},
		},
	} {
		a, _ := serve(t, config(), c.reads) // which fails the test with any other call
		ctx, trial := mutation.WithDryRun(t.Context())
		got, err := c.call(ctx, a)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		same(t, what, got, c.want)
		if planned := trial.Requests(); !slices.Equal(planned, []string{c.sends}) {
			t.Errorf("%s would send\n%s\nwant\n%s", what, strings.Join(planned, "\n"), c.sends)
		}
	}
}

func TestATrialEncodesParametersAsConfigured(t *testing.T) {
	for encoding, want := range map[pallycon.ParameterEncoding]string{
		pallycon.EncodeForm: "' --header 'Accept: application/json' --header 'Authorization: [redacted]' --header 'Content-Type: application/x-www-form-urlencoded'" +
			" --data-raw 'api_code=UC011004100&request_message=It%27s+over.&request_type=SM002&service_code=PD001'",
		pallycon.EncodeQuery: "?api_code=UC011004100&request_message=It%27s%20over.&request_type=SM002&service_code=PD001'" +
			" --header 'Accept: application/json' --header 'Authorization: [redacted]' --header 'Content-Length: 0'",
	} {
		c := config()
		c.ParameterEncoding = encoding
		a, _ := serve(t, c, map[string]string{getSites: fixture(t, "account-siteId.json"), getStatus: noChange})
		ctx, trial := mutation.WithDryRun(t.Context())
		if _, err := suspend(ctx, a); err != nil {
			t.Fatal(err)
		}
		if planned := trial.Requests(); !slices.Equal(planned, []string{curlPost + "/plan/request/status/DEMO" + want}) {
			t.Errorf("as %s, it would send\n%s\nwant\n%s", encoding, strings.Join(planned, "\n"), curlPost+"/plan/request/status/DEMO"+want)
		}
	}
}

func TestATrialOfACertificateShowsNoneOfItsSecrets(t *testing.T) {
	a, _ := serve(t, config(), map[string]string{getSites: fixture(t, "account-siteId.json")})
	ctx, trial := mutation.WithDryRun(t.Context())
	if _, err := a.RegisterFairPlayCertificate(ctx, certificate(t)); err != nil {
		t.Fatal(err)
	}
	const want = curlPost + "/drm/setting/fpscert/DEMO' --header 'Accept: application/json' --header 'Authorization: [redacted]'" +
		" --form-string 'api_code=UA003004200' --form-string 'ask=[redacted]' --form-string 'key_pw=[redacted]'" +
		` --form 'fps_cert=@"fairplay.cer";type=application/octet-stream' --form 'private_key=@"private_key.pem";type=application/octet-stream'`
	if planned := trial.Requests(); !slices.Equal(planned, []string{want}) {
		t.Errorf("it would send\n%s\nwant\n%s", strings.Join(planned, "\n"), want)
	}
}

func TestATrialOfWhatStandsAlreadySendsNothing(t *testing.T) {
	a, _ := serve(t, config(), map[string]string{getSites: fixture(t, "account-siteId.json"), getStatus: suspending})
	ctx, trial := mutation.WithDryRun(t.Context())
	change, err := suspend(ctx, a)
	if change, ok := change.(*pb.StatusChange); err != nil || !ok || change.GetName() != ofDEMO || len(trial.Requests()) > 0 {
		t.Errorf("%v, %v, and it would send %q", change, err, trial.Requests())
	}
}
