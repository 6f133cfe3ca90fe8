// Package vendors holds the configured vendor accounts and finds the adapter that a request is for.
package vendors

import (
	"fmt"
	"strings"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/names"
)

// Vendor is one configured account.
type Vendor struct {
	ID      string
	Kind    string // which vendor it is: "pallycon"
	Adapter adapters.Adapter
}

// Name is the vendor's resource name.
func (v Vendor) Name() string { return names.Vendor.Name(v.ID) }

// Registry holds the configured accounts, in the order of the configuration. It does not change.
type Registry struct{ all []Vendor }

// New makes a registry; two accounts of one id are a mistake.
func New(all ...Vendor) (*Registry, error) {
	seen := map[string]bool{}
	for _, v := range all {
		if seen[v.ID] {
			return nil, fmt.Errorf("vendor id %q is there twice", v.ID)
		}
		seen[v.ID] = true
	}
	return &Registry{all}, nil
}

// All are the accounts, in the order of the configuration.
func (r *Registry) All() []Vendor { return r.all }

// Lookup finds the account that a canonical resource name belongs to.
func (r *Registry) Lookup(name string) (Vendor, error) {
	id, _, _ := strings.Cut(strings.TrimPrefix(name, "vendors/"), "/")
	for _, v := range r.all {
		if v.ID == id {
			return v, nil
		}
	}
	return Vendor{}, apierror.NotFound("no vendor %q is configured; ListVendors tells which are", id).With(apierror.Vendor, id)
}
