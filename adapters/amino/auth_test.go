package amino_test

import (
	"net/http"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/prototext"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/amino"
	"github.com/drmhub/drmhub/adapters/amino/emulator"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

func TestEveryCallIsAuthorized(t *testing.T) {
	key := func(c *amino.Config) { c.Token, c.APIKey = secret.Text{}, secret.New("the-api-key") }
	for _, c := range []struct {
		set  func(*amino.Config)
		want string
	}{
		{func(*amino.Config) {}, "Bearer the-bearer-token"},
		{key, "Apikey the-api-key"},
		{func(c *amino.Config) { c.AuthorizationScheme = "JWT" }, "JWT the-bearer-token"},
		{func(c *amino.Config) { key(c); c.AuthorizationScheme = "Bearer" }, "Bearer the-api-key"},
	} {
		conf := config()
		c.set(&conf)
		a, vendor := serve(t, conf, map[string][]reply{
			getProducts: {ok(nothing)}, postLicense: {created(theCreatedL2)},
		})
		if level, err := a.Check(t.Context()); err != nil || level != "" {
			t.Errorf("Check: %q, %v", level, err)
		}
		wanted := &pb.ProductLicense{User: "viewer", Product: gold}
		if _, err := issueAs(t, a, mutation.NewMemory(), wanted); err != nil {
			t.Error(err)
		}
		for _, name := range []string{getProducts, postLicense} {
			if got := vendor.Only(name).Header.Values("Authorization"); len(got) != 1 || got[0] != c.want {
				t.Errorf("%s is sent with %q, want %q", name, got, c.want)
			}
		}
		if got := vendor.Only(getProducts).Query.Encode(); got != "limit=1&offset=0" {
			t.Errorf("Check asks for %s", got)
		}
	}
}

// TestBothWaysOfAuthentication uses the twin, which verifies the credentials.
func TestBothWaysOfAuthentication(t *testing.T) {
	key := func(text string) func(*amino.Config) {
		return func(c *amino.Config) { c.Token, c.APIKey = secret.Text{}, secret.New(text) }
	}
	token := func(text string) func(*amino.Config) { return func(c *amino.Config) { c.Token = secret.New(text) } }
	for what, c := range map[string]struct {
		set     func(*amino.Config)
		refused bool
	}{
		"a token":              {token(emulator.DefaultToken), false},
		"a key":                {key(emulator.DefaultAPIKey), false},
		"a wrong token":        {token("another-token"), true},
		"a wrong key":          {key("another-key"), true},
		"a key under Bearer":   {token(emulator.DefaultAPIKey), true},
		"a token under Apikey": {key(emulator.DefaultToken), true},
	} {
		conf := twinConfig()
		c.set(&conf)
		_, err := adapterTo(t, conf, twin.Transport(emulator.New(emulator.Options{}))).Check(t.Context())
		if c.refused {
			wantError(t, what, err, codes.FailedPrecondition, pb.ErrorReason_VENDOR_CREDENTIALS_REJECTED)
		} else if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestUpdateProductIsThereOnlyWhereASettingSaysSo(t *testing.T) {
	for _, there := range []bool{false, true} {
		c := config()
		c.ProductUpdates, c.AllowHTTP = there, true
		a, err := amino.New("acme", c, upstream.Connection{})
		if err != nil {
			t.Fatal(err)
		}
		if _, has := adapters.As[adapters.ProductUpdater](a); has != there {
			t.Errorf("with product_updates %t, the adapter has UpdateProduct: %t", there, has)
		}
		if _, has := adapters.As[adapters.ProductLicenseReplacer](a); !has {
			t.Errorf("with product_updates %t, the adapter has no ReplaceProductLicense", there)
		}
	}
}

func TestAConfigurationWithoutAHostIsRefused(t *testing.T) {
	c := config()
	c.BaseURL = "https://user:password@host"
	a, err := amino.New("acme", c, upstream.Connection{})
	if err == nil || a != nil || strings.Contains(err.Error(), "password@") {
		t.Errorf("%v, %v", a, err)
	}
}

// TestNoErrorShowsTheCredentials has the vendor repeat them in each place.
func TestNoErrorShowsTheCredentials(t *testing.T) {
	const known = "the-bearer-token"
	detail := `{"errors":[{"code":"C","title":"T","detail":"not with ` + known + `\u001b"}]}`
	for what, answer := range map[string]reply{
		"in a detail":         respond(http.StatusUnprocessableEntity, detail),
		"in a code":           respond(http.StatusConflict, `{"errors":[{"code":"`+known+`"}]}`),
		"in a page":           respond(http.StatusForbidden, "<html>"+known),
		"in a failure":        respond(http.StatusInternalServerError, `{"errors":[{"detail":"Bearer `+known+`"}]}`),
		"in half a body":      ok(`{"data":[{"id":"` + known),
		"in a name":           ok(`{"` + known + `":1,"` + known + `":2}`),
		"in a status":         ok(`{"data":[{"id":"L1","attributes":{"status":{"` + known + `":1}}}]}`),
		"in no JSON":          ok(known),
		"in a body after one": ok(nothing + known),
	} {
		a, _ := serve(t, config(), map[string][]reply{
			getLicenses: {answer}, postLicense: {answer}, getGold: {respond(http.StatusForbidden, "")},
			"GET " + root + "/users/viewer/licenses": {ok(nothing)},
		})
		_, listing := list(t, a, &pb.ListProductLicensesRequest{})
		_, issuing := issueAs(t, a, mutation.NewMemory(), &pb.ProductLicense{User: "viewer", Product: gold})
		for _, err := range []error{listing, issuing} {
			if err == nil {
				t.Fatalf("%s: no error", what)
			}
			text := err.Error() + prototext.Format(apierror.Convert(err).GRPCStatus().Proto())
			if strings.Contains(text, known) || strings.ContainsRune(err.Error(), '\x1b') {
				t.Errorf("%s: the error shows the token, or a control character", what)
			}
		}
	}
}
