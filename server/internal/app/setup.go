package app

import (
	"crypto/x509"
	"fmt"
	"net"

	"github.com/drmhub/drmhub/adapters/catalog"
	"github.com/drmhub/drmhub/adapters/upstream"
	"github.com/drmhub/drmhub/server/internal/config"
	"github.com/drmhub/drmhub/server/internal/vendors"
	"github.com/drmhub/drmhub/server/internal/webguard"
)

// newVendors creates the adapters that the configuration names.
func newVendors(cfg *config.Config) (*vendors.Registry, error) {
	var all []vendors.Vendor
	for _, v := range cfg.Vendors {
		account := upstream.NewAccount(v.ID)
		account.Configure(v.Lane, v.Breaker)
		one, err := newVendor(v, account)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return vendors.New(all...)
}

// newVendor creates the adapter of a vendor, over the state of its account.
func newVendor(v config.Vendor, account *upstream.Account) (vendors.Vendor, error) {
	kind, ok := catalog.Lookup(v.Kind)
	if !ok {
		return vendors.Vendor{}, fmt.Errorf("vendor %q: unknown kind %q", v.ID, v.Kind)
	}
	a, err := kind.New(v.ID, v.Settings, upstream.Connection{Account: account})
	if err != nil {
		return vendors.Vendor{}, fmt.Errorf("vendor %q: %w", v.ID, err)
	}
	return vendors.Vendor{
		ID: v.ID, Kind: v.Kind, Adapter: a, Account: account, AccountDigest: v.AccountDigest(),
	}, nil
}

// newGuard returns the guard of REST. certificate returns the certificate of REST. Its names count
// in mode jwt, where a page whose own name resolves here has no token.
func newGuard(cfg *config.Config, certificate func() *x509.Certificate) (*webguard.Guard, error) {
	options := webguard.Options{Hosts: cfg.HTTP.AllowedHosts, Origins: cfg.HTTP.AllowedOrigins}
	options.Listen, _, _ = net.SplitHostPort(cfg.HTTP.Listen)
	if cfg.Auth.Mode == config.AuthJWT && cfg.HTTP.TLS != nil {
		options.Certificate = certificate
	}
	guard, err := webguard.New(options)
	if err != nil {
		return nil, fmt.Errorf("http.allowed_origins: %w", err)
	}
	return guard, nil
}

// nameless reports whether callers on other machines can name REST by its address alone. Behind an
// ingress that is a slip, since the ingress passes on the name that its callers use.
func nameless(cfg *config.Config) bool {
	host, _, _ := net.SplitHostPort(cfg.HTTP.Listen)
	ip := net.ParseIP(host)
	certified := cfg.Auth.Mode == config.AuthJWT && cfg.HTTP.TLS != nil
	remote := host == "" || ip != nil && !ip.IsLoopback()
	return remote && !certified && len(cfg.HTTP.AllowedHosts) == 0
}
