// Package auth identifies the caller of each call, and knows what the caller may do.
package auth

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/server/internal/auth/roles"
	"github.com/drmhub/drmhub/server/internal/contract"
)

// An Identity is what a token, a client certificate or a session says of a caller.
type Identity struct {
	// Subject names the caller, in records and logs.
	Subject string
	// Roles and Scopes say what the caller may do.
	Roles, Scopes []string
	// Vendors, Sites and Customers confine the caller: ids, canonical names, ids. A list that is
	// nil means all, and an empty list means none.
	Vendors, Sites, Customers []string
	// Expires is when the identity ends, or zero.
	Expires time.Time
	// Key names the key of the configuration that has signed the token. It is "" for another
	// identity.
	Key string
}

// A Caller makes a call. The zero Caller may do nothing. Calls share a Caller, so nobody changes
// it.
type Caller struct {
	Identity
	scopes    []string
	hasSites  func(vendor string) bool // see Directory; nil means that every vendor has sites
	unlimited bool                     // may do everything: the caller in auth mode none
}

// Directory knows the configured roles and vendors.
type Directory struct {
	Roles roles.Table
	// HasSites reports whether a vendor has sites. One without sites has the site "default" alone.
	HasSites func(vendor string) bool
}

// Caller returns the caller with an identity.
func (d Directory) Caller(i Identity) *Caller {
	return &Caller{Identity: i, scopes: append(d.Roles.Of(i.Roles...), i.Scopes...), hasSites: d.HasSites}
}

// Anyone is the caller of every call in auth mode none.
var Anyone = &Caller{Identity: Identity{Subject: "anonymous"}, unlimited: true}

// Has reports whether the caller holds a scope, such as "secrets:read".
func (c Caller) Has(scope string) bool {
	return c.unlimited || slices.Contains(c.scopes, scope) || scope == contract.AnyCaller && c.Subject != ""
}

// HeldScopes returns the scopes that the caller holds, those of its roles included, sorted.
func (c Caller) HeldScopes() []string {
	if c.unlimited {
		return roles.Scopes()
	}
	return slices.Compact(slices.Sorted(slices.Values(c.scopes)))
}

// SeesVendor reports whether the caller may see a vendor account, or one of its sites.
func (c Caller) SeesVendor(id string) bool {
	switch {
	case c.unlimited:
		return true
	case c.Subject == "" || c.Vendors != nil && !slices.Contains(c.Vendors, id):
		return false
	case c.Sites == nil:
		return true
	default:
		within := names.Vendor.Name(id) + "/"
		return slices.ContainsFunc(c.Sites, func(site string) bool { return strings.HasPrefix(site, within) })
	}
}

// SeesAccount reports whether the caller may see what a vendor account holds beside its sites.
func (c Caller) SeesAccount(vendor string) bool {
	return c.SeesVendor(vendor) && (c.Sites == nil || c.seesDefaultSite(vendor))
}

// seesDefaultSite reports whether the caller may see the site "default" of a vendor without sites.
// It asks at each use, since a reload of the configuration can give the id to a vendor with sites.
func (c Caller) seesDefaultSite(vendor string) bool {
	return c.hasSites != nil && slices.Contains(c.Sites, "vendors/"+vendor+"/sites/default") && !c.hasSites(vendor)
}

// SeesSite reports whether the caller may see the site of this canonical name.
func (c Caller) SeesSite(name string) bool {
	vendor, _, _ := strings.Cut(strings.TrimPrefix(name, "vendors/"), "/")
	return c.SeesVendor(vendor) && (c.Sites == nil || slices.Contains(c.Sites, name))
}

// SitesOf returns the sites of the vendor of this name that the caller is confined to, sorted.
func (c Caller) SitesOf(vendor string) []string {
	all := slices.Compact(slices.Sorted(slices.Values(c.Sites)))
	return slices.DeleteFunc(all, func(site string) bool { return !strings.HasPrefix(site, vendor+"/") })
}

// ConfinedToSites reports whether the caller may see some sites only.
func (c Caller) ConfinedToSites() bool { return !c.unlimited && c.Sites != nil }

// ConfinedToCustomers reports whether the caller may see the DRM accounts of some customers only.
func (c Caller) ConfinedToCustomers() bool { return !c.unlimited && c.Customers != nil }

// SeesCustomer reports whether the caller may see the DRM accounts of a customer. No id means the
// vendor account's own customer, which a caller that is confined to customers must name.
func (c Caller) SeesCustomer(id string) bool {
	return !c.ConfinedToCustomers() || id != "" && slices.Contains(c.Customers, id)
}

// SeenCustomers returns the customers that the caller is confined to, sorted.
func (c Caller) SeenCustomers() []string {
	all := slices.Compact(slices.Sorted(slices.Values(c.Customers)))
	return slices.DeleteFunc(all, func(id string) bool { return id == "" })
}

// Sees reports whether the caller may call an RPC for the resource of this canonical name. The name
// may have the wildcard "-". The services then choose what the caller may see.
func (c Caller) Sees(rpc *contract.RPC, name string) bool {
	segments := strings.Split(name, "/")
	if segments[0] != "vendors" || len(segments) < 2 {
		return true // The resource belongs to no vendor. Its service decides.
	}
	vendor := segments[1]
	switch {
	case len(segments) == 2 && rpc.Level == contract.LevelAccount:
		return vendor == names.Wildcard || c.SeesAccount(vendor)
	case vendor == names.Wildcard:
		return true
	case len(segments) == 2, rpc.Level == contract.LevelVendor:
		return c.SeesVendor(vendor)
	case segments[2] != "sites":
		return c.SeesAccount(vendor)
	case len(segments) > 3 && segments[3] != names.Wildcard:
		return c.SeesSite(strings.Join(segments[:4], "/"))
	}
	return c.SeesVendor(vendor)
}

type key struct{}

// WithCaller returns a context with the caller of a call.
func WithCaller(ctx context.Context, c *Caller) context.Context {
	return context.WithValue(ctx, key{}, c)
}

// FromContext returns the caller of a call that passed an interceptor of this package. Another call
// has a caller who may do nothing.
func FromContext(ctx context.Context) Caller {
	if c, ok := ctx.Value(key{}).(*Caller); ok {
		return *c
	}
	return Caller{}
}
