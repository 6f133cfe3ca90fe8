package pallycon

import (
	"context"
	"net/url"
	"slices"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/paging"
	"github.com/drmhub/drmhub/adapters/upstream/jsonx"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// siteRow is an element of data in "Get Site List".
type siteRow struct {
	SiteID      string `json:"site_id"`
	ServiceName string `json:"service_name"`
	ProductList *[]struct {
		ServiceCode string `json:"service_code"`
		StatusCode  string `json:"status_code"`
	} `json:"product_list"`
}

func (r siteRow) identity() (kind, field, id string) { return "site", "site_id", r.SiteID }

var services = map[string]pb.Site_Service{
	"PD001": pb.Site_DRM,
	"PD002": pb.Site_FORENSIC_WATERMARKING,
}

var serviceStates = map[string]pb.Site_ServiceState_State{
	"SE000": pb.Site_ServiceState_ACTIVE,
	"SE001": pb.Site_ServiceState_SUSPENDED,
}

// ListSites is "Get Site List". PallyCon returns all sites at once.
func (a *Adapter) ListSites(ctx context.Context, req *pb.ListSitesRequest) (*pb.ListSitesResponse, error) {
	all, err := a.allSites(ctx)
	if err != nil {
		return nil, err
	}
	page, next, err := paging.Slice(req, all)
	if err != nil {
		return nil, err
	}
	res := &pb.ListSitesResponse{
		Sites: make([]*pb.Site, 0, len(page)), NextPageToken: next, TotalSize: int32(len(all)),
	}
	for _, s := range page {
		if s.unreadable != nil {
			return nil, s.unreadable
		}
		res.Sites = append(res.Sites, a.site(s.Row))
	}
	return res, nil
}

// SiteNames returns the names of all sites, also of those that cannot be read. If a row has no id,
// it returns an error too.
func (a *Adapter) SiteNames(ctx context.Context) (all []string, err error) {
	rows, err := a.allSites(ctx)
	for _, row := range rows {
		if row.Row.SiteID == "" {
			err = row.unreadable
			continue
		}
		all = append(all, a.siteName(row.Row.SiteID))
	}
	return all, err
}

// GetSite finds one site in "Get Site List".
func (a *Adapter) GetSite(ctx context.Context, req *pb.GetSiteRequest) (*pb.Site, error) {
	ids, err := names.Site.IDs(req.GetName())
	if err != nil {
		return nil, apierror.Invalid("name", "%v", err)
	}
	return a.findSite(ctx, ids[1])
}

// allSites returns every row of the site list.
func (a *Adapter) allSites(ctx context.Context) ([]listed[siteRow], error) {
	response, err := get[jsonx.Rows[siteRow]](ctx, a, call{"/account/siteId", "UC011004100"}, url.Values{})
	if err != nil {
		return nil, err
	}
	all := make([]listed[siteRow], len(response.Data))
	for i, row := range response.Data {
		all[i] = listRow(row)
	}
	return all, nil
}

// site maps a row. A site is enabled if its service DRM is. If the state of that service is not
// known, or the row has no list of services, the site's own state is not known either.
func (a *Adapter) site(row siteRow) *pb.Site {
	s := &pb.Site{
		Name:        a.siteName(row.SiteID),
		SiteId:      row.SiteID,
		DisplayName: row.ServiceName,
		State:       pb.Site_SUSPENDED,
	}
	if row.ProductList == nil {
		s.State = pb.Site_STATE_UNSPECIFIED
		return s
	}
	unknown := false
	s.Services = slices.Grow(s.Services, len(*row.ProductList))
	for _, p := range *row.ProductList {
		state, known := serviceStates[p.StatusCode]
		s.Services = append(s.Services, &pb.Site_ServiceState{
			Service:       services[p.ServiceCode],
			State:         state,
			VendorService: p.ServiceCode,
			VendorState:   p.StatusCode,
		})
		if services[p.ServiceCode] == pb.Site_DRM && state == pb.Site_ServiceState_ACTIVE {
			s.State, s.Enabled = pb.Site_RUNNING, true
		}
		if services[p.ServiceCode] == pb.Site_DRM && !known {
			unknown, s.VendorState = true, p.StatusCode
		}
	}
	if unknown && !s.GetEnabled() {
		s.State = pb.Site_STATE_UNSPECIFIED
	}
	return s
}

// findSite returns one site of the list. PallyCon has no call for one.
func (a *Adapter) findSite(ctx context.Context, siteID string) (*pb.Site, error) {
	all, err := a.allSites(ctx)
	if err != nil {
		return nil, err
	}
	var nameless error
	for _, s := range all {
		switch s.Row.SiteID {
		case siteID:
			return a.site(s.Row), s.unreadable
		case "": // It may be the wanted site.
			nameless = s.unreadable
		}
	}
	if nameless != nil {
		return nil, nameless
	}
	return nil, apierror.NotFound("PallyCon's account has no site %q", siteID)
}
