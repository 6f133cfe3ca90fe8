// Package telecomx is the adapter to TelecomX' IPTV DRM accounts, by the page "API : IPTV : DRM :
// List" and TelecomX' other public pages. Names such as IPTVPRIVATE and access_denied are theirs.
//
// Ids: an account's id is its username, a device's and a customer's are 24 hexadecimal characters.
// Every call carries a token in its query, so a URL of this package is never to be shown.
package telecomx

import (
	"context"
	"net/http"
	"net/url"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// maxBody bounds an answer, in bytes: four times what a page of 500 accounts takes if each is 2 KiB
// with its devices.
const maxBody = 4 << 20

// Adapter speaks to TelecomX as one user.
type Adapter struct {
	id      string // of the vendor account, as in names
	config  Config
	vendor  *upstream.Client
	session *session
}

var (
	_ adapters.Adapter                 = (*Adapter)(nil)
	_ adapters.DrmAccountLister        = (*Adapter)(nil)
	_ adapters.DrmAccountGetter        = (*Adapter)(nil)
	_ adapters.DrmAccountCreator       = (*Adapter)(nil)
	_ adapters.DrmAccountDeviceDeleter = (*Adapter)(nil)
)

// New makes an adapter of a checked configuration. A nil transport is the adapter's own.
func New(id string, config Config, transport http.RoundTripper) (*Adapter, error) {
	a := &Adapter{id: id, config: config}
	a.session = newSession(config, a.login)
	vendor, err := upstream.New(upstream.Options{
		VendorName:   "TelecomX",
		BaseURL:      config.BaseURL,
		Transport:    transport,
		Sign:         a.session.sign,
		Secrets:      a.session.secrets,
		Failure:      a.failure,
		Timeout:      config.Timeout,
		MaxBody:      maxBody,
		MaxPerSecond: config.RequestsPerSecond,
	})
	if err != nil {
		return nil, err
	}
	a.vendor = vendor
	return a, nil
}

// Describe tells the bounds of TelecomX' page: limit is 500 at most.
func (a *Adapter) Describe() adapters.Description {
	list := pb.DrmAccountService_ListDrmAccounts_FullMethodName[1:]
	return adapters.Description{
		DisplayName: "TelecomX",
		Limits: &pb.Vendor_Limits{
			MaxPageSize:       maxLimit,
			PushedDownFilters: []string{list + ":customer", list + ":username_contains"},
			RequestsPerSecond: a.config.RequestsPerSecond,
		},
	}
}

// Check lists one account. The access level is that of the last login, and tells something where
// the list is refused too; nothing tells that of a machine token.
func (a *Adapter) Check(ctx context.Context) (string, error) {
	params := url.Values{"limit": {"1"}}
	if a.config.Customer != "" {
		params.Set("customer", a.config.Customer)
	}
	_, err := a.accountPage(ctx, params)
	_, level := a.session.user()
	return level, err
}
