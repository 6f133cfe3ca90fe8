package pallycon_test

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/pallycon"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

const (
	getSetting = "GET /api/v2/drm/setting/DEMO"
	putSetting = "PUT /api/v2/drm/setting/DEMO"
)

// setting is what the fixture says, as everybody may see it.
func setting() *pb.Integration {
	return &pb.Integration{
		Name:        demo + "/integration",
		Credentials: []*pb.Integration_Credential{{Id: "site_key", Redacted: true}, {Id: "access_key", Redacted: true}, {Id: "kms_token", Redacted: true}},
		Iv:          "0123456789abcdef", LicenseCallbackUrl: "https://shop.example/license", PackageCallbackUrl: "https://shop.example/pack",
		TokenDuration: durationpb.New(10 * time.Minute),
	}
}

func update(t *testing.T, a *pallycon.Adapter, log *mutation.Memory, wanted *pb.Integration, mask ...string) (*pb.Integration, error) {
	t.Helper()
	wanted = proto.CloneOf(wanted)
	wanted.Name = demo + "/integration"
	return a.UpdateIntegration(as(t, log), &pb.UpdateIntegrationRequest{Integration: wanted, UpdateMask: &fieldmaskpb.FieldMask{Paths: mask}})
}

func TestAnIntegrationShowsItsCredentialsToViewFullAlone(t *testing.T) {
	a, vendor := serve(t, config(), map[string]string{getSetting: fixture(t, "drm-setting.json")})
	for _, view := range []pb.Integration_View{pb.Integration_VIEW_UNSPECIFIED, pb.Integration_BASIC, pb.Integration_FULL} {
		got, err := a.GetIntegration(t.Context(), &pb.GetIntegrationRequest{Name: demo + "/integration", View: view})
		if err != nil {
			t.Fatal(err)
		}
		want := setting()
		if view == pb.Integration_FULL {
			for i, value := range []string{"c2l0ZS1rZXktb2YtdGhlLWRlbW8tc2l0", "access-key-of-the-demo-site", "kms-token-of-the-demo-site"} {
				want.Credentials[i].Value, want.Credentials[i].Redacted = value, false
			}
		}
		same(t, view.String(), got, want)
	}
	for _, get := range vendor.Made(getSetting) {
		if query := get.Query.Encode(); query != "api_code=UA003004100" {
			t.Errorf("the query is %s", query)
		}
	}
}

func TestWhatTheVendorDoesNotTellIsLeftOut(t *testing.T) {
	a, _ := serve(t, config(), map[string]string{getSetting: `{"error_code":"0000","data":{"site_id":"DEMO","site_key":"a key","kms_token":null,"token_duration":null}}`})
	got, err := a.GetIntegration(t.Context(), &pb.GetIntegrationRequest{Name: demo + "/integration"})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the integration", got, &pb.Integration{
		Name: demo + "/integration", Credentials: []*pb.Integration_Credential{{Id: "site_key", Redacted: true}, {Id: "access_key"}, {Id: "kms_token"}},
	})
}

func TestAnIntegrationThatIsNotThere(t *testing.T) {
	get := func(turns map[string]string) error {
		a, _ := serve(t, config(), turns)
		_, err := a.GetIntegration(t.Context(), &pb.GetIntegrationRequest{Name: demo + "/integration"})
		return err
	}
	sites := fixture(t, "account-siteId.json")
	wantError(t, "refused, without such a site", get(map[string]string{getSetting: refused, getSites: none}), codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
	wantError(t, "refused, with such a site", get(map[string]string{getSetting: refused, getSites: sites}), codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED)
	wantError(t, "no data, without such a site", get(map[string]string{getSetting: noChange, getSites: none}), codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND)
	wantError(t, "no data, with such a site", get(map[string]string{getSetting: noChange, getSites: sites}), codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID)
	err := get(map[string]string{getSetting: strings.Replace(fixture(t, "drm-setting.json"), `600`, `"access-key-of-the-demo-site"`, 1)})
	wantError(t, "of another form", err, codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID)
	if strings.Contains(err.Error(), "access-key-of") {
		t.Errorf("the error shows a credential: %v", err)
	}
}

func TestAnUpdateSendsWhatItsMaskNames(t *testing.T) {
	wanted := &pb.Integration{LicenseCallbackUrl: "https://new.example/?a=1&b=2", TokenDuration: durationpb.New(time.Hour)}
	for what, c := range map[string]struct {
		mask []string
		want map[string]string
	}{
		"one":           {[]string{"license_callback_url"}, map[string]string{"license_callback_url": "https://new.example/?a=1&b=2"}},
		"an empty one":  {[]string{"package_callback_url"}, map[string]string{"package_callback_url": ""}},
		"a length":      {[]string{"token_duration"}, map[string]string{"token_duration": "3600"}},
		"all of them":   {[]string{"token_duration", "license_callback_url", "package_callback_url"}, map[string]string{"license_callback_url": "https://new.example/?a=1&b=2", "package_callback_url": "", "token_duration": "3600"}},
		"one, repeated": {[]string{"token_duration", "token_duration"}, map[string]string{"token_duration": "3600"}},
	} {
		a, vendor := serve(t, config(), map[string]string{putSetting: done, getSetting: fixture(t, "drm-setting.json")})
		got, err := update(t, a, mutation.NewMemory(), wanted, c.mask...)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		same(t, what, got, setting()) // as it was read back, and without values
		c.want["api_code"] = "UA003004100"
		wantParams(t, what, sentParams(t, vendor.Only(putSetting)), c.want)
	}
}

func TestAnUpdateThatCannotBeSentIsRefused(t *testing.T) {
	for what, c := range map[string]struct {
		wanted *pb.Integration
		mask   string
		field  string
	}{
		"half a second":   {&pb.Integration{TokenDuration: durationpb.New(500 * time.Millisecond)}, "token_duration", "integration.token_duration"},
		"no length":       {&pb.Integration{}, "token_duration", "integration.token_duration"},
		"less than none":  {&pb.Integration{TokenDuration: durationpb.New(-time.Second)}, "token_duration", "integration.token_duration"},
		"another field":   {&pb.Integration{Iv: "x"}, "iv", "update_mask"},
		"no field at all": {&pb.Integration{}, "", "update_mask"},
	} {
		a, _ := serve(t, config(), nil)
		_, err := update(t, a, mutation.NewMemory(), c.wanted, strings.Fields(c.mask)...)
		if e := wantError(t, what, err, codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID); len(e.Violations) != 1 || e.Violations[0].GetField() != c.field {
			t.Errorf("%s: the violations are %v, want one for %s", what, e.Violations, c.field)
		}
	}
}

func TestALostUpdateIsReadBack(t *testing.T) {
	before := fixture(t, "drm-setting.json")
	after := strings.NewReplacer("https://shop.example/license", "https://new.example", "600", "60").Replace(before)
	wanted := &pb.Integration{LicenseCallbackUrl: "https://new.example", TokenDuration: durationpb.New(time.Minute)}
	for what, c := range map[string]struct {
		puts, gets []string
		sends      int
	}{
		"it arrived":              {[]string{cut}, []string{before, after}, 1},
		"it did not":              {[]string{cut, done}, []string{before, before, after}, 2},
		"half of it did":          {[]string{cut, done}, []string{before, strings.Replace(before, "600", "60", 1), after}, 2},
		"only the look was lost":  {[]string{done}, []string{before, refused, after}, 1},
		"only the look was unfit": {[]string{done}, []string{before, noChange, after}, 1},
	} {
		a, vendor := serveInTurn(t, config(), map[string][]string{putSetting: c.puts, getSetting: c.gets, getSites: {fixture(t, "account-siteId.json")}})
		log := mutation.NewMemory()
		_, err := update(t, a, log, wanted, "license_callback_url", "token_duration")
		wantError(t, what, err, codes.Unknown, pb.ErrorReason_OUTCOME_UNKNOWN)
		got, err := update(t, a, log, wanted, "license_callback_url", "token_duration")
		if err != nil || got.GetLicenseCallbackUrl() != "https://new.example" {
			t.Errorf("%s: run again, %v, %v", what, got, err)
		}
		if sent := len(vendor.Made(putSetting)); sent != c.sends {
			t.Errorf("%s: it was sent %d times, want %d", what, sent, c.sends)
		}
	}
}

func TestAnUpdateOfASiteThatIsNotThere(t *testing.T) {
	sites := fixture(t, "account-siteId.json")
	for what, c := range map[string]struct {
		answers map[string]string
		code    codes.Code
		reason  pb.ErrorReason
	}{ // and no PUT, until what stands could be read
		"without such a site":           {map[string]string{getSetting: refused, getSites: none}, codes.NotFound, pb.ErrorReason_RESOURCE_NOT_FOUND},
		"with such a site":              {map[string]string{getSetting: refused, getSites: sites}, codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED},
		"with such a site, and refused": {map[string]string{getSetting: fixture(t, "drm-setting.json"), putSetting: refused}, codes.FailedPrecondition, pb.ErrorReason_VENDOR_REJECTED},
	} {
		a, _ := serve(t, config(), c.answers)
		_, err := update(t, a, mutation.NewMemory(), &pb.Integration{}, "license_callback_url")
		wantError(t, what, err, c.code, c.reason)
	}
}
