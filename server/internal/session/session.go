// Package session lets a person log in with a browser. The browser never holds a token. It holds a
// sealed cookie with what the token says, which the server alone can read.
//
//   - With an identity provider, the person logs in there: OpenID Connect's code flow with PKCE,
//     state and nonce. /console/login begins it, and /console/callback ends it.
//   - A person who has a token posts it to /console/login.
//   - /console/login/methods shows which of the two are possible.
//   - /console/logout removes the cookie.
//
// All replicas on a store derive the same key, so that each can open the cookies of the others. A
// session ends after 8 hours at the latest, and never later than its token. It also ends when the
// server gets another issuer, or loses the key of its configuration that has signed the token.
// Nothing on the server remembers a session, so a stolen cookie is valid until then. The cookie
// does not count in a request that a page of another origin makes.
package session

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/time/rate"
	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/auth"
)

const (
	// sessionCookie and loginCookie are the names of the cookies. Browsers take a cookie with this
	// prefix only over a secure connection or on this machine, and send it only to the host that
	// set it.
	sessionCookie = "__Host-drmhub"
	loginCookie   = "__Host-drmhub-login"

	// longest is how long a session lasts at most.
	longest = 8 * time.Hour
	// loginTime is how long a person may take to log in at the provider.
	loginTime = 10 * time.Minute
	// maxCookie bounds the value of a cookie, in bytes. Browsers drop larger cookies without a
	// word.
	maxCookie = 3800
)

// Options are the parts of Sessions.
type Options struct {
	// Key seals the cookies: 32 bytes, the same for all replicas on a store.
	Key []byte
	// Issuer returns the issuer whose sessions are valid now. It is also that of Tokens.
	Issuer func() string
	// Tokens verifies the tokens that people post.
	Tokens auth.Tokens
	// Claims returns what the verified claims of an ID token say.
	Claims func(claims []byte) (auth.Identity, error)
	// Provider, unless nil, is the identity provider.
	Provider *Provider
	// Refused learns why a login was refused. The cause holds nothing of the request.
	Refused func(ctx context.Context, cause error)
	// Log learns that the provider cannot be used.
	Log *slog.Logger
}

// Sessions seals and opens the cookies of people who have logged in.
type Sessions struct {
	Options
	aead     cipher.AEAD
	warnings rate.Sometimes // Strangers cause few lines in the log.
}

// New returns sessions. It returns an error if the key has another length than AES-256 needs.
func New(o Options) (*Sessions, error) {
	block, err := aes.NewCipher(o.Key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return &Sessions{Options: o, aead: aead, warnings: rate.Sometimes{Interval: pauseAfterFailure}}, err
}

// sealed is the content of a session's cookie. A list that is nil stays nil, since that means
// "all".
type sealed struct {
	Subject   string   `json:"s"`
	Roles     []string `json:"r"`
	Scopes    []string `json:"o"`
	Vendors   []string `json:"v"`
	Sites     []string `json:"i"`
	Customers []string `json:"c"`
	Expires   int64    `json:"e"`
	Key       string   `json:"k"`
}

// Identity returns whom the cookie of a request names. It reports false without a valid cookie, in
// a request that has an Authorization header, and in one that is not of the server's own pages.
func (s *Sessions) Identity(r *http.Request) (i auth.Identity, ok bool) {
	if s == nil || len(r.Header.Values("Authorization")) > 0 || !ownPage(r) {
		return i, false
	}
	var c sealed
	if !s.open(r, sessionCookie, s.Issuer(), &c) || !time.Now().Before(time.Unix(c.Expires, 0)) {
		return i, false
	}
	return auth.Identity{
		Subject: c.Subject, Roles: c.Roles, Scopes: c.Scopes,
		Vendors: c.Vendors, Sites: c.Sites, Customers: c.Customers, Expires: time.Unix(c.Expires, 0), Key: c.Key,
	}, true
}

// ownPage reports whether a request is one of the server's own pages, or of the person. The cookie
// alone does not prove it: browsers send it also for pages on other ports of the host.
func ownPage(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return true
	case "":
		origin := r.Header.Get("Origin")
		u, err := url.Parse(origin)
		return origin == "" || err == nil && u.Host == r.Host
	}
	return false
}

var errEnded = errors.New("the token ends now")

// begin sets the cookie of a new session of an issuer. It returns the error for the caller if that
// is impossible.
func (s *Sessions) begin(ctx context.Context, w http.ResponseWriter, issuer string, i auth.Identity) error {
	end := time.Now().Add(longest)
	if i.Expires.Before(end) {
		end = i.Expires
	}
	life := time.Until(end)
	if life < time.Second { // The clocks of issuer and server may differ a little.
		return s.refuse(ctx, errEnded)
	}
	c := sealed{i.Subject, i.Roles, i.Scopes, i.Vendors, i.Sites, i.Customers, end.Unix(), i.Key}
	if !s.seal(w, sessionCookie, issuer, c, life, http.SameSiteStrictMode) {
		return apierror.New(codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID,
			"nobody was logged in: the token names more roles, scopes, vendors, sites or customers than a cookie can "+
				"hold. Have the issuer put them into a role, or call with the token itself")
	}
	return nil
}

// seal sets a cookie that only the server can read, and only for the issuer. It reports whether a
// browser would take the cookie.
func (s *Sessions) seal(
	w http.ResponseWriter, name, issuer string, content any, life time.Duration, to http.SameSite,
) bool {
	plain, err := json.Marshal(content, json.FormatNilSliceAsNull(true))
	if err != nil {
		return false
	}
	//nolint:gosec // This cipher draws a nonce itself.
	value := base64.RawURLEncoding.EncodeToString(s.aead.Seal(nil, nil, plain, bound(name, issuer)))
	if len(value) > maxCookie {
		return false
	}
	//nolint:gosec // SameSite is Lax or Strict.
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: int(life / time.Second),
		HttpOnly: true, Secure: true, SameSite: to,
	})
	return true
}

// bound returns what a cookie is sealed for, beside its content.
func bound(name, issuer string) []byte { return []byte(name + "\n" + issuer) }

// open reads a cookie. It reports false unless the server has sealed it under this name, for this
// issuer.
func (s *Sessions) open(r *http.Request, name, issuer string, into any) bool {
	cookie, err := r.Cookie(name)
	if err != nil {
		return false
	}
	value, err := base64.RawURLEncoding.Strict().DecodeString(cookie.Value)
	if err != nil {
		return false
	}
	plain, err := s.aead.Open(nil, nil, value, bound(name, issuer))
	return err == nil && json.Unmarshal(plain, into) == nil
}

// remove removes a cookie.
func remove(w http.ResponseWriter, name string, to http.SameSite) {
	//nolint:gosec // SameSite is Lax or Strict.
	http.SetCookie(w, &http.Cookie{
		Name: name, Path: "/", MaxAge: -1, HttpOnly: true, Secure: true, SameSite: to,
	})
}

// A Page serves a request, or returns the error for the caller.
type Page func(w http.ResponseWriter, r *http.Request) error

// Pages returns the pages by which people log in and out, by path and HTTP method. Each needs no
// identity. Where s is nil, nobody needs to log in, and the pages say so.
func (s *Sessions) Pages() map[string]map[string]Page {
	pages := map[string]map[string]Page{
		"/console/login":         {http.MethodGet: s.login},
		"/console/login/methods": {http.MethodGet: s.methods, http.MethodHead: s.methods},
	}
	if s == nil {
		return pages
	}
	pages["/console/login"][http.MethodPost] = s.postToken
	pages["/console/logout"] = map[string]Page{http.MethodPost: s.logout}
	if s.Provider != nil {
		pages["/console/callback"] = map[string]Page{http.MethodGet: s.callback}
	}
	return pages
}

// methods shows by which means a person can log in.
func (s *Sessions) methods(w http.ResponseWriter, _ *http.Request) error {
	text, err := json.Marshal(struct {
		Provider bool `json:"provider"`
		Token    bool `json:"token"`
	}{s != nil && s.Provider.used(), s != nil})
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, err = w.Write(append(text, '\n'))
	return err
}

// refuse returns the error of a person who is not logged in. It is the same for every cause, since
// the cause would help an attacker.
func (s *Sessions) refuse(ctx context.Context, cause error) error {
	s.Refused(ctx, cause)
	return apierror.New(codes.Unauthenticated, pb.ErrorReason_TOKEN_INVALID,
		"nobody was logged in: the token or the login is not valid. Log in again")
}
