package app

import (
	"fmt"
	"log/slog"

	"github.com/drmhub/drmhub/server/internal/auth/keyset"
	"github.com/drmhub/drmhub/server/internal/auth/token"
	"github.com/drmhub/drmhub/server/internal/config"
)

// newVerifier returns the verifier of the tokens that a configuration accepts, and its key sets in
// the order of the configuration. It takes the sets that are known by their part of the
// configuration, and makes others. Those begin with the keys that are known of their URL. The
// caller starts and closes them.
func newVerifier(
	auth *config.Auth, known map[config.Key]*keyset.Set, log *slog.Logger, derive func(*token.Claims) any,
) (*token.Verifier, []*keyset.Set, error) {
	options := token.Options{Issuer: auth.Issuer, Audience: auth.Audience, Leeway: auth.Leeway, Derive: derive}
	for i, k := range auth.Keys {
		key := token.Key{ID: k.KID, Algorithm: k.Alg}
		switch {
		case k.JWKSURL != "":
			set, err := known[k], error(nil)
			if set == nil {
				set, err = keyset.New(keyset.Options{
					URL: k.JWKSURL, Refresh: k.Refresh, Log: log, Earlier: ofURL(known, k.JWKSURL),
				})
			}
			if err != nil {
				return nil, nil, fmt.Errorf("auth.keys[%d]: %w", i, err)
			}
			options.Sets = append(options.Sets, set)
			continue
		case k.Secret != nil:
			key.Secret = []byte(k.Secret.Reveal())
		default:
			public, err := token.ParsePublicKey(k.Alg, string(*k.PublicKey))
			if err != nil {
				return nil, nil, fmt.Errorf("auth.keys[%d]: the public key %w", i, err)
			}
			key.Public = public
		}
		options.Keys = append(options.Keys, key)
	}
	for _, client := range auth.Clients {
		options.Reserved = append(options.Reserved, client.SAN)
	}
	verifier, err := token.New(options)
	if err != nil {
		return nil, nil, fmt.Errorf("auth: %w", err)
	}
	return verifier, options.Sets, nil
}

// ofURL returns a set of this URL, or nil.
func ofURL(known map[config.Key]*keyset.Set, url string) *keyset.Set {
	for k, set := range known {
		if k.JWKSURL == url {
			return set
		}
	}
	return nil
}
