// Package telecomx is the adapter to the IPTV DRM accounts of TelecomX. It follows the page "API :
// IPTV : DRM : List" and the other public pages of TelecomX, which define names such as IPTVPRIVATE
// and access_denied.
//
// An account's id is its username. The ids of devices and customers are 24 hexadecimal characters.
// Every call has a token in its query, so no error or log may show a URL.
package telecomx

import (
	"context"
	"net/url"
	"slices"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// maxBody bounds a response, in bytes. It is four times the size of 500 accounts of 2 KiB each,
// devices included.
const maxBody = 4 << 20

// An Adapter calls TelecomX as one user.
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

// New returns an adapter with a checked configuration.
func New(id string, config Config, connection upstream.Connection) (*Adapter, error) {
	a := &Adapter{id: id, config: config}
	a.session = newSession(config, a.login)
	vendor, err := upstream.New(upstream.Options{
		VendorName: "TelecomX",
		BaseURL:    config.BaseURL,
		Connection: connection,
		Network:    config.Network,
		Sign:       a.session.sign,
		Secrets:    a.session.secrets,
		Failure:    a.failure,
		KnownCode:  func(code string) bool { return slices.Contains(words, code) },
		Limits:     config.Limits,
		MaxBody:    maxBody,
		Templates:  []string{loginPath, accountsPath, accountsPath + "/{account}", "/iptv/device/{device}"},
	})
	if err != nil {
		return nil, err
	}
	a.vendor = vendor
	return a, nil
}

// Describe returns the limits of TelecomX: a page has at most 500 accounts.
func (a *Adapter) Describe() adapters.Description {
	list := pb.DrmAccountService_ListDrmAccounts_FullMethodName[1:]
	return adapters.Description{
		DisplayName: "TelecomX",
		Limits: &pb.Vendor_Limits{
			MaxPageSize:       maxLimit,
			PushedDownFilters: []string{list + ":customer", list + ":username_contains"},
			RequestsPerSecond: a.vendor.RequestsPerSecond(),
		},
	}
}

// Check lists one account. It returns the access level of the last login, even if TelecomX refuses
// the list. The level of a machine token is unknown.
func (a *Adapter) Check(ctx context.Context) (string, error) {
	params := url.Values{"limit": {"1"}}
	if a.config.Customer != "" {
		params.Set("customer", a.config.Customer)
	}
	_, err := a.accountPage(ctx, params)
	_, level := a.session.user()
	return level, err
}
