package app

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/drmhub/drmhub/adapters/upstream"
	"github.com/drmhub/drmhub/server/internal/config"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

// A vendorPlan is what a reload makes of the vendors.
type vendorPlan struct {
	all                     []vendors.Vendor
	added, changed, removed []string
	configure               []func() // the accounts that stay
}

// planVendors returns the vendors of a configuration.
func (a *App) planVendors(next *config.Config) (*vendorPlan, error) {
	p := &vendorPlan{}
	running := map[string]vendors.Vendor{}
	for _, v := range a.reloading.vendors.All() {
		running[v.ID] = v
	}
	for _, v := range next.Vendors {
		one, err := a.planVendor(p, v, running[v.ID])
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

// planVendor returns the vendor of a section, and adds to the plan how it changes. running is the
// vendor with this id, if there is one. It keeps its adapter if its settings are the same.
// Otherwise it gets a new adapter over the state of its account.
func (a *App) planVendor(p *vendorPlan, v config.Vendor, running vendors.Vendor) (vendors.Vendor, error) {
	before, known := find(a.reloading.running.Vendors, v.ID)
	if !known {
		p.added = append(p.added, v.ID)
		return newVendor(v, a.newAccount(v))
	}
	if key := v.OtherAccount(before); key != "" {
		return vendors.Vendor{}, fmt.Errorf("vendor %q would be another account, by %s: give another account "+
			"another id, or restart drmhub once the vendor has no unsettled mutations", v.ID, key)
	}
	account, sameSettings := running.Account, v.SameSettings(before)
	if sameSettings && v.Lane == before.Lane && v.Breaker == before.Breaker {
		return running, nil
	}
	p.changed = append(p.changed, v.ID)
	p.configure = append(p.configure, func() { account.Configure(v.Lane, v.Breaker) })
	if sameSettings {
		return running, nil
	}
	clients := account.Clients() // before the new adapter adds its own
	p.configure = append(p.configure, func() { account.ForgetRejection(clients) })
	return newVendor(v, account)
}

// newAccount returns the state of an account that a reload adds.
func (a *App) newAccount(v config.Vendor) *upstream.Account {
	account := upstream.NewAccount(v.ID)
	account.Configure(v.Lane, v.Breaker)
	account.Observe(a.calls)
	return account
}

func find(all []config.Vendor, id string) (config.Vendor, bool) {
	for _, v := range all {
		if v.ID == id {
			return v, true
		}
	}
	return config.Vendor{}, false
}

// parts are the parts of a server that a reload replaces, beside the vendors. They are ready to
// use.
type parts []func(ctx context.Context)

// use replaces the running parts.
func (p parts) use(ctx context.Context) {
	for _, use := range p {
		use(ctx)
	}
}

// prepare makes the parts of a configuration in which these keys have changed. An error changes
// nothing.
func (a *App) prepare(next *config.Config, changed []string) (all parts, err error) {
	within := func(section string) bool {
		return slices.ContainsFunc(changed, func(key string) bool { return strings.HasPrefix(key, section+".") })
	}
	if within("auth") && next.Auth.Mode == config.AuthJWT {
		callers, err := a.newIdentities(next.Auth, a.reloading.vendors, a.identities.Load())
		if err != nil {
			return nil, err
		}
		all = append(all, func(ctx context.Context) { a.changeCallers(ctx, callers) })
	}
	if within("http") {
		guard, err := newGuard(next, a.certificate)
		if err != nil {
			return nil, err
		}
		all = append(all, func(context.Context) { a.guard.Store(guard) })
	}
	if level := a.reloading.level; level != nil {
		all = append(all, func(context.Context) { level.Set(next.Log.Least()) })
	}
	all = append(all, func(context.Context) {
		a.canary.SetInterval(next.Canary.Interval)
		a.changeArchive(next.Archive)
	})
	certificates, err := a.prepareCertificates(next)
	return append(all, certificates...), err
}

// changeCallers makes these identities, and what goes with them, those of each call from now on.
func (a *App) changeCallers(ctx context.Context, next *identities) {
	a.identifyBy(ctx, next)
	limits := limitsOf(next.auth)
	a.limits.Configure(limits.Rate, limits.Burst)
	if a.provider != nil {
		a.provider.Configure(newProvider(next.auth))
	}
}

// prepareCertificates reads the certificates of listeners whose files have other names now.
func (a *App) prepareCertificates(next *config.Config) (all parts, err error) {
	files := map[string]*config.TLS{"grpc.tls": next.GRPC.TLS, "http.tls": next.HTTP.TLS}
	for _, c := range a.certs {
		named := files[c.Key]
		if c.Files.Cert == named.Cert && c.Files.Key == named.Key && c.Files.ClientCA == named.ClientCA {
			continue
		}
		use, err := c.Prepare(*named)
		if err != nil {
			return nil, err
		}
		all = append(all, func(context.Context) { use() })
	}
	return all, nil
}
