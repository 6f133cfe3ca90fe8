package app_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/server/internal/auth/tokentest"
	"github.com/drmhub/drmhub/server/internal/certs/certstest"
	"github.com/drmhub/drmhub/server/internal/config"
)

// A provider is an identity provider at which alice is always logged in.
type provider struct {
	*httptest.Server
	mu     sync.Mutex
	asked  url.Values     // what the last login asked for
	claims map[string]any // of the next ID token, beside those of a good one
	alg    string         // of the next ID token
	status int            // of the next answer to a code, unless 0
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	p := &provider{}
	mux := http.NewServeMux()
	write := func(w http.ResponseWriter, text string) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, text)
	}
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		// A token can hold the letters URL by chance, so they are replaced here alone.
		write(w, strings.ReplaceAll(`{"issuer":"URL","authorization_endpoint":"URL/login",`+
			`"token_endpoint":"URL/token","jwks_uri":"URL/keys",`+
			`"id_token_signing_alg_values_supported":["ES256","HS256","none"]}`, "URL", p.URL))
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		write(w, `{"keys":[`+tokentest.JWK("set-es256", nil)+`]}`)
	})
	mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.asked = r.URL.Query()
		back := url.Values{"code": {"c1"}, "state": {p.asked.Get("state")}}
		http.Redirect(w, r, p.asked.Get("redirect_uri")+"?"+back.Encode(), http.StatusFound)
	})
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
		id, key, _ := r.BasicAuth()
		challenge := base64.RawURLEncoding.EncodeToString(sum[:])
		proven := p.asked.Get("code_challenge") == challenge && p.asked.Get("code_challenge_method") == "S256"
		if p.status != 0 || !proven || r.FormValue("code") != "c1" || id != "console" || key != "console-secret" {
			w.WriteHeader(max(p.status, 400))
			write(w, `{"error":"invalid_grant"}`)
			return
		}
		claims := map[string]any{"iss": p.URL, "aud": "console", "sub": "alice", "nonce": p.asked.Get("nonce")}
		maps.Copy(claims, p.claims)
		kid := map[string]string{"ES256": "set-es256", "HS256": "hs256"}[p.alg]
		write(w, `{"access_token":"x","token_type":"Bearer","id_token":"`+tokentest.Sign(p.alg, kid, claims)+`"}`)
	})
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

// next sets what the provider returns for the next code.
func (p *provider) next(alg string, status int, claims map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.alg, p.status, p.claims = alg, status, claims
}

// A browser calls a server as https://drmhub.example, and keeps its cookies.
type browser struct {
	*http.Client
	jar http.CookieJar
}

const drmhub = "https://drmhub.example"

// open starts a server where people log in, and returns what makes further browsers.
func open(t *testing.T, p *provider) func() browser {
	t.Helper()
	return start(t, withPeople(t, p)).browsers(t)
}

// browsers returns what makes browsers that call a server.
func (h *testServer) browsers(t *testing.T) func() browser {
	return func() browser {
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		transport := &http.Transport{
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				if strings.HasPrefix(address, "drmhub.example:") {
					address = h.HTTPAddr()
				}
				return new(net.Dialer).DialContext(ctx, network, address)
			},
		}
		t.Cleanup(transport.CloseIdleConnections)
		return browser{&http.Client{Transport: transport, Jar: jar}, jar}
	}
}

func withPeople(t *testing.T, p *provider) func(*testing.T, *testServer) {
	files := certstest.Files(t.TempDir())
	files.ClientCA = ""
	cert, private := certstest.NewAuthority(t, "servers").Server(t, "server", time.Hour)
	certstest.Write(t, files, cert, private, nil)
	key, client := secret.New(string(tokentest.Key("hs256").([]byte))), secret.New("console-secret")
	return func(_ *testing.T, h *testServer) {
		h.cfg.HTTP.TLS = &files
		h.cfg.HTTP.AllowedHosts = []string{"drmhub.example"}
		h.cfg.Auth = config.Auth{
			Mode: config.AuthJWT, Issuer: p.URL, Audience: tokentest.Audience, PublicDocs: true,
			Keys: []config.Key{{KID: "hs256", Alg: "HS256", Secret: &key}},
			OIDC: &config.OIDC{ClientID: "console", ClientSecret: &client, RedirectURL: drmhub + "/console/callback"},
		}
	}
}

// call makes a request, with headers as "Name: value" separated by "; ".
func (b browser) call(t *testing.T, call, body, headers string) (*http.Response, string) {
	t.Helper()
	method, path, _ := strings.Cut(call, " ")
	req, err := http.NewRequestWithContext(t.Context(), method, drmhub+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for header := range strings.SplitSeq(headers, "; ") {
		if name, value, ok := strings.Cut(header, ": "); ok {
			req.Header.Set(name, value)
		}
	}
	res, err := b.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(text)
}

// caller returns the subject that the browser has for the server, or the HTTP status.
func (b browser) caller(t *testing.T, headers string) string {
	t.Helper()
	res, text := b.call(t, "GET /v1/caller", "", headers)
	var caller struct{ Subject string }
	if res.StatusCode != http.StatusOK || json.Unmarshal([]byte(text), &caller) != nil {
		return fmt.Sprint(res.StatusCode)
	}
	return caller.Subject
}

func (b browser) cookies() string {
	u, _ := url.Parse(drmhub)
	var names []string
	for _, c := range b.jar.Cookies(u) {
		names = append(names, c.Name)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}
