package app

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/auth/keyset"
	"github.com/drmhub/drmhub/server/internal/auth/roles"
	"github.com/drmhub/drmhub/server/internal/auth/token"
	"github.com/drmhub/drmhub/server/internal/config"
	"github.com/drmhub/drmhub/server/internal/contract"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

// reflectionService is how the names of the reflection services begin.
const reflectionService = "grpc.reflection."

// tokens verifies tokens for package auth.
type tokens struct{ *token.Verifier }

// Verify returns the caller with a token.
func (t tokens) Verify(ctx context.Context, raw string) (c *auth.Caller, thumbprint string, err error) {
	claims, err := t.Verifier.Verify(ctx, raw)
	if err != nil {
		return nil, "", err
	}
	c, _ = claims.Derived.(*auth.Caller)
	return c, claims.Thumbprint, nil
}

func identity(c *token.Claims) auth.Identity {
	return auth.Identity{
		Subject: c.Subject, Roles: c.Roles, Scopes: c.Scopes,
		Vendors: c.Vendors, Sites: c.Sites, Customers: c.Customers, Expires: c.Expires,
		Key: c.Key,
	}
}

// identities are what a configuration says of callers. A reload replaces them. In mode none, all is
// nil.
type identities struct {
	auth        config.Auth
	verifier    *token.Verifier
	sets        []*keyset.Set // in the order of the configuration
	credentials *auth.Credentials
}

// newIdentities returns the identities of a configuration. It takes over the key sets of the
// earlier ones, since their keys stay known, and starts no set.
func (a *App) newIdentities(cfg config.Auth, all *vendors.Registry, earlier *identities) (*identities, error) {
	if cfg.Mode == config.AuthNone {
		return &identities{auth: cfg}, nil
	}
	directory := newDirectory(cfg, all)
	verifier, sets, err := newVerifier(&cfg, earlier.known(), a.log, func(c *token.Claims) any {
		return directory.Caller(identity(c))
	})
	if err != nil {
		return nil, err
	}
	known := &auth.Credentials{
		Directory: directory, Tokens: tokens{verifier}, Holds: verifier.Holds, Clients: map[string]auth.Identity{},
	}
	for _, c := range cfg.Clients {
		known.Clients[c.SAN] = auth.Identity{
			Roles: c.Roles, Scopes: c.Scopes, Vendors: c.Vendors, Sites: c.Sites, Customers: c.Customers,
		}
	}
	return &identities{auth: cfg, verifier: verifier, sets: sets, credentials: known}, nil
}

// known returns the key sets by their part of the configuration.
func (i *identities) known() map[config.Key]*keyset.Set {
	all := map[config.Key]*keyset.Set{}
	if i == nil {
		return all
	}
	left := i.sets
	for _, k := range i.auth.Keys {
		if k.JWKSURL != "" {
			all[k], left = left[0], left[1:]
		}
	}
	return all
}

// identifyBy makes these identities those of each call from now on. Streams in flight keep their
// callers.
func (a *App) identifyBy(ctx context.Context, next *identities) {
	var before []*keyset.Set
	if earlier := a.identities.Load(); earlier != nil {
		before = earlier.sets
	}
	for _, set := range next.sets {
		if !slices.Contains(before, set) {
			set.Start(context.WithoutCancel(ctx))
		}
	}
	a.identities.Store(next)
	for _, set := range before {
		if !slices.Contains(next.sets, set) {
			set.Close()
		}
	}
}

// newAuthenticator sets the authenticator of a configuration, and starts to fetch key sets.
func (a *App) newAuthenticator(ctx context.Context, cfg config.Auth, all *vendors.Registry) error {
	first, err := a.newIdentities(cfg, all, nil)
	if err != nil {
		return err
	}
	a.identifyBy(ctx, first)
	if cfg.Mode == config.AuthNone {
		a.authenticator = auth.None()
		return nil
	}
	a.authenticator = &auth.Authenticator{
		Identify: func(ctx context.Context) (*auth.Caller, error) {
			return a.identities.Load().credentials.Identify(ctx)
		},
		Leeway:  func() time.Duration { return a.identities.Load().auth.Leeway },
		Refused: a.unidentified,
		Open: func(method string) bool {
			return isHealth(method) ||
				a.identities.Load().auth.PublicDocs && strings.HasPrefix(method, "/"+reflectionService)
		},
	}
	return nil
}

func newDirectory(cfg config.Auth, all *vendors.Registry) auth.Directory {
	return auth.Directory{
		Roles: roles.New(cfg.Roles),
		HasSites: func(id string) bool {
			v, err := all.Lookup(names.Vendor.Name(id))
			if err != nil {
				return true // An unknown vendor has no account to see.
			}
			_, has := adapters.As[adapters.SiteLister](v.Adapter)
			return has
		},
	}
}

// healthMethods is how the methods of health checks begin.
var healthMethods = "/" + healthpb.Health_ServiceDesc.ServiceName + "/"

// isHealth reports whether a method is a health check, which needs no identity.
func isHealth(method string) bool { return strings.HasPrefix(method, healthMethods) }

// methodsWithoutScope returns the methods of a server that no scope protects, sorted: those that
// are not in the contract, but for health and reflection.
func methodsWithoutScope(server *grpc.Server) []string {
	open := map[string]bool{}
	for service, info := range server.GetServiceInfo() {
		for _, m := range info.Methods {
			full := "/" + service + "/" + m.Name
			if contract.Lookup(full) == nil && !isHealth(full) && !strings.HasPrefix(service, reflectionService) {
				open[full] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(open))
}
