// Package catalog is the list of the vendors that drmhub can speak to. A new adapter is one more
// entry here.
package catalog

import (
	"fmt"
	"net/http"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/amino"
	aminoemulator "github.com/drmhub/drmhub/adapters/amino/emulator"
	"github.com/drmhub/drmhub/adapters/ncp"
	ncpemulator "github.com/drmhub/drmhub/adapters/ncp/emulator"
	"github.com/drmhub/drmhub/adapters/pallycon"
	pallyconemulator "github.com/drmhub/drmhub/adapters/pallycon/emulator"
	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/telecomx"
	telecomxemulator "github.com/drmhub/drmhub/adapters/telecomx/emulator"
	"github.com/drmhub/drmhub/adapters/upstream"
)

// Kind is one vendor.
type Kind struct {
	// Name is the vendor's name in the configuration and in Vendor.kind.
	Name string
	// Settings makes the vendor's section of the configuration: a pointer to a struct that holds
	// the defaults.
	Settings func() any
	// New makes an adapter for the vendor account with this id, of what Settings made and the
	// configuration filled.
	New func(id string, settings any, connection upstream.Connection) (adapters.Adapter, error)
	// Twin makes a twin of the vendor's server that holds sample data, the same for the same
	// seed.
	Twin func(seed uint64) http.Handler
	// TwinSettings are settings with which an adapter can use a Twin that is reached at baseURL.
	TwinSettings func(baseURL string) any
}

// Kinds are all vendors, in the order in which the sandbox lists them.
var Kinds = []Kind{
	{
		Name:     "pallycon",
		Settings: func() any { return pallycon.NewConfig() },
		New:      adapter(pallycon.New),
		Twin: func(seed uint64) http.Handler {
			return pallyconemulator.New(pallyconemulator.Options{Seed: seed, WithSampleData: true})
		},
		TwinSettings: func(baseURL string) any {
			c := pallycon.NewConfig()
			c.BaseURL, c.LicenseBaseURL = baseURL, baseURL
			c.AccountID, c.AccountSeq = pallyconemulator.DefaultAccountID, pallyconemulator.DefaultAccountSeq
			c.ServiceAPIKey = secret.New(pallyconemulator.DefaultServiceAPIKey)
			return c
		},
	},
	{
		Name:     "ncp",
		Settings: func() any { return ncp.NewConfig() },
		New:      adapter(ncp.New),
		Twin: func(seed uint64) http.Handler {
			return ncpemulator.New(ncpemulator.Options{Seed: seed, WithSampleData: true})
		},
		TwinSettings: func(baseURL string) any {
			c := ncp.NewConfig()
			c.BaseURL = baseURL
			c.AccessKey = secret.New(ncpemulator.DefaultAccessKey)
			c.SecretKey = secret.New(ncpemulator.DefaultSecretKey)
			return c
		},
	},
	{
		Name:     "telecomx",
		Settings: func() any { return telecomx.NewConfig() },
		New:      adapter(telecomx.New),
		Twin: func(seed uint64) http.Handler {
			return telecomxemulator.New(telecomxemulator.Options{Seed: seed, WithSampleData: true})
		},
		TwinSettings: func(baseURL string) any {
			c := telecomx.NewConfig()
			c.BaseURL, c.Username = baseURL, telecomxemulator.DefaultUsername
			c.Password = secret.New(telecomxemulator.DefaultPassword)
			return c
		},
	},
	{
		Name:     "amino",
		Settings: func() any { return amino.NewConfig() },
		New:      adapter(amino.New),
		Twin: func(seed uint64) http.Handler {
			return aminoemulator.New(aminoemulator.Options{
				Seed: seed, WithSampleData: true, Assumptions: aminoemulator.Assumptions{ProductUpdates: true},
			})
		},
		TwinSettings: func(baseURL string) any {
			c := amino.NewConfig()
			c.BaseURL, c.Token, c.ProductUpdates = baseURL, secret.New(aminoemulator.DefaultToken), true
			return c
		},
	},
}

// Lookup finds a vendor by its name.
func Lookup(name string) (Kind, bool) {
	for _, k := range Kinds {
		if k.Name == name {
			return k, true
		}
	}
	return Kind{}, false
}

// adapter fits a vendor's own New, which takes its own type of settings, into a Kind.
func adapter[Settings any, A adapters.Adapter](
	newAdapter func(string, Settings, upstream.Connection) (A, error),
) func(string, any, upstream.Connection) (adapters.Adapter, error) {
	return func(id string, settings any, connection upstream.Connection) (adapters.Adapter, error) {
		s, ok := settings.(*Settings)
		if !ok {
			return nil, fmt.Errorf("vendor %q has settings of type %T", id, settings)
		}
		return newAdapter(id, *s, connection)
	}
}
