// Package pallycon is the adapter to PallyCon (DoveRunner), by the PallyCon Service API Guide V2.
// Names such as reg_time and SE000 are the guide's.
//
// Ids: a site's id is site_id (four alphanumeric characters), a status change's is
// {service_code}.{req_group_id}. What the guide leaves open is a setting of Config.
package pallycon

import (
	"context"
	"net/http"
	"time"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/pallycon/listing"
	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// maxBody bounds an answer, in bytes: four times what a page of 1000 rows takes if every row is 1
// KiB.
const maxBody = 4 << 20

// vendorName is the name of the vendor in messages.
const vendorName = "PallyCon"

// Adapter speaks to one PallyCon account.
type Adapter struct {
	id     string // of the vendor account, as in names
	config Config
	vendor *upstream.Client
}

var (
	_ adapters.Adapter                      = (*Adapter)(nil)
	_ adapters.SiteLister                   = (*Adapter)(nil)
	_ adapters.SiteGetter                   = (*Adapter)(nil)
	_ adapters.SiteOrderCreator             = (*Adapter)(nil)
	_ adapters.SiteOrderLister              = (*Adapter)(nil)
	_ adapters.SiteOrderGetter              = (*Adapter)(nil)
	_ adapters.SiteDisabler                 = (*Adapter)(nil)
	_ adapters.SiteEnabler                  = (*Adapter)(nil)
	_ adapters.TrialExtender                = (*Adapter)(nil)
	_ adapters.StatusChangeLister           = (*Adapter)(nil)
	_ adapters.StatusChangeCanceller        = (*Adapter)(nil)
	_ adapters.IntegrationGetter            = (*Adapter)(nil)
	_ adapters.IntegrationUpdater           = (*Adapter)(nil)
	_ adapters.FairPlayCertificateRegistrar = (*Adapter)(nil)
	_ adapters.LicenseLister                = (*Adapter)(nil)
	_ adapters.MemberLister                 = (*Adapter)(nil)
	_ adapters.MemberCreator                = (*Adapter)(nil)
	_ adapters.MemberUpdater                = (*Adapter)(nil)
	_ adapters.MemberPasswordResetter       = (*Adapter)(nil)
)

// New makes an adapter of a checked configuration. A nil transport is the adapter's own.
func New(id string, config Config, transport http.RoundTripper) (*Adapter, error) {
	t := &tokens{config: config, now: time.Now}
	vendor, err := upstream.New(upstream.Options{
		VendorName:   "PallyCon",
		BaseURL:      config.BaseURL,
		Transport:    transport,
		Sign:         t.sign,
		Secrets:      t.secrets,
		Timeout:      config.Timeout,
		MaxBody:      maxBody,
		MaxPerSecond: config.RequestsPerSecond,
	})
	if err != nil {
		return nil, err
	}
	return &Adapter{id: id, config: config, vendor: vendor}, nil
}

// Describe tells the guide's bounds: page_unit is 1000 at most.
func (a *Adapter) Describe() adapters.Description {
	list, orders := pb.LicenseService_ListLicenses_FullMethodName[1:], pb.SiteService_ListSiteOrders_FullMethodName[1:]
	return adapters.Description{
		DisplayName: "PallyCon (DoveRunner)",
		Limits: &pb.Vendor_Limits{
			MaxPageSize: listing.MaxUnit,
			// one of the first five at a time, and the times by day
			PushedDownFilters: append([]string{
				list + ":device_id", list + ":user_id", list + ":content_id", list + ":device_model", list + ":drm_type",
				list + ":status", list + ":start_time", list + ":end_time",
				orders + ":site_id", orders + ":account_id", // one of these
				orders + ":vendor_status", orders + ":start_date", orders + ":end_date",
				pb.SiteService_ListStatusChanges_FullMethodName[1:] + ":service",
			}, pushedDownByReports...),
			RequestsPerSecond: a.config.RequestsPerSecond,
		},
		Composed: []string{pb.SiteService_GetSite_FullMethodName, pb.SiteService_GetSiteOrder_FullMethodName},
	}
}

// Check lists the sites. PallyCon tells no level of access.
func (a *Adapter) Check(ctx context.Context) (string, error) {
	_, err := a.sites(ctx)
	return "", err
}

func (a *Adapter) siteName(siteID string) string { return names.Site.Name(a.id, siteID) }
