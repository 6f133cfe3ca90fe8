package app

import (
	"context"
	"maps"
	"slices"
	"strings"

	"google.golang.org/grpc"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/server/internal/auth"
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

// Verify returns what a token says.
func (t tokens) Verify(ctx context.Context, raw string) (i auth.Identity, thumbprint string, err error) {
	c, err := t.Verifier.Verify(ctx, raw)
	if err != nil {
		return i, "", err
	}
	return identity(c), c.Thumbprint, nil
}

func identity(c *token.Claims) auth.Identity {
	return auth.Identity{
		Subject: c.Subject, Roles: c.Roles, Scopes: c.Scopes,
		Vendors: c.Vendors, Sites: c.Sites, Customers: c.Customers, Expires: c.Expires,
	}
}

// newAuthenticator sets the authenticator of a configuration, and starts to fetch key sets.
func (a *App) newAuthenticator(ctx context.Context, cfg config.Auth, all *vendors.Registry) error {
	if cfg.Mode == config.AuthNone {
		a.authenticator = auth.None()
		return nil
	}
	verifier, sets, err := newVerifier(&cfg, a.log)
	if err != nil {
		return err
	}
	for _, set := range sets {
		set.Start(context.WithoutCancel(ctx))
	}
	a.verifier, a.keySets = verifier, sets
	known := &auth.Credentials{
		Directory: newDirectory(cfg, all), Tokens: tokens{verifier}, Clients: map[string]auth.Identity{},
	}
	for _, c := range cfg.Clients {
		known.Clients[c.SAN] = auth.Identity{
			Roles: c.Roles, Scopes: c.Scopes, Vendors: c.Vendors, Sites: c.Sites, Customers: c.Customers,
		}
	}
	a.authenticator = &auth.Authenticator{
		Identify: known.Identify,
		Leeway:   cfg.Leeway,
		Refused:  a.unidentified,
		Open: func(method string) bool {
			return isHealth(method) || cfg.PublicDocs && strings.HasPrefix(method, "/"+reflectionService)
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

// isHealth reports whether a method is a health check, which needs no identity.
func isHealth(method string) bool {
	return strings.HasPrefix(method, "/"+healthpb.Health_ServiceDesc.ServiceName+"/")
}

// methodsWithoutScope returns the methods of a server that no scope protects, sorted: those that are not
// in the contract, but for health and reflection.
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
