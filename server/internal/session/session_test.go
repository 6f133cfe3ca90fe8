package session_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/session"
)

// issued are the identities of tokens, by their text.
type issued map[string]auth.Identity

func (all issued) Verify(_ context.Context, token string) (*auth.Caller, string, error) {
	i, ok := all[token]
	if !ok {
		return nil, "", errors.New("unknown token")
	}
	return auth.Directory{}.Caller(i), "", nil
}

func newSessions(t *testing.T, key byte, tokens issued, causes *[]error) *session.Sessions {
	t.Helper()
	refused := func(_ context.Context, cause error) { *causes = append(*causes, cause) }
	s, err := session.New(session.Options{
		Key: bytes.Repeat([]byte{key}, 32), Tokens: tokens, Refused: refused, Issuer: func() string { return issuer },
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// login returns the cookie of a session that a token begins.
func login(t *testing.T, s *session.Sessions, token string) (*http.Cookie, error) {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequest("POST", "/console/login", strings.NewReader(`{"token":"`+token+`"}`))
	if err := s.Pages()["/console/login"]["POST"](w, r); err != nil {
		return nil, err
	}
	return w.Result().Cookies()[0], nil
}

func TestASessionIsWhatTheTokenSays(t *testing.T) {
	soon, late := time.Now().Add(time.Hour).Truncate(time.Second), time.Now().Add(30*24*time.Hour)
	tokens := issued{
		"all": {Subject: "a", Roles: []string{"viewer"}, Expires: soon},
		"few": {
			Subject: "b", Scopes: []string{"sites:read"}, Vendors: []string{}, Sites: []string{"vendors/x/sites/y"},
			Customers: []string{"1"}, Expires: soon,
		},
		"long": {Subject: "c", Expires: late}, "over": {Subject: "d", Expires: time.Now().Add(-time.Second)},
	}
	s := newSessions(t, 1, tokens, new([]error))
	replica := newSessions(t, 1, nil, nil)
	other := newSessions(t, 2, nil, nil)
	for token, want := range tokens {
		cookie, err := login(t, s, token)
		if (err != nil) != (token == "over") {
			t.Fatal(token, err)
		} else if err != nil {
			continue
		}
		r := httptest.NewRequest("GET", "/", nil)
		r.AddCookie(cookie)
		got, ok := replica.Identity(r)
		if token == "long" {
			if left := time.Until(got.Expires); left > 8*time.Hour || left < 8*time.Hour-time.Minute {
				t.Errorf("a session of %s", left)
			}
			got.Expires, want.Expires = time.Time{}, time.Time{}
		}
		got.Expires, want.Expires = got.Expires.UTC(), want.Expires.UTC()
		if !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %t, %+v, want %+v", token, ok, got, want)
		}
		if strings.Contains(cookie.Value, token) {
			t.Errorf("the cookie shows the token: %s", cookie.Value)
		}
		changed := []byte(cookie.Value)
		changed[len(changed)/2] ^= 1
		for what, value := range map[string]string{"changed": string(changed), "cut": cookie.Value[1:], "empty": ""} {
			r := httptest.NewRequest("GET", "/", nil)
			r.AddCookie(&http.Cookie{Name: cookie.Name, Value: value})
			if _, ok := s.Identity(r); ok {
				t.Errorf("a cookie that is %s is taken", what)
			}
		}
		moved := httptest.NewRequest("GET", "/", nil)
		moved.AddCookie(&http.Cookie{Name: cookie.Name + "-login", Value: cookie.Value})
		if _, ok := s.Identity(moved); ok {
			t.Error("a cookie of another name is taken")
		}
		if _, ok := other.Identity(r); ok {
			t.Error("a cookie of another store is taken")
		}
	}
}

func TestTheOperatorLearnsTheCause(t *testing.T) {
	var causes []error
	s := newSessions(t, 1, nil, &causes)
	_, err := login(t, s, "c4nary")
	if err == nil || strings.Contains(err.Error(), "unknown token") || strings.Contains(err.Error(), "c4nary") ||
		len(causes) != 1 || causes[0].Error() != "unknown token" {
		t.Errorf("%v; %v", err, causes)
	}
	if _, err := session.New(session.Options{Key: []byte("short")}); err == nil {
		t.Error("a short key is taken")
	}
	var none *session.Sessions
	if _, ok := none.Identity(httptest.NewRequest("GET", "/", nil)); ok || len(none.Pages()["/console/login"]) != 1 ||
		none.Pages()["/console/callback"] != nil {
		t.Error("without sessions, a person is logged in")
	}
}

func TestHowAPersonCanLogIn(t *testing.T) {
	withProvider := newSessions(t, 1, nil, nil)
	withProvider.Provider = &session.Provider{Issuer: issuer}
	for want, s := range map[string]*session.Sessions{
		`{"provider":false,"token":false}`: nil,
		`{"provider":false,"token":true}`:  newSessions(t, 1, nil, nil),
		`{"provider":true,"token":true}`:   withProvider,
	} {
		w := httptest.NewRecorder()
		err := s.Pages()["/console/login/methods"]["GET"](w, httptest.NewRequest("GET", "/console/login/methods", nil))
		if got := strings.TrimSpace(w.Body.String()); err != nil || got != want {
			t.Errorf("%s, want %s; %v", got, want, err)
		}
		if s != nil && s.Provider != nil {
			continue
		}
		w = httptest.NewRecorder()
		r := httptest.NewRequest("GET", "/console/login?to=%2Fconsole%2Fsites%2Fa%252Fb", nil)
		err = s.Pages()["/console/login"]["GET"](w, r)
		if to := w.Header().Get("Location"); err != nil || w.Code != http.StatusFound || to != "/console/sites/a%2Fb" {
			t.Errorf("without a provider: HTTP %d to %s, %v", w.Code, to, err)
		}
	}
}

// TestASessionEnds shows a cookie that a browser has kept for too long.
func TestASessionEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSessions(t, 1, issued{"t": {Subject: "a", Expires: time.Now().Add(time.Hour)}}, new([]error))
		cookie, err := login(t, s, "t")
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest("GET", "/", nil)
		r.AddCookie(cookie)
		time.Sleep(time.Hour - time.Second)
		if _, ok := s.Identity(r); !ok {
			t.Error("the session ends before its token")
		}
		time.Sleep(time.Second)
		if _, ok := s.Identity(r); ok {
			t.Error("the session outlives its token")
		}
	})
}

// TestASessionEndsWithItsIssuer changes the issuer: after a login, and while a token is verified.
func TestASessionEndsWithItsIssuer(t *testing.T) {
	s := newSessions(t, 1, issued{"t": {Subject: "a", Expires: time.Now().Add(time.Hour)}}, new([]error))
	now := issuer
	s.Issuer = func() string { return now }
	cookie, err := login(t, s, "t")
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(cookie)
	for _, step := range []struct {
		issuer string
		want   bool
	}{{issuer, true}, {"https://other.example", false}, {"", false}, {issuer, true}} {
		now = step.issuer
		if _, ok := s.Identity(r); ok != step.want {
			t.Errorf("the issuer %q: %t", step.issuer, ok)
		}
	}
	s.Tokens = verifying(func() { now = "https://other.example" })
	if cookie, err = login(t, s, "t"); err != nil {
		t.Fatal(err)
	}
	r = httptest.NewRequest("GET", "/", nil)
	r.AddCookie(cookie)
	if _, ok := s.Identity(r); ok {
		t.Error("a token that was verified before the issuer changed begins a session of the new issuer")
	}
}

// verifying accepts a token. It is called meanwhile.
type verifying func()

func (f verifying) Verify(context.Context, string) (*auth.Caller, string, error) {
	f()
	return auth.Directory{}.Caller(auth.Identity{Subject: "a", Expires: time.Now().Add(time.Hour)}), "", nil
}

// TestAProviderThatCannotBeUsed logs in at a provider that is away, and at one whose addresses are
// not https.
func TestAProviderThatCannotBeUsed(t *testing.T) {
	fetches, issuer := 0, ""
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fetches++
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(strings.ReplaceAll(`{"issuer":"URL","authorization_endpoint":"URL/login",`+
			`"token_endpoint":"http://id.example/token","jwks_uri":"URL/keys"}`, "URL", issuer)))
	}))
	defer provider.Close()
	issuer = provider.URL
	for name, address := range map[string]string{"away": "http://127.0.0.1:1", "over plain HTTP": provider.URL} {
		s, err := session.New(session.Options{
			Key: bytes.Repeat([]byte{1}, 32), Log: slog.New(slog.DiscardHandler),
			Provider: &session.Provider{Issuer: address, ID: "console", RedirectURL: "https://h/console/callback"},
		})
		if err != nil {
			t.Fatal(err)
		}
		for range 3 { // within the pause after a failure
			w := httptest.NewRecorder()
			err := s.Pages()["/console/login"]["GET"](w, httptest.NewRequest("GET", "/console/login", nil))
			if err == nil || !strings.Contains(err.Error(), "cannot be used now") || len(w.Result().Cookies()) > 0 {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if fetches != 1 {
		t.Errorf("%d fetches", fetches)
	}
}

// TestAReloadDoesNotWaitForTheProvider configures another provider while the first one is silent.
// The login that waits goes to the other one.
func TestAReloadDoesNotWaitForTheProvider(t *testing.T) {
	asked, configured := make(chan struct{}), make(chan struct{})
	describe := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(strings.ReplaceAll(`{"issuer":"URL","authorization_endpoint":"URL/login",`+
			`"token_endpoint":"URL/token","jwks_uri":"URL/keys"}`, "URL", "http://"+r.Host)))
	}
	first := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(asked)
		<-configured
		describe(w, r)
	}))
	defer first.Close()
	second := httptest.NewServer(http.HandlerFunc(describe))
	defer second.Close()
	provider := &session.Provider{Issuer: first.URL, ID: "console", RedirectURL: "https://h/console/callback"}
	s, err := session.New(session.Options{
		Key: bytes.Repeat([]byte{1}, 32), Log: slog.New(slog.DiscardHandler), Provider: provider,
	})
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		<-asked
		provider.Configure(&session.Provider{Issuer: second.URL, ID: "other", RedirectURL: provider.RedirectURL})
		close(configured)
	}()
	w := httptest.NewRecorder()
	err = s.Pages()["/console/login"]["GET"](w, httptest.NewRequest("GET", "/console/login", nil))
	if to := w.Header().Get("Location"); err != nil || !strings.HasPrefix(to, second.URL+"/login?client_id=other&") {
		t.Errorf("the login leads to %q, %v", to, err)
	}
}
