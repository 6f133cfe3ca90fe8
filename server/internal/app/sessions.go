package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/auth/token"
	"github.com/drmhub/drmhub/server/internal/config"
	"github.com/drmhub/drmhub/server/internal/session"
)

// sessionPurpose is what the key of sessions is for. Another text makes all sessions invalid.
const sessionPurpose = "drmhub: cookies of browser sessions, version 1"

// newSessions returns the sessions of people in browsers. It returns nil in mode none, where nobody
// needs to log in. The journal must exist.
func (a *App) newSessions(cfg config.Auth) (*session.Sessions, error) {
	if cfg.Mode == config.AuthNone {
		return nil, nil
	}
	key, err := a.journal.Key(sessionPurpose)
	if err != nil {
		return nil, fmt.Errorf("the key of sessions: %w", err)
	}
	a.provider = newProvider(cfg)
	options := session.Options{
		Key: key, Tokens: currentTokens{a}, Log: a.log, Refused: a.notLoggedIn, Provider: a.provider,
		Issuer: func() string { return a.identities.Load().auth.Issuer },
	}
	options.Claims = func(text []byte) (auth.Identity, error) {
		c, err := a.identities.Load().verifier.ReadClaims(text)
		if err != nil {
			return auth.Identity{}, err
		}
		if c.Thumbprint != "" {
			return auth.Identity{}, errors.New("the ID token is bound to a client certificate")
		}
		return identity(c), nil
	}
	return session.New(options)
}

// newProvider returns the identity provider of a configuration, or nil.
func newProvider(cfg config.Auth) *session.Provider {
	o := cfg.OIDC
	if o == nil {
		return nil
	}
	p := &session.Provider{Issuer: cfg.Issuer, ID: o.ClientID, RedirectURL: o.RedirectURL}
	if o.ClientSecret != nil {
		p.Secret = o.ClientSecret.Reveal()
	}
	return p
}

// currentTokens verifies tokens by the identities of the moment.
type currentTokens struct{ a *App }

// Verify returns the caller with a token.
func (t currentTokens) Verify(ctx context.Context, raw string) (*auth.Caller, string, error) {
	return tokens{t.a.identities.Load().verifier}.Verify(ctx, raw)
}

// privateDocs reports whether the pages beside the API need an identity.
func (a *App) privateDocs() bool {
	cfg := a.identities.Load().auth
	return cfg.Mode == config.AuthJWT && !cfg.PublicDocs
}

// notLoggedIn records a login that was refused.
func (a *App) notLoggedIn(ctx context.Context, cause error) {
	words := cmp.Or(string(token.ReasonOf(cause)), fmt.Sprintf("%.200s", cause))
	a.refusals.Refused(ctx, "login", "", auth.Unauthenticated(), words)
}
