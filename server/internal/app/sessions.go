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

// newSessions returns the sessions of people in browsers. It returns nil in mode none, where nobody needs
// to log in. The journal must exist.
func (a *App) newSessions(cfg config.Auth) (*session.Sessions, error) {
	if cfg.Mode == config.AuthNone {
		return nil, nil
	}
	key, err := a.journal.Key(sessionPurpose)
	if err != nil {
		return nil, fmt.Errorf("the key of sessions: %w", err)
	}
	options := session.Options{Key: key, Tokens: tokens{a.verifier}, Log: a.log, Refused: a.notLoggedIn}
	if o := cfg.OIDC; o != nil {
		options.Provider = &session.Provider{Issuer: cfg.Issuer, ID: o.ClientID, RedirectURL: o.RedirectURL}
		if o.ClientSecret != nil {
			options.Provider.Secret = o.ClientSecret.Reveal()
		}
	}
	options.Claims = func(text []byte) (auth.Identity, error) {
		c, err := a.verifier.ReadClaims(text)
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

// notLoggedIn records a login that was refused.
func (a *App) notLoggedIn(ctx context.Context, cause error) {
	words := cmp.Or(string(token.ReasonOf(cause)), fmt.Sprintf("%.200s", cause))
	a.refusals.Refused(ctx, "login", "", auth.Unauthenticated(), words)
}
