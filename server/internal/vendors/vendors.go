// Package vendors holds the configured vendor accounts, and finds the adapter for a request.
package vendors

import (
	"fmt"
	"strings"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/upstream"
)

// A Vendor is a configured account.
type Vendor struct {
	ID      string
	Kind    string // the kind of vendor, such as "pallycon"
	Adapter adapters.Adapter
	Account *upstream.Account // what the adapter knows about its vendor's state
}

// Name returns the vendor's resource name.
func (v Vendor) Name() string { return names.Vendor.Name(v.ID) }

// A Registry holds the configured accounts, in the order of the configuration. It never changes.
type Registry struct{ all []Vendor }

// New returns a registry. It fails if two accounts have the same id.
func New(all ...Vendor) (*Registry, error) {
	seen := map[string]bool{}
	for _, v := range all {
		if seen[v.ID] {
			return nil, fmt.Errorf("two vendors have the id %q", v.ID)
		}
		seen[v.ID] = true
	}
	return &Registry{all}, nil
}

// All returns the accounts, in the order of the configuration.
func (r *Registry) All() []Vendor { return r.all }

// Lookup returns the account that a canonical resource name belongs to.
func (r *Registry) Lookup(name string) (Vendor, error) {
	id, _, _ := strings.Cut(strings.TrimPrefix(name, "vendors/"), "/")
	for _, v := range r.all {
		if v.ID == id {
			return v, nil
		}
	}
	err := apierror.NotFound("vendor %q is not configured: ListVendors lists the configured vendors", id)
	return Vendor{}, err.With(apierror.Vendor, id)
}
