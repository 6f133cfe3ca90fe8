package ncp

import (
	"context"
	"math"
	"net/url"
	"slices"
	"strings"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/paging"
	"github.com/drmhub/drmhub/adapters/upstream/jsonx"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// A siteList is the vendor's list of sites.
type siteList struct {
	sites []listedSite
	total int // how many sites the vendor counts, or 0
	// hidden is the error for a caller that needs every site. It is nil if the list has them all.
	hidden *apierror.Error

	seen map[string]bool
}

// A listedSite is a row of the list. If the row cannot be read, it says why. Its site then has what
// could be read.
type listedSite struct {
	*pb.Site
	unreadable *apierror.Error
}

// ListSites is GET /sites. It reads all pages, because an account has few sites.
func (a *Adapter) ListSites(ctx context.Context, req *pb.ListSitesRequest) (*pb.ListSitesResponse, error) {
	all, err := a.sites(ctx)
	if err != nil {
		return nil, err
	}
	page, next, err := paging.Slice(req, all.sites)
	if err != nil {
		return nil, err
	}
	total := max(len(all.sites), min(all.total, math.MaxInt32))
	res := &pb.ListSitesResponse{NextPageToken: next, TotalSize: int32(total)}
	for _, s := range page {
		if s.unreadable != nil {
			return nil, s.unreadable
		}
		res.Sites = append(res.Sites, s.Site)
	}
	return res, nil
}

// SiteNames returns the names of all sites, also of those that cannot be read. If a row has no id,
// or the list may hide sites, it returns an error too.
func (a *Adapter) SiteNames(ctx context.Context) (all []string, err error) {
	list, err := a.sites(ctx)
	if err != nil {
		return nil, err
	}
	if list.hidden != nil {
		err = list.hidden
	}
	for _, s := range list.sites {
		if s.GetSiteId() == "" {
			err = s.unreadable
			continue
		}
		all = append(all, s.GetName())
	}
	return all, err
}

const (
	maxSitePages = 100 // that is ten thousand sites
	maxPasses    = 5   // over the list of sites, until two passes agree
)

// agreedSites returns all sites, after two passes have shown the same ones. One pass can miss a
// site: if a site of an earlier page goes meanwhile, the next one moves up to a page that was
// already read. Even a short list may have several pages, because the vendor may return fewer sites
// than it is asked for.
func (a *Adapter) agreedSites(ctx context.Context) ([]listedSite, error) {
	all, err := a.sites(ctx)
	sameID := func(x, y listedSite) bool { return x.GetSiteId() == y.GetSiteId() }
	for range maxPasses - 1 {
		if err != nil {
			return nil, err
		}
		before := all.sites
		all, err = a.sites(ctx)
		if err != nil || !slices.EqualFunc(before, all.sites, sameID) {
			continue
		}
		if all.hidden != nil {
			return nil, all.hidden
		}
		return all.sites, nil
	}
	if err == nil {
		err = contradiction("its list of sites changed at each of several readings")
	}
	return nil, err
}

// sites returns all sites, in the vendor's order. A site that moves to another page meanwhile comes
// once.
//
// A page without a new site is the end: the vendor may return fewer sites than it is asked for, may
// show its last page again, and may ignore the number of the page.
func (a *Adapter) sites(ctx context.Context) (*siteList, error) {
	all := &siteList{seen: map[string]bool{}}
	for number := 1; number <= maxSitePages; number++ {
		page, total, err := a.sitePage(ctx, number, pageSize)
		if err != nil {
			return nil, err
		}
		all.total = max(total, 0)
		switch {
		case all.add(page, number == 1):
			continue
		case len(all.sites) < all.total && len(page) == 0:
			return nil, contradiction("it counts %d sites and shows %d: check page_number_base",
				all.total, len(all.sites))
		case len(all.sites) < all.total:
			all.hidden = contradiction("it counts %d sites and shows %d, so some may be hidden: check page_number_base",
				all.total, len(all.sites))
		case number == 2 && len(page) == pageSize && all.total == 0:
			all.hidden = contradiction("it shows its first %d sites again, so others may be hidden: "+
				"check page_number_base", pageSize)
		}
		return all, nil
	}
	return nil, contradiction("its list of sites does not end")
}

// add adds the sites of a page that the list does not have yet. It reports whether there are any.
func (l *siteList) add(page []listedSite, first bool) bool {
	var added []listedSite
	isNew := false
	for _, s := range page {
		id := s.GetSiteId()
		if l.seen[id] {
			continue
		}
		if id != "" {
			l.seen[id], isNew = true, true
		}
		added = append(added, s)
	}
	if isNew || first {
		l.sites = append(l.sites, added...)
	}
	return isNew
}

// sitePage returns a page of sites, and the number of all sites if the vendor says it.
func (a *Adapter) sitePage(ctx context.Context, index, size int) (_ []listedSite, total int, _ error) {
	answer, err := get[jsonx.Rows[siteRow]](ctx, a, "/sites", a.paged(url.Values{}, index, size))
	if err != nil {
		return nil, 0, err
	}
	if n, ok := number(answer.Total); ok {
		total = int(n)
	}
	page := make([]listedSite, len(answer.Content))
	for i, row := range answer.Content {
		page[i] = listedSite{a.site(row.Value), a.unreadableRow(&row)}
	}
	return page, total, nil
}

// unreadableRow returns the error of a row of the list that cannot be read, or nil.
func (a *Adapter) unreadableRow(row *jsonx.Row[siteRow]) *apierror.Error {
	m := misfit(row)
	if m == nil && row.Value.SiteID == "" {
		m = &jsonx.Misfit{Path: "siteId", Expected: "an id"}
	}
	if wrong := a.unreadableTime(row.Value); m == nil && wrong != "" {
		m = &jsonx.Misfit{Path: wrong, Expected: "a time"}
	}
	if m == nil {
		return nil
	}
	return unreadable(row.Path(), row.Value.SiteID, m)
}

// misfit returns the misfit of a row, with the path below the row, or nil.
func misfit[R any](row *jsonx.Row[R]) *jsonx.Misfit {
	if row.Misfit == nil {
		return nil
	}
	m := *row.Misfit
	m.Path = strings.TrimPrefix(strings.TrimPrefix(m.Path, row.Path()), ".")
	return &m
}
