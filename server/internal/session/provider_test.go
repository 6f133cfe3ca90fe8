package session_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/auth/tokentest"
	"github.com/drmhub/drmhub/server/internal/session"
)

const issuer = "https://id.example"

// A provider is an identity provider without a network, whose endpoints can move.
type provider struct {
	mu           sync.Mutex
	at           string // where the endpoints are
	away         bool   // nothing describes the endpoints
	keys         int    // the HTTP status of the key set
	kid, signer  string // the key in the set, and that of ID tokens
	descriptions []time.Time
	nonce        string // of the last login
	form         bool   // the client's secret counts in the form alone
	codes        int    // how often a code was sent
	log          bytes.Buffer
}

func newProvider() *provider {
	return &provider{at: issuer, keys: 200, kid: "set-es256", signer: "set-es256"}
}

// RoundTrip returns the provider's response.
func (p *provider) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	status, body := http.StatusNotFound, "<h1>Not found</h1>"
	switch address := "https://" + r.URL.Host; r.URL.Path {
	case "/.well-known/openid-configuration":
		p.descriptions = append(p.descriptions, time.Now())
		if p.away {
			return nil, errors.New("connection refused")
		}
		status, body = 200, strings.ReplaceAll(`{"issuer":"`+issuer+`","authorization_endpoint":"AT/login",`+
			`"token_endpoint":"AT/token","jwks_uri":"AT/keys",`+
			`"id_token_signing_alg_values_supported":["ES256"]}`, "AT", p.at)
	case "/token":
		p.codes++
		if _, _, basic := r.BasicAuth(); basic && p.form {
			status, body = 401, `{"error":"invalid_client"}`
		} else if address == p.at {
			claims := map[string]any{"iss": issuer, "aud": "console", "sub": "alice", "nonce": p.nonce}
			status, body = 200, `{"access_token":"x","id_token":"`+tokentest.Sign("ES256", p.signer, claims)+`"}`
		}
	case "/keys":
		if address == p.at {
			status, body = p.keys, `{"keys":[`+tokentest.JWK(p.kid, nil)+`]}`
		}
	}
	header := http.Header{"Content-Type": {"application/json"}}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body))}, nil
}

// set changes the provider.
func (p *provider) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

// described returns how often the description was read.
func (p *provider) described() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.descriptions)
}

// sessionsAt returns sessions of people who log in at a provider.
func sessionsAt(t *testing.T, p *provider) *session.Sessions {
	t.Helper()
	s, err := session.New(session.Options{
		Key: bytes.Repeat([]byte{1}, 32), Issuer: func() string { return issuer },
		Log: slog.New(slog.NewTextHandler(&p.log, nil)),
		Provider: &session.Provider{
			Issuer: issuer, ID: "console", RedirectURL: "https://h/console/callback", Transport: p,
		},
		Claims:  func([]byte) (auth.Identity, error) { return auth.Identity{Expires: time.Now().Add(time.Hour)}, nil },
		Refused: func(context.Context, error) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// begin begins a login. It returns the address that the browser is led to, and the cookie.
func begin(t *testing.T, s *session.Sessions) (to *url.URL, cookie *http.Cookie) {
	t.Helper()
	w := httptest.NewRecorder()
	if err := s.Pages()["/console/login"]["GET"](w, httptest.NewRequest("GET", "/console/login", nil)); err != nil {
		t.Fatal(err)
	}
	to, err := url.Parse(w.Header().Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	return to, w.Result().Cookies()[0]
}

// leadsTo returns the host that a login leads to.
func leadsTo(t *testing.T, s *session.Sessions) string {
	t.Helper()
	to, _ := begin(t, s)
	return to.Host
}

// logIn logs in at the provider, and returns the HTTP code of the result.
func (p *provider) logIn(t *testing.T, s *session.Sessions) string {
	t.Helper()
	to, cookie := begin(t, s)
	p.set(func() { p.nonce = to.Query().Get("nonce") })
	r := httptest.NewRequest("GET", "/console/callback?code=c1&state="+to.Query().Get("state"), nil)
	r.AddCookie(cookie)
	if err := s.Pages()["/console/callback"]["GET"](httptest.NewRecorder(), r); err != nil {
		return apierror.Convert(err).Code.String()
	}
	return "OK"
}

// TestTheDescriptionIsReadAgain moves the provider's endpoints, and takes the provider away.
func TestTheDescriptionIsReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		s := sessionsAt(t, p)
		leadsTo(t, s)
		p.set(func() { p.at = "https://moved.example" })
		time.Sleep(15*time.Minute - time.Second)
		if to, n := leadsTo(t, s), p.described(); to != "id.example" || n != 1 {
			t.Errorf("before the description is old: to %s, read %d times", to, n)
		}
		time.Sleep(time.Second)
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if to := leadsTo(t, s); to != "moved.example" {
					t.Errorf("50 logins at once: to %s", to)
				}
			})
		}
		all.Wait()
		if n := p.described(); n != 2 {
			t.Errorf("50 logins at once: read %d times", n)
		}
		p.set(func() { p.away = true })
		time.Sleep(15 * time.Minute)
		for range 10 * 60 {
			if to := leadsTo(t, s); to != "moved.example" {
				t.Errorf("while the provider is away: to %s", to)
			}
			time.Sleep(time.Second)
		}
		if n := p.described(); n != 12 {
			t.Errorf("while the provider is away for 10 minutes: read %d times", n-2)
		}
	})
}

// TestWhatIsKnownOfAnAddressStaysKnown logs in before and after the description is read again.
func TestWhatIsKnownOfAnAddressStaysKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		p.form = true
		s := sessionsAt(t, p)
		for _, want := range []int{2, 3} {
			if got := p.logIn(t, s); got != "OK" || p.codes != want {
				t.Errorf("%s, %d requests with a code, want %d", got, p.codes, want)
			}
			p.set(func() { p.keys = 503 })
			time.Sleep(time.Hour)
		}
		if n := p.described(); n != 2 {
			t.Errorf("read %d times", n)
		}
	})
}

// TestALoginThatFailsHasTheDescriptionReadAgain moves the endpoints right after the description was
// read.
func TestALoginThatFailsHasTheDescriptionReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		s := sessionsAt(t, p)
		if got := p.logIn(t, s); got != "OK" {
			t.Fatal(got)
		}
		p.set(func() { p.at = "https://moved.example" })
		for range 59 {
			if got := p.logIn(t, s); got != "Unavailable" {
				t.Errorf("after the move: %s", got)
			}
			time.Sleep(time.Second)
		}
		if n := p.described(); n != 1 {
			t.Errorf("read %d times within a minute", n)
		}
		time.Sleep(time.Second)
		if got, n := p.logIn(t, s), p.described(); got != "OK" || n != 2 {
			t.Errorf("after a minute: %s, read %d times", got, n)
		}
	})
}

// TestAReloadCanEndLoginsAtTheProvider configures no provider, and one whose description anybody
// could forge.
func TestAReloadCanEndLoginsAtTheProvider(t *testing.T) {
	p := newProvider()
	s := sessionsAt(t, p)
	s.Provider.Configure(nil)
	w := httptest.NewRecorder()
	err := s.Pages()["/console/login"]["GET"](w, httptest.NewRequest("GET", "/console/login?to=/docs", nil))
	if to := w.Header().Get("Location"); err != nil || to != "/docs" {
		t.Errorf("without a provider: to %q, %v", to, err)
	}
	w = httptest.NewRecorder()
	err = s.Pages()["/console/login/methods"]["GET"](w, httptest.NewRequest("GET", "/console/login/methods", nil))
	if got := strings.TrimSpace(w.Body.String()); err != nil || got != `{"provider":false,"token":true}` {
		t.Errorf("without a provider: %s, %v", got, err)
	}
	s.Provider.Configure(&session.Provider{Issuer: "http://id.example", ID: "console"})
	w = httptest.NewRecorder()
	err = s.Pages()["/console/login"]["GET"](w, httptest.NewRequest("GET", "/console/login", nil))
	if got := apierror.Convert(err).Code; got != codes.Unavailable || p.described() != 0 {
		t.Errorf("over plain HTTP: %v, read %d times", err, p.described())
	}
}

// TestAFloodOfLoginsLogsFewLines ends logins again and again while the provider takes no code.
func TestAFloodOfLoginsLogsFewLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider()
		s := sessionsAt(t, p)
		leadsTo(t, s)
		p.set(func() { p.at = "https://moved.example" })
		for range 590 {
			if got := p.logIn(t, s); got != "Unavailable" {
				t.Fatal(got)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if n := strings.Count(p.log.String(), "cannot be used"); n == 0 || n > 12 {
			t.Errorf("%d lines in a minute", n)
		}
	})
}

// TestKeysThatCannotBeFetched logs in while the provider does not show its keys.
func TestKeysThatCannotBeFetched(t *testing.T) {
	for name, c := range map[string]struct {
		change func(p *provider)
		want   string
	}{
		"the key set is away":           {func(p *provider) { p.keys = 503 }, "Unavailable"},
		"the key set has another key":   {func(p *provider) { p.kid = "set-rsa" }, "Unauthenticated"},
		"the token has no key of a set": {func(p *provider) { p.signer = "es256" }, "Unauthenticated"},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := newProvider()
			s := sessionsAt(t, p)
			p.set(func() { c.change(p) })
			for range 2 {
				if got := p.logIn(t, s); got != c.want {
					t.Errorf("%s: %s, want %s", name, got, c.want)
				}
			}
			time.Sleep(time.Minute)
			good := newProvider()
			p.set(func() { p.keys, p.kid, p.signer = good.keys, good.kid, good.signer })
			if got, n := p.logIn(t, s), p.described(); got != "OK" || n != 2 {
				t.Errorf("%s, later: %s, read %d times", name, got, n)
			}
		})
	}
}
