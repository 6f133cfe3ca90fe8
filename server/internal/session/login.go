package session

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/auth"
)

// pending is a login that has begun, as its cookie holds it.
type pending struct {
	State    string `json:"s"`
	Nonce    string `json:"n"`
	Verifier string `json:"v"` // of PKCE
	To       string `json:"t"` // the address of the page to go to afterwards
	Expires  int64  `json:"e"`
}

// A LoginError is the error of a login in a browser, at the provider.
type LoginError struct {
	error
	Again string // the address that begins the login anew
}

// Unwrap returns the error without the address.
func (e *LoginError) Unwrap() error { return e.error }

// failed returns the error of a login that was to lead to a page.
func failed(err error, to string) error {
	return &LoginError{err, "/console/login?to=" + url.QueryEscape(cmp.Or(to, home))}
}

// login sends the browser to the provider. The parameter "to" is the address of the page to go to
// afterwards. Without a provider, the browser goes there at once: the page itself asks for a token.
func (s *Sessions) login(w http.ResponseWriter, r *http.Request) error {
	to := ownAddress(r.URL.Query().Get("to"))
	w.Header().Set("Referrer-Policy", "no-referrer")
	if s == nil || !s.Provider.used() {
		http.Redirect(w, r, to, http.StatusFound)
		return nil
	}
	client, err := s.client(r.Context())
	if err != nil {
		return failed(err, to)
	}
	p := pending{
		State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(),
		To: to, Expires: time.Now().Add(loginTime).Unix(),
	}
	// The cookie must come with the redirect from the provider, which is another site.
	if !s.seal(w, loginCookie, client.issuer, p, loginTime, http.SameSiteLaxMode) {
		p.To = home // A long address does not fit into a cookie.
		s.seal(w, loginCookie, client.issuer, p, loginTime, http.SameSiteLaxMode)
	}
	provider := client.oauth.AuthCodeURL(p.State, oidc.Nonce(p.Nonce), oauth2.S256ChallengeOption(p.Verifier))
	http.Redirect(w, r, provider, http.StatusFound)
	return nil
}

var (
	errForged  = errors.New("the state is not that of a login which this browser has begun")
	errNoToken = errors.New("the provider returned no ID token")
	errNonce   = errors.New("the ID token has another nonce")
	errParty   = errors.New("the ID token was issued to another client")
)

// callback is where the provider sends the browser back to.
func (s *Sessions) callback(w http.ResponseWriter, r *http.Request) error {
	var p pending
	begun := s.open(r, loginCookie, s.Issuer(), &p) && time.Now().Before(time.Unix(p.Expires, 0))
	remove(w, loginCookie, http.SameSiteLaxMode) // A code counts once.
	if err := s.finish(w, r, p, begun); err != nil {
		return failed(err, p.To)
	}
	goOn(w, p.To)
	return nil
}

// finish begins the session of a person whom the provider has sent back.
func (s *Sessions) finish(w http.ResponseWriter, r *http.Request, p pending, begun bool) error {
	query := r.URL.Query()
	if !begun || subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(p.State)) != 1 {
		return s.refuse(r.Context(), errForged)
	}
	if problem := query.Get("error"); problem != "" {
		return s.refuse(r.Context(), providerError(problem))
	}
	client, err := s.client(r.Context())
	if err != nil {
		return err
	}
	i, err := s.exchange(r.Context(), client, query.Get("code"), p)
	if left := r.Context().Err(); left != nil { // This says nothing about the provider.
		return left
	}
	if errors.Is(err, errUnreachable) || errors.Is(err, errSignature) {
		s.Provider.doubt(client)
	}
	switch {
	case errors.Is(err, errUnreachable):
		return s.unreachable(r.Context(), err)
	case err != nil:
		return s.refuse(r.Context(), err)
	}
	return s.begin(r.Context(), w, client.issuer, i)
}

// client returns a client of the provider, or the error of a person who cannot log in now.
func (s *Sessions) client(ctx context.Context) (*client, error) {
	c, err := s.Provider.client(ctx)
	switch {
	case c == nil:
		return nil, s.unreachable(ctx, err)
	case err != nil:
		s.Log.WarnContext(ctx, "the description of the identity provider cannot be read again: "+
			"the one that was read before counts", "cause", err)
	}
	return c, nil
}

// providerError returns the error of a login that the provider refuses. Anybody can call the
// callback with any code of an error, so only the form of such codes is repeated.
func providerError(code string) error {
	plain := strings.Trim(code, "abcdefghijklmnopqrstuvwxyz_") == ""
	if code == "" || len(code) > 50 || !plain {
		code = "unknown error"
	}
	return fmt.Errorf("the provider refused the login: %s", code)
}

// goOn leads the browser to a page of this server. A browser sends no strict cookie with a redirect
// that began at another site, so a page of this server has to lead there.
func goOn(w http.ResponseWriter, to string) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Refresh", "0; url="+to)
	fmt.Fprintf(w, "<!doctype html><title>drmhub</title><a href=\"%s\">Continue</a>\n", html.EscapeString(to))
}

// exchange returns whom the provider has logged in.
func (s *Sessions) exchange(ctx context.Context, c *client, code string, p pending) (i auth.Identity, err error) {
	ctx = oidc.ClientContext(ctx, s.Provider.http)
	got, err := c.oauth.Exchange(ctx, code, oauth2.VerifierOption(p.Verifier))
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		status := refused.Response.StatusCode
		says := status < 500 && refused.ErrorCode != ""
		if says || status == http.StatusBadRequest || status == http.StatusUnauthorized {
			return i, providerError(refused.ErrorCode)
		}
		return i, fmt.Errorf("%w: its token endpoint returned HTTP %d", errUnreachable, status)
	}
	if _, failed := errors.AsType[*url.Error](err); failed {
		return i, fmt.Errorf("%w: %w", errUnreachable, err)
	}
	if err != nil {
		return i, errUnreachable // The error may hold the provider's response, and so a token.
	}
	raw, _ := got.Extra("id_token").(string)
	if raw == "" {
		return i, errNoToken
	}
	token, err := c.verify(ctx, raw)
	if err != nil {
		return i, err
	}
	if subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(p.Nonce)) != 1 {
		return i, errNonce
	}
	var claims rawClaims
	if err := token.Claims(&claims); err != nil {
		return i, err
	}
	if !claims.issuedTo(c.oauth.ClientID, len(token.Audience)) {
		return i, errParty
	}
	return s.Claims(claims)
}

// unreachable returns the error of a person who cannot log in now.
func (s *Sessions) unreachable(ctx context.Context, cause error) error {
	if !errors.Is(cause, errPaused) {
		s.warnings.Do(func() { s.Log.WarnContext(ctx, "the identity provider cannot be used", "cause", cause) })
	}
	e := apierror.New(codes.Unavailable, pb.ErrorReason_INTERNAL_FAILURE,
		"nobody was logged in: the identity provider cannot be used now. Try again soon")
	e.RetryAfter = pauseAfterFailure
	return e
}
