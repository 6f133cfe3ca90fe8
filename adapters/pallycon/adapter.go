// Package pallycon is the adapter to PallyCon (DoveRunner), by the PallyCon Service API Guide V2.
// Names such as reg_time and SE000 are the guide's.
//
// The id of a site is site_id (four alphanumeric characters). The id of a status change is
// {service_code}.{req_group_id}. Config has a setting for each point that the guide leaves open.
package pallycon

import (
	"context"
	"slices"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/pallycon/listing"
	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// maxBody bounds a response, in bytes. It is four times the size of a page of 1000 rows of 1 KiB.
const maxBody = 4 << 20

// vendorName is the name of the vendor in messages.
const vendorName = "PallyCon"

// Adapter speaks to one PallyCon account.
type Adapter struct {
	id     string // of the vendor account, as in names
	config Config
	vendor *upstream.Client
	// licenseServer is PallyCon's license server. It is nil if the configuration names none.
	licenseServer *upstream.Client
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
	_ adapters.FairPlayCertificateGetter    = (*Adapter)(nil)
	_ adapters.FairPlayCertificateRegistrar = (*Adapter)(nil)
	_ adapters.LicenseLister                = (*Adapter)(nil)
	_ adapters.MemberLister                 = (*Adapter)(nil)
	_ adapters.MemberCreator                = (*Adapter)(nil)
	_ adapters.MemberUpdater                = (*Adapter)(nil)
	_ adapters.MemberPasswordResetter       = (*Adapter)(nil)
)

// New returns an adapter with a checked configuration.
func New(id string, config Config, connection upstream.Connection) (*Adapter, error) {
	t := newTokens(config)
	vendor, err := upstream.New(upstream.Options{
		VendorName: vendorName,
		BaseURL:    config.BaseURL,
		Connection: connection,
		Network:    config.Network,
		Sign:       t.sign,
		Secrets:    t.secrets,
		Failure:    failure,
		Limits:     config.Limits,
		MaxBody:    maxBody,
		Templates: []string{
			"/api/v2/account/siteId", "/api/v2/account/siteId/approve", "/api/v2/account/member",
			"/api/v2/account/member/repw", "/api/v2/drm/license", "/api/v2/drm/pack", "/api/v2/drm/user",
			"/api/v2/drm/device", "/api/v2/drm/cid-drmLicense", "/api/v2/drm/cid-user",
			"/api/v2/drm/statistics/targetDate", "/api/v2/drm/setting/{site}", "/api/v2/drm/setting/fpscert/{site}",
			"/api/v2/plan/request/status/{site}",
		},
	})
	if err != nil {
		return nil, err
	}
	a := &Adapter{id: id, config: config, vendor: vendor}
	if config.LicenseBaseURL == "" {
		return a, nil
	}
	public := config.Network
	public.AllowHTTP = true // calls of the license server carry no credentials
	a.licenseServer, err = upstream.New(upstream.Options{
		VendorName: vendorName + "'s license server",
		BaseURL:    config.LicenseBaseURL,
		BaseURLKey: "license_base_url",
		Connection: connection.Another(),
		Network:    public,
		Limits:     upstream.Limits{Timeout: config.Timeout},
		MaxBody:    maxCertificate,
		Templates:  []string{certificatePath},
	})
	return a, err
}

// Describe returns the bounds of the guide, and which filters PallyCon applies.
func (a *Adapter) Describe() adapters.Description {
	var unsupported []string
	if a.licenseServer == nil {
		unsupported = append(unsupported, pb.SiteService_GetFairPlayCertificate_FullMethodName)
	}
	return adapters.Description{
		DisplayName: "PallyCon (DoveRunner)",
		Unsupported: unsupported,
		History: &adapters.History{
			TimeZone: a.config.TimeZone, Retention: a.config.LicenseRetention, WholeDays: true, Counting: a.counting(),
		},
		Limits: &pb.Vendor_Limits{
			MaxPageSize: listing.MaxUnit,
			PushedDownFilters: slices.Concat(
				// PallyCon takes one of the first five at a time, and the times as days.
				pushedDown(pb.LicenseService_ListLicenses_FullMethodName,
					"device_id", "user_id", "content_id", "device_model", "drm_type",
					"status", "start_time", "end_time"),
				// It takes one of site_id and account_id.
				pushedDown(pb.SiteService_ListSiteOrders_FullMethodName,
					"site_id", "account_id", "vendor_status", "start_date", "end_date"),
				pushedDown(pb.SiteService_ListStatusChanges_FullMethodName, "service"),
				pushedDownByReports,
			),
			RequestsPerSecond: a.vendor.RequestsPerSecond(),
		},
		Composed: []string{pb.SiteService_GetSite_FullMethodName, pb.SiteService_GetSiteOrder_FullMethodName},
	}
}

// Check lists the sites. PallyCon reports no level of access.
func (a *Adapter) Check(ctx context.Context) (string, error) {
	_, err := a.allSites(ctx)
	return "", err
}

func (a *Adapter) siteName(siteID string) string { return names.Site.Name(a.id, siteID) }
