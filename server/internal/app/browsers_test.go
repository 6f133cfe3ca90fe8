package app_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/server/internal/app"
	"github.com/drmhub/drmhub/server/internal/certs/certstest"
	"github.com/drmhub/drmhub/server/internal/config"
	"github.com/drmhub/drmhub/server/internal/contract"
)

// A site is a drmhub with the sandbox's twins, which browsers may be tricked into calling.
type site struct {
	rest   string
	twins  []app.Twin
	client *http.Client
	token  string // of a caller who may do everything; empty in mode none
}

// sites returns a drmhub in each mode, with and without TLS. Its certificate names cert.example.
func sites(t *testing.T) map[string]site {
	t.Helper()
	files := certstest.Files(t.TempDir())
	files.ClientCA = ""
	cert, key := certstest.NewAuthority(t, "servers").Server(t, "server", time.Hour)
	certstest.Write(t, files, cert, key, nil)
	all := map[string]site{}
	for _, mode := range []config.AuthMode{config.AuthNone, config.AuthJWT} {
		for name, section := range map[string]*config.TLS{string(mode): nil, string(mode) + " over TLS": &files} {
			cfg, twins, err := app.Sandbox(t.Context(), "127.0.0.1:0", "127.0.0.1:0", "drm.example")
			if err != nil {
				t.Fatal(err)
			}
			token := ""
			if cfg.HTTP.TLS = section; mode == config.AuthJWT {
				cfg.Auth, token = withToken(t)
			}
			cfg.HTTP.AllowedOrigins, cfg.Canary.Interval = []string{"https://app.example"}, 0
			cfg.Archive.Idle = true
			s := site{rest: "http://" + (&testServer{cfg: cfg}).run(t).HTTPAddr(), twins: twins, token: token}
			if section != nil {
				s.rest = strings.Replace(s.rest, "http:", "https:", 1)
			}
			s.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
			t.Cleanup(s.client.CloseIdleConnections)
			all[name] = s
		}
	}
	return all
}

// withToken returns the settings of mode jwt, and a token for them.
func withToken(t *testing.T) (config.Auth, string) {
	t.Helper()
	text := strings.Repeat("k", 32)
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"iss": "https://id.example", "aud": "drmhub", "sub": "alice", "roles": []string{"admin"},
		"exp": time.Now().Add(time.Hour).Unix(),
	})
	token.Header["kid"] = "k1"
	signed, err := token.SignedString([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	key := secret.New(text)
	return config.Auth{
		Mode: config.AuthJWT, Issuer: "https://id.example", Audience: "drmhub", PublicDocs: true,
		Keys: []config.Key{{KID: "k1", Alg: "HS256", Secret: &key}}, Limits: &config.Limits{},
	}, signed
}

// send makes a request with headers as "Name: value", separated by "; ". It returns the status.
func (s site) send(t *testing.T, method, target, headers, body string) (int, http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for header := range strings.SplitSeq(headers, "; ") {
		if name, value, _ := strings.Cut(header, ": "); name == "Host" {
			req.Host = value
		} else if name != "" {
			req.Header.Add(name, value)
		}
	}
	if s.token != "" && strings.HasPrefix(target, s.rest) {
		req.Header.Set("Authorization", "Bearer "+s.token)
	}
	res, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil { // so that the next request uses the same connection
		t.Fatal(err)
	}
	return res.StatusCode, res.Header
}

// attacks are what a page of another origin can send in the name of a person who opens it. Old
// browsers send no Sec-Fetch-Site, and no browser sends one to a plain address of a network.
var attacks = []struct {
	headers, body string
	status        int
}{
	{"Origin: https://evil.example; Sec-Fetch-Site: cross-site; Content-Type: text/plain", "", 403},
	{"Origin: https://evil.example; Sec-Fetch-Site: cross-site; Content-Type: application/json", "{}", 403},
	{"Origin: https://evil.example", "", 403},
	{"Origin: null; Content-Type: application/x-www-form-urlencoded", "a=1", 403},
	{"Sec-Fetch-Site: cross-site", "", 403},
	{"Sec-Fetch-Site: same-site", "", 403},
	{"Origin: http://localhost:3000; Sec-Fetch-Site: same-site", "", 403},
	{"Host: evil.example; Origin: https://evil.example; Content-Type: application/json", "{}", 421},
	{"Host: evil.example; Sec-Fetch-Site: same-origin", "", 421},
	{"Host: evil.example:8080", "", 421},
	{"Host: localhost.evil.example; X-Forwarded-Host: localhost", "", 421},
	{"Content-Type: text/plain", "", 415},
	{"Content-Type: text/plain", "{}", 415},
	{"Content-Type: application/x-www-form-urlencoded", "", 415},
	{"Content-Type: multipart/form-data;boundary=x", "", 415},
	{"", "{}", 415}, // a Blob without a type
}

// TestBrowsers starts the servers once for all its parts, none of which changes anything.
func TestBrowsers(t *testing.T) {
	all := sites(t)
	for part, test := range map[string]func(*testing.T, map[string]site){
		"are not tricked": notTricked, "hosts in every mode": hostsInEveryMode, "raw requests": rawRequests,
		"pages of allowed origins may call": pagesOfAllowedOriginsMayCall,
	} {
		t.Run(part, func(t *testing.T) { test(t, all) })
	}
}

// notTricked sends every attack to every call that can change something, in every mode.
func notTricked(t *testing.T, all map[string]site) {
	t.Helper()
	for mode, s := range all {
		calls := []string{}
		for _, rpc := range contract.RPCs() {
			if rpc.HTTP.Method != http.MethodGet {
				calls = append(calls, rpc.HTTP.Method+" "+s.rest+strings.ReplaceAll(rpc.HTTP.Pattern, "*", "x"))
			}
		}
		for _, twin := range s.twins {
			calls = append(calls, "POST "+twin.URL+"/_twin/faults", "DELETE "+twin.URL+"/_twin/ledger",
				"PUT "+twin.URL+"/_twin/clock", "DELETE "+twin.URL+"/_twin/faults/1", "POST "+twin.URL+"/_twin/approve")
		}
		for _, call := range calls {
			method, target, _ := strings.Cut(call, " ")
			for _, a := range attacks {
				if status, _ := s.send(t, method, target, a.headers, a.body); status != a.status {
					t.Errorf("%s: %s, %s %q: HTTP %d, want %d", mode, call, a.headers, a.body, status, a.status)
				}
			}
		}
		for _, twin := range s.twins {
			requests := "http://" + strings.TrimPrefix(twin.URL, "http://") + "/_twin/ledger"
			if got := fetch(t, requests); got != `{"requests":[],"effects":[]}`+"\n" {
				t.Errorf("%s: the twin of %s got %s", mode, twin.Kind, got)
			}
		}
	}
}

// hostsInEveryMode names a host of the certificate, which counts in mode jwt alone.
func hostsInEveryMode(t *testing.T, all map[string]site) {
	t.Helper()
	for mode, s := range all {
		certified := http.StatusMisdirectedRequest
		if mode == "jwt over TLS" {
			certified = http.StatusOK
		}
		for host, want := range map[string]int{
			"evil.example": 421, "cert.example": certified, "CERT.example.:8443": certified, "x.cert.example": 421,
			"drm.example": 200, "DRM.example:1": 200, "localhost": 200, "foo.localhost": 200, "[::1]:1": 200,
		} {
			for _, path := range []string{"/openapi.json", "/docs/", "/console/"} {
				if status, _ := s.send(t, "GET", s.rest+path, "Host: "+host, ""); status != want {
					t.Errorf("%s: %s for %s: HTTP %d, want %d", mode, path, host, status, want)
				}
			}
			for _, path := range []string{"/healthz", "/readyz"} {
				if status, _ := s.send(t, "GET", s.rest+path, "Host: "+host, ""); status != 200 {
					t.Errorf("%s: %s for %s: HTTP %d", mode, path, host, status)
				}
			}
		}
	}
}

// TestHostsThatNobodyCanName starts servers that callers may reach, or not, by a name.
func TestHostsThatNobodyCanName(t *testing.T) {
	for listen, want := range map[string]bool{"127.0.0.1:0": false, "0.0.0.0:0": true, ":0": true} {
		for _, hosts := range [][]string{nil, {"drm.example"}} {
			h := start(t, func(t *testing.T, h *testServer) {
				h.cfg.Auth, _ = withToken(t)
				h.cfg.HTTP.Listen, h.cfg.HTTP.AllowedHosts = listen, hosts
			})
			if err := h.stop(); err != nil {
				t.Error(err)
			}
			if got := strings.Contains(h.log.String(), "http.allowed_hosts"); got != (want && hosts == nil) {
				t.Errorf("%s, %q: the log has a warning: %t", listen, hosts, got)
			}
		}
	}
}

// rawRequests sends what no HTTP library sends.
func rawRequests(t *testing.T, all map[string]site) {
	t.Helper()
	for mode, s := range all {
		u, err := url.Parse(s.rest)
		if err != nil {
			t.Fatal(err)
		}
		for request, want := range map[string]int{
			"GET http://evil.example/v1/vendors HTTP/1.1\r\nHost: localhost":               421,
			"GET http://evil.example:80/openapi.json HTTP/1.1\r\nHost: localhost":          421,
			"GET http://localhost/openapi.json HTTP/1.1\r\nHost: localhost":                200,
			"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\nHost: evil.example":          400,
			"GET /openapi.json HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: [::1]":  421,
			"GET /openapi.json HTTP/1.1\r\nHost: evil.example\r\nForwarded: host=[::1]":    421,
			"GET /openapi.json HTTP/1.1":                                                   400,
			"GET /openapi.json HTTP/1.1\r\nHost:":                                          421,
			"GET /openapi.json HTTP/1.0":                                                   421,
			"GET /healthz HTTP/1.0":                                                        200,
			"GET /openapi.json HTTP/1.0\r\nHost: localhost":                                200,
			"GET //evil.example/../openapi.json HTTP/1.1\r\nHost: evil.example":            421,
			"GET /readyz/../openapi.json HTTP/1.1\r\nHost: evil.example":                   421,
			"GET /openapi.json?/healthz HTTP/1.1\r\nHost: evil.example":                    421,
			"POST /v1/vendors/x:check HTTP/1.1\r\nHost: localhost\r\nContent-Type: a/b":    415,
			"POST /v1/vendors/x:check HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.": 403,
		} {
			if s.token != "" && want != http.StatusUnsupportedMediaType { // with or without a token
				request += "\r\nAuthorization: Bearer " + s.token
			}
			if status := raw(t, u, request); status != want {
				t.Errorf("%s: %q: HTTP %d, want %d", mode, request, status, want)
			}
		}
	}
}

// raw sends a request without its last lines, and returns the status.
func raw(t *testing.T, u *url.URL, request string) int {
	t.Helper()
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if u.Scheme == "https" {
		conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
	}
	fmt.Fprint(conn, request+"\r\nConnection: close\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}

// pagesOfAllowedOriginsMayCall does what a browser does for a page of https://app.example.
func pagesOfAllowedOriginsMayCall(t *testing.T, all map[string]site) {
	t.Helper()
	const preflight = "Access-Control-Request-Method: POST; Access-Control-Request-Headers: content-type"
	for mode, s := range all {
		for origin, want := range map[string]string{
			"https://app.example": "https://app.example", "https://evil.example": "", "null": "", "": "",
		} {
			status, h := s.send(t, "OPTIONS", s.rest+"/v1/vendors/ncp:check", "Origin: "+origin+"; "+preflight, "")
			if got := h.Get("Access-Control-Allow-Origin"); got != want || (status == 204) != (want != "") {
				t.Errorf("%s: the preflight of %q: HTTP %d, %v", mode, origin, status, h)
			}
		}
		status, h := s.send(t, "POST", s.rest+"/v1/vendors/nobody:check",
			"Origin: https://app.example; Sec-Fetch-Site: cross-site; Content-Type: application/json", "{}")
		if status != 404 || h.Get("Access-Control-Allow-Origin") != "https://app.example" ||
			!strings.Contains(h.Get("Access-Control-Expose-Headers"), "Retry-After") {
			t.Errorf("%s: the call: HTTP %d, %v", mode, status, h)
		}
		for _, twin := range s.twins { // take no page at all
			status, h := s.send(t, "OPTIONS", twin.URL+"/_twin/faults", "Origin: https://app.example; "+preflight, "")
			if status < 400 || h.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("the twin of %s: HTTP %d, %v", twin.Kind, status, h)
			}
		}
	}
}

// TestGRPCTakesNothingFromBrowsers sends what a page can send without asking first: POST over
// HTTP/1.1, and over HTTP/2 with a type that forms have.
func TestGRPCTakesNothingFromBrowsers(t *testing.T) {
	h := start(t)
	one, two := &http.Transport{}, &http.Transport{Protocols: new(http.Protocols)}
	two.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(one.CloseIdleConnections)
	t.Cleanup(two.CloseIdleConnections)
	for version, transport := range map[string]*http.Transport{"HTTP/1.1": one, "HTTP/2": two} {
		for _, contentType := range []string{"text/plain", "application/x-www-form-urlencoded", ""} {
			target := "http://" + h.GRPCAddr() + "/drmhub.v1.SiteService/DisableSite"
			body := "\x00\x00\x00\x00\x1b\x0a\x19vendors/acme/sites/DEMO"
			req, err := http.NewRequestWithContext(t.Context(), "POST", target, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header["Content-Type"] = []string{contentType}
			res, err := transport.RoundTrip(req)
			if err == nil {
				res.Body.Close()
			}
			if version == "HTTP/1.1" && err == nil || version == "HTTP/2" && (err != nil || res.StatusCode != 415) {
				t.Errorf("%s, %q: %v, %v", version, contentType, res, err)
			}
		}
	}
	if effects := h.twin.Ledger().Effects(); len(effects) > 0 {
		t.Errorf("the vendor changed %v", effects)
	}
}

func fetch(t *testing.T, target string) string {
	t.Helper()
	res, err := http.Get(target)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
