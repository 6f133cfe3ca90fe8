package app_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/auth/tokentest"
)

// TestReloadOfCallers edits the section auth. Each row begins with the first file.
func TestReloadOfCallers(t *testing.T) {
	keys := tokentest.NewKeyServer(t)
	auth := tokentest.YAML(t, t.TempDir(), keys.URL, "  limits: {rate: 0}\n")
	f := startFiled(t, newPallyCon(), 0, "auth: {mode: none}\n", auth)
	viewer := f.as(t, `{"roles":["viewer"]}`)
	get := func() (codes.Code, int) {
		_, err := pb.NewVendorServiceClient(viewer.conn).GetVendor(t.Context(),
			&pb.GetVendorRequest{Name: "vendors/acme"})
		code, _, _ := viewer.rest(t, "GET /v1/vendors/acme", "")
		return status.Code(err), code
	}
	for _, row := range []struct {
		name  string
		edits []string
		grpc  codes.Code
		rest  int
	}{
		{"another audience", []string{"audience: \"", "audience: \"not-"}, codes.Unauthenticated, 401},
		{"a key less", []string{"kid: es256,", "kid: es256-old,"}, codes.Unauthenticated, 401},
		{"another role", []string{"  limits:", "  roles: {viewer: [\"audit:read\"]}\n  limits:"},
			codes.PermissionDenied, 403},
		{"a limit", []string{"{rate: 0}", "{rate: 0.001, burst: 1}"}, codes.OK, 429},
		{"no limit", nil, codes.OK, 200},
	} {
		if err := f.reload(t, row.edits...); err != nil {
			t.Fatalf("%s: %v", row.name, err)
		}
		grpc, rest := get()
		if grpc != row.grpc || rest != row.rest {
			t.Errorf("%s: %v and %d, want %v and %d", row.name, grpc, rest, row.grpc, row.rest)
		}
	}
}

func TestReloadOfHosts(t *testing.T) {
	f := startFiled(t, newPallyCon(), 0)
	const first = `http: {listen: "127.0.0.1:0"}`
	const another = `http: {listen: "127.0.0.1:0", allowed_hosts: [drm.example]}`
	for _, row := range []struct {
		edits []string
		want  int
	}{{nil, http.StatusMisdirectedRequest}, {[]string{first, another}, 200}, {nil, http.StatusMisdirectedRequest}} {
		if err := f.reload(t, row.edits...); err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+f.HTTPAddr()+"/v1/vendors", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = "drm.example"
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != row.want {
			t.Errorf("%q: %d, want %d", row.edits, res.StatusCode, row.want)
		}
	}
}

// TestAReloadForgetsNoKey reads the file with another refresh while the key set is away.
func TestAReloadForgetsNoKey(t *testing.T) {
	keys := tokentest.NewKeyServer(t)
	f := startFiled(t, newPallyCon(), 0, "auth: {mode: none}\n", tokentest.YAML(t, t.TempDir(), keys.URL, ""))
	caller := f.with(t, "Bearer "+tokentest.Sign("ES256", "set-es256", nil))
	for _, edits := range [][]string{nil, {"refresh: 1m", "refresh: 2m"}, {"refresh: 1m", "refresh: 3m"}} {
		if err := f.reload(t, edits...); err != nil {
			t.Fatal(err)
		}
		if code, _, text := caller.rest(t, "GET /v1/caller", ""); code != http.StatusOK {
			t.Errorf("with %q: HTTP %d %s", edits, code, text)
		}
		keys.Serve(http.StatusServiceUnavailable, "")
	}
}

// TestSessionsThatAReloadEnds reads the file without the issuer or the key of a token that began a
// session.
func TestSessionsThatAReloadEnds(t *testing.T) {
	auth := tokentest.YAML(t, t.TempDir(), tokentest.NewKeyServer(t).URL, "")
	f := startFiled(t, newPallyCon(), 0, "auth: {mode: none}\n", auth)
	token := tokentest.Sign("HS256", "hs256", map[string]any{"roles": []string{"viewer"}})
	code, header, text := f.rest(t, "POST /console/login", `{"token":"`+token+`"}`)
	cookie, _, _ := strings.Cut(header.Get("Set-Cookie"), ";")
	if code != http.StatusNoContent {
		t.Fatalf("HTTP %d %s", code, text)
	}
	for _, row := range []struct {
		edits []string
		want  int
	}{
		{nil, 200},
		{[]string{tokentest.Issuer, "https://other.example"}, 401},
		{[]string{"kid: hs256,", "kid: hs256-old,"}, 401},
		{[]string{"kid: es256,", "kid: es256-old,"}, 200},
		{nil, 200},
	} {
		if err := f.reload(t, row.edits...); err != nil {
			t.Fatal(err)
		}
		if code, _, text := f.rest(t, "GET /v1/vendors/acme", "", "Cookie", cookie); code != row.want {
			t.Errorf("with %q: HTTP %d %s", row.edits, code, text)
		}
	}
}

// TestAReloadWithoutTheProviderEndsLoginsThere removes auth.oidc and its issuer from the file.
func TestAReloadWithoutTheProviderEndsLoginsThere(t *testing.T) {
	const oidc = "  oidc: {client_id: a, redirect_url: \"https://h/console/callback\"}\n"
	auth := tokentest.YAML(t, t.TempDir(), tokentest.NewKeyServer(t).URL, oidc)
	f := startFiled(t, newPallyCon(), 0, "auth: {mode: none}\n", auth)
	for _, row := range []struct {
		edits []string
		want  bool
	}{
		{nil, true},
		{[]string{oidc, ""}, true}, // This needs a restart.
		{[]string{oidc, "", tokentest.Issuer, "http://id.example"}, false},
		{nil, false}, // This needs a restart.
	} {
		if err := f.reload(t, row.edits...); err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf(`"provider":%t`, row.want)
		if _, _, text := f.rest(t, "GET /console/login/methods", ""); !strings.Contains(text, want) {
			t.Errorf("with %q: %s, want %s", row.edits, text, want)
		}
	}
}
