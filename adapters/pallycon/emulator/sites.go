package emulator

import (
	"context"
	"crypto/x509"
	"fmt"
	"slices"

	"github.com/drmhub/drmhub/adapters/twin"
)

// Services of a site (service_code).
const (
	ServiceDRM = "PD001"
	ServiceFWM = "PD002" // forensic watermarking
)

// States of a service (status_code).
const (
	StateInService = "SE000"
	StateSuspended = "SE001"
)

// Site is a service site of the account.
type Site struct {
	// SiteID is four alphanumeric characters.
	SiteID string
	// ServiceName is the site's display name.
	ServiceName string
	// Products are the services of the site.
	Products []Product
}

// Product is a service of a site.
type Product struct {
	// ServiceCode is ServiceDRM or ServiceFWM.
	ServiceCode string `json:"service_code"`
	// StatusCode is StateInService or StateSuspended.
	StatusCode string `json:"status_code"`
}

// A site is a Site with all that it holds.
type site struct {
	Site
	changes  map[string]*StatusChange // the latest one, by service code
	licenses licenseIndex
	// packagings are sorted by created_time, then by update_time, then by arrival.
	packagings  []Packaging
	integration Integration
	certificate *x509.Certificate // for FairPlay; nil if the site has none
}

// PutSites adds sites, or replaces the name and products of existing ones.
func (e *Emulator) PutSites(sites ...Site) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range sites {
		s.Products = slices.Clone(s.Products)
		if held := e.find(s.SiteID); held != nil {
			held.Site = s
		} else {
			e.addSite(s)
		}
	}
}

// addSite adds a new site. The caller holds the lock.
func (e *Emulator) addSite(s Site) {
	e.sites = append(e.sites, &site{
		Site: s, changes: map[string]*StatusChange{}, integration: newIntegration(e.seed, s.SiteID),
	})
}

// Sites returns the sites in the order of the list.
func (e *Emulator) Sites() []Site {
	e.mu.RLock()
	defer e.mu.RUnlock()
	sites := make([]Site, len(e.sites))
	for i, s := range e.sites {
		sites[i] = s.Site
		sites[i].Products = slices.Clone(s.Products)
	}
	return sites
}

// find returns the site with that id, or nil. The caller holds the lock.
func (e *Emulator) find(id string) *site {
	i := slices.IndexFunc(e.sites, func(s *site) bool { return s.SiteID == id })
	if i < 0 {
		return nil
	}
	return e.sites[i]
}

// site is find for a request. It fails if there is no such site.
func (e *Emulator) site(p twin.Params) (*site, error) {
	if s := e.find(p["site_id"]); s != nil {
		return s, nil
	}
	return nil, failure{e.assumed.Codes.SiteNotFound, fmt.Sprintf("site %q does not exist", p["site_id"])}
}

// seeded is find for PutLicenses and its like. It panics if there is no such site, because that is
// a mistake in the test.
func (e *Emulator) seeded(id, what string) *site {
	s := e.find(id)
	if s == nil {
		panic(fmt.Sprintf("emulator: %s for site %q, which does not exist", what, id))
	}
	return s
}

// product returns the product of s with that service code, or nil.
func (s *site) product(code string) *Product {
	i := slices.IndexFunc(s.Products, func(p Product) bool { return p.ServiceCode == code })
	if i < 0 {
		return nil
	}
	return &s.Products[i]
}

// listSites serves "Get Site List".
func (e *Emulator) listSites(context.Context, twin.Params) (response, error) {
	type row struct {
		SiteID      string    `json:"site_id"`
		ServiceName string    `json:"service_name"`
		ProductList []Product `json:"product_list"`
	}
	rows := []row{}
	for _, s := range e.Sites() {
		rows = append(rows, row{s.SiteID, s.ServiceName, append([]Product{}, s.Products...)})
	}
	return response{data: rows, count: new(len(rows))}, nil
}
