package telecomx_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/drmhub/drmhub/adapters/adaptertest/wiretest"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/telecomx"
	"github.com/drmhub/drmhub/adapters/twin"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// sentFields returns those of a request's JSON body.
func sentFields(t *testing.T, c wiretest.Request) map[string]string {
	t.Helper()
	var fields map[string]string
	if err := json.Unmarshal([]byte(c.Body), &fields); err != nil {
		t.Errorf("%s has a body that is no object of texts: %v", c.Name, err)
	}
	return fields
}

// generated are usernames of ten digits, which viewers can type.
var generated = regexp.MustCompile(`^[1-9][0-9]{9}$`)

// getAny is a read of the account of any generated username.
const getAny = "GET /iptv/drm/GENERATED"

// held is an account of a generated username.
var held = respond(200, `{"username":"GENERATED","password":"generated-there"}`)

// serveAny is serve with a vendor that takes every generated username for GENERATED.
func serveAny(t *testing.T, some replies) (*telecomx.Adapter, *wiretest.Server) {
	t.Helper()
	some[postLogin] = ok(loggedIn)
	vendor := wiretest.NewServer(t, some)
	return adapterTo(t, config(), twin.Transport(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		username := strings.TrimPrefix(r.URL.Path, "/iptv/drm/")
		if !generated.MatchString(username) {
			vendor.ServeHTTP(w, r)
			return
		}
		r.URL.Path = "/iptv/drm/GENERATED"
		r.Header.Set("Username", username)
		response := httptest.NewRecorder()
		vendor.ServeHTTP(response, r)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(response.Code)
		_, _ = io.WriteString(w, strings.ReplaceAll(response.Body.String(), "GENERATED", username))
	}))), vendor
}

func TestAGeneratedUsernameIsFixedBeforeItIsSent(t *testing.T) {
	for what, c := range map[string]struct {
		reads, posts []reply
	}{
		"it arrived, and the response was lost": {[]reply{unknownID, held}, []reply{cut}},
		"it did not arrive": {
			[]reply{unknownID, unknownID, held}, []reply{respond(503, ""), respond(200, "{}")},
		},
	} {
		sends := len(c.posts)
		a, vendor := serveAny(t, replies{getAny: c.reads, postAccount: c.posts})
		log := mutation.NewMemory()
		_, err := create(t, a, log, &pb.DrmAccount{})
		want(t, what, err, wiretest.Unknown)
		got, err := create(t, a, log, &pb.DrmAccount{})
		username, name := got.GetUsername(), "vendors/acme/drmAccounts/"+got.GetUsername()
		isGenerated := got.GetPassword() == "generated-there" && generated.MatchString(username)
		if err != nil || got.GetName() != name || !isGenerated {
			t.Fatalf("%s: the account is %v, %v", what, got.GetName(), err)
		}
		vendor.WantMade(postAccount, sends)
		for _, s := range vendor.Made(postAccount) {
			if u := sentFields(t, s)["username"]; u != username {
				t.Errorf("%s: the username %q is sent, and %q returned", what, u, username)
			}
		}
		for _, s := range vendor.Made(getAny) {
			if u := s.Header.Get("Username"); u != username {
				t.Errorf("%s: the username %q is read, and %q returned", what, u, username)
			}
		}
	}
}

func TestAGeneratedUsernameThatIsTakenIsNotUsed(t *testing.T) {
	a, vendor := serveAny(t, replies{getAny: {held, held, unknownID, held}, postAccount: ok("{}")})
	if _, err := create(t, a, mutation.NewMemory(), &pb.DrmAccount{}); err != nil {
		t.Fatal(err)
	}
	_, err := create(t, a, mutation.NewMemory(), &pb.DrmAccount{})
	want(t, "all are taken", err, exists)
	vendor.WantMade(postAccount, 1)
}

// A run without the password, which is stored nowhere, finds the account all the same.
func TestALostAccountIsFoundWithoutItsPassword(t *testing.T) {
	log := mutation.NewMemory()
	a, vendor := serve(t, config(), replies{getDonald: {unknownID, made}, postAccount: {cut}})
	_, err := create(t, a, log, &pb.DrmAccount{Username: "donald@duck.com", Password: "vgh38gy3uvhebv"})
	want(t, "cut", err, wiretest.Unknown)
	got, err := create(t, a, log, &pb.DrmAccount{Username: "donald@duck.com"})
	if err != nil || got.GetName() != donald || got.GetPassword() != "vgh38gy3uvhebv" {
		t.Errorf("run again without its password: %v, %v", got.GetName(), err)
	}
	vendor.WantMade(postAccount, 1)
}

func TestADryRunWithoutAUsername(t *testing.T) {
	a, vendor := serveAny(t, replies{getAny: {unknownID}})
	ctx, dryRun := mutation.WithDryRun(t.Context())
	req := &pb.CreateDrmAccountRequest{Parent: "vendors/acme", DrmAccount: &pb.DrmAccount{}, View: pb.DrmAccount_FULL}
	got, err := a.CreateDrmAccount(ctx, req)
	if err != nil || len(dryRun.Requests()) != 1 {
		t.Errorf("%v, and it would send %q", err, dryRun.Requests())
	}
	same(t, "the account", got, &pb.DrmAccount{Customer: own})
	vendor.WantMade(postAccount, 0)
}
