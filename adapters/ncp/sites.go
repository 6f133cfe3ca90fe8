package ncp

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/paging"
	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// siteRow is the content of a site. What else a fairPlayCert tells are secrets, which are not even
// read.
type siteRow struct {
	SiteID        string `json:"siteId"`
	SiteName      string `json:"siteName"`
	SiteStatus    string `json:"siteStatus"`
	SiteEnabledYn bool   `json:"siteEnabledYn"`
	PolicyID      word   `json:"policyId"`
	FairPlayCert  struct {
		CertFile string `json:"certFile"`
	} `json:"fairPlayCert"`
	Statistics      *statistics `json:"statistics"`
	SiteCreatedTime word        `json:"siteCreatedTime"`
	SiteUpdatedTime word        `json:"siteUpdatedTime"` // in the table of "Disable site"
	SiteUpdated     word        `json:"siteUpdated"`     // in its example
}

// statistics has the vendor's spelling.
type statistics struct {
	ActiveUser    int32 `json:"siteMontlyActiveUser"`
	ActiveDevice  int32 `json:"siteMontlyActiveDevice"`
	ActiveLicense int32 `json:"siteMontlyActiveLicense"`
}

var siteStates = map[string]pb.Site_State{
	"CREATING": pb.Site_CREATING,
	"READY":    pb.Site_READY,
	"RUNNING":  pb.Site_RUNNING,
	"DELETED":  pb.Site_DELETED,
}

// ListSites is GET /sites, all pages of it: so many sites as an account has are soon read.
func (a *Adapter) ListSites(ctx context.Context, req *pb.ListSitesRequest) (*pb.ListSitesResponse, error) {
	all, err := a.sites(ctx)
	if err != nil {
		return nil, err
	}
	page, next, err := paging.Slice(req, all)
	if err != nil {
		return nil, err
	}
	return &pb.ListSitesResponse{Sites: page, NextPageToken: next, TotalSize: int32(len(all))}, nil
}

// GetSite is GET /sites/{siteId}.
func (a *Adapter) GetSite(ctx context.Context, req *pb.GetSiteRequest) (*pb.Site, error) {
	ids, err := names.Site.IDs(req.GetName())
	if err != nil {
		return nil, apierror.Invalid("name", "%v", err)
	}
	return a.findSite(ctx, ids[1])
}

// sitePages bounds the pages of sites: ten thousand of them.
const sitePages = 100

// agreeing bounds how often the list is read until two passes agree.
const agreeing = 5

// agreedSites are all sites as two passes agree on them, for what is decided by one that is not
// there: where a site of a page that was read goes meanwhile, another slides into its place unseen.
// That a list has one page alone cannot be told: the vendor may give fewer at once than it is asked
// for.
func (a *Adapter) agreedSites(ctx context.Context) ([]*pb.Site, error) {
	all, err := a.sites(ctx)
	for range agreeing - 1 {
		if err != nil {
			return nil, err
		}
		before := all
		if all, err = a.sites(ctx); err == nil && slices.EqualFunc(before, all, func(x, y *pb.Site) bool { return x.GetSiteId() == y.GetSiteId() }) {
			return all, nil
		}
	}
	if err == nil {
		err = invalid("its list of sites changed at each of several readings")
	}
	return nil, err
}

// sites are all sites, in the vendor's order. One that moves from page to page while they are read
// is known by its id.
func (a *Adapter) sites(ctx context.Context) ([]*pb.Site, error) {
	var all []*pb.Site
	seen := map[string]bool{}
	for number := 1; number <= sitePages; number++ {
		page, err := a.sitePage(ctx, number, pageSize)
		if err != nil {
			return nil, err
		}
		before := len(all)
		for _, s := range page {
			if !seen[s.GetSiteId()] {
				seen[s.GetSiteId()] = true
				all = append(all, s)
			}
		}
		// A page that is not full need not be the last one: the vendor may give fewer at once than
		// it is asked for.
		if len(all) == before && len(page) == 0 {
			return all, nil
		}
		if len(all) == before {
			return nil, invalid("different pages of sites hold the same ones: is page_number_base right?")
		}
	}
	return nil, invalid("its list of sites does not end")
}

func (a *Adapter) sitePage(ctx context.Context, number, size int) ([]*pb.Site, error) {
	var rows []siteRow
	if _, err := a.get(ctx, "/sites", a.paged(url.Values{}, number, size), &rows); err != nil {
		return nil, err
	}
	page := make([]*pb.Site, len(rows))
	for i, row := range rows {
		if row.SiteID == "" {
			return nil, invalid("a site of the list has no siteId")
		}
		page[i] = a.site(row)
	}
	return page, nil
}

// findSite reads one site.
func (a *Adapter) findSite(ctx context.Context, siteID string) (*pb.Site, error) {
	if siteID == "siteLog" { // GET /sites/siteLog is another call, so that no site can have this id
		return nil, apierror.NotFound("NAVER Cloud's account has no site %q", siteID)
	}
	var row siteRow
	if _, err := a.get(ctx, "/sites"+upstream.Path(siteID), nil, &row); err != nil {
		return nil, err
	}
	if row.SiteID != siteID {
		return nil, invalid("asked for one site, it shows another one, or none")
	}
	return a.site(row), nil
}

// site maps a row. The vendor issues licenses for a site that is enabled, has been created and is
// not deleted.
func (a *Adapter) site(row siteRow) *pb.Site {
	s := &pb.Site{
		Name:        a.siteName(row.SiteID),
		SiteId:      row.SiteID,
		DisplayName: row.SiteName,
		State:       siteStates[row.SiteStatus],
		VendorState: row.SiteStatus,
		PolicyId:    string(row.PolicyID),
		Usage:       a.usage(row.SiteID, row.Statistics),
		CreateTime:  a.timestamp(row.SiteCreatedTime),
		UpdateTime:  a.timestamp(row.SiteUpdatedTime),
	}
	s.Enabled = row.SiteEnabledYn && s.GetState() != pb.Site_CREATING && s.GetState() != pb.Site_DELETED
	if s.GetUpdateTime() == nil {
		s.UpdateTime = a.timestamp(row.SiteUpdated)
	}
	if row.FairPlayCert.CertFile != "" {
		s.FairplayCertificate = &pb.FairPlayCertificate{CertificateUri: row.FairPlayCert.CertFile}
	}
	return s
}

// timestamp is a time of a site's. One that cannot be read is left out: all else of the site is
// worth showing.
func (a *Adapter) timestamp(w word) *timestamppb.Timestamp {
	t, ok := a.instant(w)
	if !ok {
		return nil
	}
	return timestamppb.New(t)
}

func (a *Adapter) usage(siteID string, s *statistics) *pb.Usage {
	if s == nil {
		return nil
	}
	return &pb.Usage{
		Name:                  names.Usage.Name(a.id, siteID),
		Date:                  a.today(),
		MonthlyActiveLicenses: s.ActiveLicense,
		MonthlyActiveUsers:    s.ActiveUser,
		MonthlyActiveDevices:  s.ActiveDevice,
	}
}

// today is the day in the vendor's zone, which is what its current figures are of.
func (a *Adapter) today() string { return time.Now().In(a.config.TimeZone).Format(time.DateOnly) }

func number(w word) (int64, bool) {
	n, err := strconv.ParseInt(string(w), 10, 64)
	return n, err == nil
}

func invalid(format string, args ...any) *apierror.Error {
	return apierror.New(codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID, "NAVER Cloud's answer contradicts itself: %s", fmt.Sprintf(format, args...))
}
