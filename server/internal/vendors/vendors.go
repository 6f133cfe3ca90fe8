// Package vendors holds the configured vendor accounts, and finds the adapter for a request.
package vendors

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// A Vendor is a configured account.
type Vendor struct {
	ID      string
	Kind    string // the kind of vendor, such as "pallycon"
	Adapter adapters.Adapter
	Account *upstream.Account // what the adapter knows about its vendor's state
	// AccountDigest differs between accounts that are not the same at the vendor. A reload keeps
	// it.
	AccountDigest string

	// New sets these. See Proto and As.
	described   func() *pb.Vendor
	unsupported func() []string
}

// Name returns the vendor's resource name.
func (v Vendor) Name() string { return names.Vendor.Name(v.ID) }

// A Registry holds the configured accounts, in the order of the configuration. A reload of the
// configuration replaces them. A call keeps the adapter that it has looked up.
type Registry struct {
	replacing sync.Mutex // one Replace at a time
	current   atomic.Pointer[accounts]
}

// accounts are those of one configuration. They never change.
type accounts struct {
	all     []Vendor
	leaving []string      // the ids that a Replace may remove; nil while no Replace runs
	decided chan struct{} // closed when that Replace has ended
}

// New returns a registry. It fails if two accounts have the same id.
func New(all ...Vendor) (*Registry, error) {
	if err := checkIDs(all); err != nil {
		return nil, err
	}
	r := &Registry{}
	r.current.Store(&accounts{all: described(all)})
	return r, nil
}

func checkIDs(all []Vendor) error {
	seen := map[string]bool{}
	for _, v := range all {
		if seen[v.ID] {
			return fmt.Errorf("two vendors have the id %q", v.ID)
		}
		seen[v.ID] = true
	}
	return nil
}

// Replace replaces all accounts in one step, unless permit returns an error. permit gets the ids
// that the new accounts lack. While it runs, Lookup of such an id blocks, so that no call begins
// that permit does not see. A call that found its adapter before runs on with it. What permit
// changes counts in the descriptions of the new accounts.
func (r *Registry) Replace(all []Vendor, permit func(leaving []string) error) error {
	if err := checkIDs(all); err != nil {
		return err
	}
	r.replacing.Lock()
	defer r.replacing.Unlock()
	old := r.current.Load().all
	var leaving []string
	for _, v := range old {
		if !slices.ContainsFunc(all, func(next Vendor) bool { return next.ID == v.ID }) {
			leaving = append(leaving, v.ID)
		}
	}
	decided := make(chan struct{})
	defer close(decided)
	r.current.Store(&accounts{all: old, leaving: leaving, decided: decided})
	if err := permit(leaving); err != nil {
		r.current.Store(&accounts{all: old})
		return err
	}
	r.current.Store(&accounts{all: described(all)})
	return nil
}

// described returns the accounts with their descriptions, each of which is made when it is first
// needed.
func described(all []Vendor) []Vendor {
	all = slices.Clone(all)
	for i, v := range all {
		all[i].described = sync.OnceValue(v.describe)
		all[i].unsupported = sync.OnceValue(func() []string { return v.Adapter.Describe().Unsupported })
	}
	return all
}

// Snapshot returns a registry that stays as this one is now. A call that looks up several accounts,
// or one of them twice, uses it, so that a reload does not take an account away in between.
func (r *Registry) Snapshot() *Registry {
	s := &Registry{}
	s.current.Store(&accounts{all: r.current.Load().all})
	return s
}

// All returns the accounts, in the order of the configuration.
func (r *Registry) All() []Vendor { return r.current.Load().all }

// AccountDigest returns the digest of the account with this resource name, or "" if there is no
// such account.
func (r *Registry) AccountDigest(name string) string {
	for _, v := range r.All() {
		if v.Name() == name {
			return v.AccountDigest
		}
	}
	return ""
}

// Lookup returns the account that a canonical resource name belongs to.
func (r *Registry) Lookup(name string) (Vendor, error) {
	id, _, _ := strings.Cut(strings.TrimPrefix(name, "vendors/"), "/")
	now := r.current.Load()
	for slices.Contains(now.leaving, id) {
		<-now.decided
		now = r.current.Load()
	}
	for _, v := range now.all {
		if v.ID == id {
			return v, nil
		}
	}
	err := apierror.NotFound("vendor %q is not configured: ListVendors lists the configured vendors", id)
	return Vendor{}, err.With(apierror.Vendor, id)
}
