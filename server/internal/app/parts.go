package app

import (
	"context"
	"fmt"

	"github.com/drmhub/drmhub/adapters/upstream"
	"github.com/drmhub/drmhub/server/internal/certs"
	"github.com/drmhub/drmhub/server/internal/config"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

// A vendorPlan is what a reload makes of the vendors.
type vendorPlan struct {
	all                     []vendors.Vendor
	added, changed, removed []string
}

// planVendors returns the vendors of a configuration. One whose section is the same keeps its adapter. Another one
// gets a new adapter over the state of its account.
func (a *App) planVendors(next *config.Config) (*vendorPlan, error) {
	p := &vendorPlan{}
	running := map[string]config.Vendor{}
	for _, v := range a.reloading.running.Vendors {
		running[v.ID] = v
	}
	adapters := map[string]vendors.Vendor{}
	for _, v := range a.reloading.vendors.All() {
		adapters[v.ID] = v
	}
	for _, v := range next.Vendors {
		before, known := running[v.ID]
		account := adapters[v.ID].Account
		switch {
		case !known:
			p.added, account = append(p.added, v.ID), upstream.NewAccount(v.ID)
			account.Observe(a.calls)
		case v.OtherAccount(before) != "":
			return nil, fmt.Errorf("vendor %q would be another account, by %s: give another account another id, "+
				"or restart drmhub once the vendor has no unsettled mutations", v.ID, v.OtherAccount(before))
		case v.SameSettings(before):
			p.all = append(p.all, adapters[v.ID])
			continue
		default:
			p.changed = append(p.changed, v.ID)
		}
		one, err := newVendor(v, account)
		if err != nil {
			return nil, err
		}
		p.all = append(p.all, one)
	}
	for _, v := range a.reloading.running.Vendors {
		if _, stays := find(next.Vendors, v.ID); !stays {
			p.removed = append(p.removed, v.ID)
		}
	}
	return p, nil
}

func find(all []config.Vendor, id string) (config.Vendor, bool) {
	for _, v := range all {
		if v.ID == id {
			return v, true
		}
	}
	return config.Vendor{}, false
}

// parts are the parts of a server that a reload replaces, beside the vendors. They are ready to use.
type parts []func(ctx context.Context)

// use replaces the running parts.
func (p parts) use(ctx context.Context) {
	for _, use := range p {
		use(ctx)
	}
}

// prepare makes the parts of a configuration. An error changes nothing.
func (a *App) prepare(next *config.Config) (all parts, err error) {
	callers, err := a.newIdentities(next.Auth, a.reloading.vendors, a.identities.Load())
	if err != nil {
		return nil, err
	}
	guard, err := newGuard(next, a.certificate)
	if err != nil {
		return nil, err
	}
	all = parts{
		func(ctx context.Context) { a.identifyBy(ctx, callers) },
		func(context.Context) { a.guard.Store(guard) },
	}
	if next.Auth.Mode == config.AuthJWT {
		limits, provider := limitsOf(next.Auth), newProvider(next.Auth)
		all = append(all, func(context.Context) { a.limits.Configure(limits.Rate, limits.Burst) })
		if provider != nil {
			all = append(all, func(context.Context) { a.provider.Configure(provider) })
		}
	}
	certificates, err := a.prepareCertificates(next)
	return append(all, certificates...), err
}

// prepareCertificates reads the certificates of listeners whose files have other names now.
func (a *App) prepareCertificates(next *config.Config) (all parts, err error) {
	files := map[string]*config.TLS{"grpc.tls": next.GRPC.TLS, "http.tls": next.HTTP.TLS}
	for _, c := range a.certs {
		if unchanged(c, files[c.Key]) {
			continue
		}
		use, err := c.Prepare(*files[c.Key])
		if err != nil {
			return nil, err
		}
		all = append(all, func(context.Context) { use() })
	}
	return all, nil
}

func unchanged(c *certs.Certificates, files *config.TLS) bool {
	return c.Files.Cert == files.Cert && c.Files.Key == files.Key && c.Files.ClientCA == files.ClientCA
}
