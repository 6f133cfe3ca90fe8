package ncp

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/paging"
	"github.com/drmhub/drmhub/adapters/upstream"
	"github.com/drmhub/drmhub/adapters/upstream/jsonx"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// siteRow is a site as the vendor shows it. The other parts of a fairPlayCert are secrets, and are
// not read.
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

// ListSites is GET /sites. It reads all pages, because an account has few sites.
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

const (
	maxSitePages = 100 // that is ten thousand sites
	maxPasses    = 5   // over the list of sites, until two passes agree
)

// agreedSites returns all sites, after two passes have shown the same ones. One pass can miss a
// site: if a site of an earlier page goes meanwhile, the next one moves up to a page that was
// already read. Even a short list may have several pages, because the vendor may return fewer sites
// than it is asked for.
func (a *Adapter) agreedSites(ctx context.Context) ([]*pb.Site, error) {
	all, err := a.sites(ctx)
	sameID := func(x, y *pb.Site) bool { return x.GetSiteId() == y.GetSiteId() }
	for range maxPasses - 1 {
		if err != nil {
			return nil, err
		}
		before := all
		if all, err = a.sites(ctx); err == nil && slices.EqualFunc(before, all, sameID) {
			return all, nil
		}
	}
	if err == nil {
		err = contradiction("its list of sites changed at each of several readings")
	}
	return nil, err
}

// sites returns all sites, in the vendor's order. A site that moves to another page meanwhile comes
// once.
func (a *Adapter) sites(ctx context.Context) ([]*pb.Site, error) {
	var all []*pb.Site
	seen := map[string]bool{}
	for number := 1; number <= maxSitePages; number++ {
		page, total, err := a.sitePage(ctx, number, pageSize)
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
		// A page without a new site is the end: the vendor may return fewer sites than it is asked
		// for, and may show its last page again. If it ignores the number of the page, its first page
		// comes again instead.
		switch {
		case len(all) > before:
		case len(all) < total, number == 2 && len(page) == pageSize && len(all) != total:
			return nil, contradiction("different pages of sites hold the same ones: check page_number_base")
		default:
			return all, nil
		}
	}
	return nil, contradiction("its list of sites does not end")
}

// sitePage returns a page of sites, and the number of all sites if the vendor says it.
func (a *Adapter) sitePage(ctx context.Context, index, size int) (_ []*pb.Site, total int, _ error) {
	var rows []siteRow
	answer, err := a.get(ctx, "/sites", a.paged(url.Values{}, index, size), &rows)
	if err != nil {
		return nil, 0, err
	}
	if n, ok := number(answer.Total); ok {
		total = int(n)
	}
	page := make([]*pb.Site, len(rows))
	for i, row := range rows {
		if row.SiteID == "" {
			return nil, 0, contradiction("content[%d].siteId: expected an id", i)
		}
		if err := a.checkTimes(row); err != nil {
			return nil, 0, err
		}
		page[i] = a.site(row)
	}
	return page, total, nil
}

// findSite reads one site.
func (a *Adapter) findSite(ctx context.Context, siteID string) (*pb.Site, error) {
	if siteID == "siteLog" { // GET /sites/siteLog is another call, so no site can have this id.
		return nil, apierror.NotFound("NAVER Cloud's account has no site %q", siteID)
	}
	var row siteRow
	if _, err := a.get(ctx, "/sites"+upstream.Path(siteID), nil, &row); err != nil {
		return nil, err
	}
	if row.SiteID != siteID {
		return nil, contradiction("it shows another site than the one asked for, or no site")
	}
	if err := a.checkTimes(row); err != nil {
		return nil, err
	}
	return a.site(row), nil
}

// checkTimes returns the error of a site whose times cannot be read.
func (a *Adapter) checkTimes(row siteRow) error {
	wrong := ""
	if _, ok := a.instant(row.SiteCreatedTime); !ok {
		wrong = "siteCreatedTime"
	}
	// One of the two names is enough.
	_, isTime := a.instant(row.SiteUpdatedTime)
	if other, ok := a.instant(row.SiteUpdated); !isTime && other.IsZero() || !ok && row.SiteUpdatedTime == "" {
		wrong = "siteUpdated"
	}
	if wrong == "" {
		return nil
	}
	return contradiction("site %q, %s: expected a time", row.SiteID, wrong)
}

// site returns the site of a row. A site is enabled if the vendor issues licenses for it.
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

// timestamp is a time of a site's, or nil for none. One that cannot be read is left out: a change that
// was made must not look like a failure.
func (a *Adapter) timestamp(w word) *timestamppb.Timestamp {
	t, ok := a.instant(w)
	if !ok || t.IsZero() {
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

// today returns the day in the vendor's zone. The vendor's figures are those of this day.
func (a *Adapter) today() string { return time.Now().In(a.config.TimeZone).Format(time.DateOnly) }

func number(w word) (int64, bool) { return jsonx.WholeNumber(string(w)) }

// contradiction returns the error of a response that contradicts itself or the request.
func contradiction(format string, args ...any) *apierror.Error {
	return apierror.New(codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID,
		"NAVER Cloud's response contradicts itself: %s", fmt.Sprintf(format, args...))
}
