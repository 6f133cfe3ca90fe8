// Package ncp is the adapter to NAVER Cloud's One Click Multi DRM. It follows the API pages of the
// vendor's guide, and uses their names, such as siteEnabledYn and 281003. What the pages leave open
// is a setting of Config.
//
// The id of a site is its siteId. The order that created the site has the same id.
package ncp

import (
	"context"
	"net/http"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/ncp/licensehistory"
	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// maxBody bounds a response, in bytes. A page of 100 rows takes far less.
const maxBody = 4 << 20

// vendorName is the name of the vendor in messages.
const vendorName = "NAVER Cloud"

// Adapter is the adapter to one NAVER Cloud account.
type Adapter struct {
	id     string // of the vendor account, as in names
	config Config
	vendor *upstream.Client
	header http.Header // of every request; nobody changes it

	// habits is what the pages of the license history have shown so far.
	habits licensehistory.Habits
}

var (
	_ adapters.Adapter          = (*Adapter)(nil)
	_ adapters.SiteLister       = (*Adapter)(nil)
	_ adapters.SiteGetter       = (*Adapter)(nil)
	_ adapters.SiteUpdater      = (*Adapter)(nil)
	_ adapters.SiteOrderCreator = (*Adapter)(nil)
	_ adapters.SiteOrderGetter  = (*Adapter)(nil)
	_ adapters.SiteDisabler     = (*Adapter)(nil)
	_ adapters.SiteEnabler      = (*Adapter)(nil)
	_ adapters.LicenseLister    = (*Adapter)(nil)
	_ adapters.LicenseStreamer  = (*Adapter)(nil)
	_ adapters.UsageGetter      = (*Adapter)(nil)
)

// New returns an adapter with a checked configuration.
func New(id string, config Config, connection upstream.Connection) (*Adapter, error) {
	s := signer{accessKey: config.AccessKey, secretKey: config.SecretKey}
	secrets := []secret.Text{config.AccessKey, config.SecretKey}
	vendor, err := upstream.New(upstream.Options{
		VendorName:      vendorName,
		BaseURL:         config.BaseURL,
		Connection:      connection,
		Network:         config.Network,
		Sign:            s.sign,
		Secrets:         func() []secret.Text { return secrets },
		Failure:         failure,
		KnownCode:       isDocumented,
		RequestIDHeader: "x-ncp-trace-id",
		Templates: []string{
			"/api/v1/sites", "/api/v1/sites/{site}", "/api/v1/sites/{site}/on", "/api/v1/sites/{site}/off",
			"/api/v1/license/statistics",
		},
		Limits:  config.Limits,
		MaxBody: maxBody,
	})
	if err != nil {
		return nil, err
	}
	return &Adapter{id: id, config: config, vendor: vendor, header: requestHeader(config)}, nil
}

// Describe returns the limits in the API pages.
func (a *Adapter) Describe() adapters.Description {
	// One of the first five at a time.
	fields := []string{
		"device_id", "user_id", "content_id", "device_model", "drm_type", "status", "start_time", "end_time",
	}
	var filters []string
	for _, method := range []string{
		pb.LicenseService_ListLicenses_FullMethodName, pb.LicenseService_StreamLicenses_FullMethodName,
	} {
		for _, field := range fields {
			filters = append(filters, method[1:]+":"+field)
		}
	}
	return adapters.Description{
		DisplayName: "NAVER Cloud One Click Multi DRM",
		History: &adapters.History{
			TimeZone: a.config.TimeZone, Retention: a.config.LicenseRetention, Counting: a.counting(),
		},
		Limits: &pb.Vendor_Limits{
			MaxPageSize:       pageSize,
			PushedDownFilters: filters,
			RequestsPerSecond: a.vendor.RequestsPerSecond(),
		},
		Composed: []string{
			pb.SiteService_GetSiteOrder_FullMethodName, pb.LicenseService_GetUsage_FullMethodName,
		},
	}
}

// Check lists one site. It returns no level of access, because the vendor shows none.
func (a *Adapter) Check(ctx context.Context) (string, error) {
	_, _, err := a.sitePage(ctx, 1, 1)
	return "", err
}

func (a *Adapter) siteName(siteID string) string { return names.Site.Name(a.id, siteID) }
