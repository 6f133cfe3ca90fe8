// Package ncp is the adapter to NAVER Cloud's One Click Multi DRM, by the API pages of the vendor's
// guide. Names such as siteEnabledYn and 281003 are those pages' own.
//
// Ids: a site's id is siteId, and so is that of the order which it came of. What the pages leave
// open is a setting of Config.
package ncp

import (
	"context"
	"net/http"
	"sync/atomic"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/secret"
	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// maxBody bounds an answer, in bytes: many times what a page of 100 rows, or a list of thousands of
// sites, takes.
const maxBody = 4 << 20

// vendorName is the name of the vendor in messages.
const vendorName = "NAVER Cloud"

// Adapter speaks to one NAVER Cloud account.
type Adapter struct {
	id     string // of the vendor account, as in names
	config Config
	vendor *upstream.Client

	// fullPages is set once the vendor has filled a page of the license history. From then on a
	// page with fewer rows is known to be the last one.
	fullPages atomic.Bool
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

// New makes an adapter of a checked configuration. A nil transport is the adapter's own.
func New(id string, config Config, transport http.RoundTripper) (*Adapter, error) {
	s := signer{accessKey: config.AccessKey, secretKey: config.SecretKey}
	vendor, err := upstream.New(upstream.Options{
		VendorName:      "NAVER Cloud",
		BaseURL:         config.BaseURL,
		Transport:       transport,
		Sign:            s.sign,
		Secrets:         func() []secret.Text { return []secret.Text{config.AccessKey, config.SecretKey} },
		Failure:         failure,
		RequestIDHeader: "x-ncp-trace-id",
		Timeout:         config.Timeout,
		MaxBody:         maxBody,
		MaxPerSecond:    config.RequestsPerSecond,
	})
	if err != nil {
		return nil, err
	}
	return &Adapter{id: id, config: config, vendor: vendor}, nil
}

// Describe tells the API pages' bounds: a page of the license history has 100 rows at most.
func (a *Adapter) Describe() adapters.Description {
	list := pb.LicenseService_ListLicenses_FullMethodName[1:]
	return adapters.Description{
		DisplayName: "NAVER Cloud One Click Multi DRM",
		Limits: &pb.Vendor_Limits{
			MaxPageSize: pageSize,
			PushedDownFilters: []string{ // one of the first five at a time
				list + ":device_id", list + ":user_id", list + ":content_id", list + ":device_model", list + ":drm_type",
				list + ":status", list + ":start_time", list + ":end_time",
			},
			RequestsPerSecond: a.config.RequestsPerSecond,
		},
		Composed: []string{pb.SiteService_GetSiteOrder_FullMethodName, pb.LicenseService_GetUsage_FullMethodName},
	}
}

// Check lists one site. The vendor tells no level of access.
func (a *Adapter) Check(ctx context.Context) (string, error) {
	_, err := a.sitePage(ctx, 1, 1)
	return "", err
}

func (a *Adapter) siteName(siteID string) string { return names.Site.Name(a.id, siteID) }
