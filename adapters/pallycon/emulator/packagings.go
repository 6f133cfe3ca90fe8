package emulator

import (
	"cmp"
	"context"
	"slices"
	"sort"
	"time"

	"github.com/drmhub/drmhub/adapters/twin"
)

// Packaging is one packaging of a track of a content.
type Packaging struct {
	// CID is the content.
	CID string
	// Track is the content's track, such as SD, HD or AUDIO. Empty means HD, the vendor's default.
	Track string
	// CreatedTime is the time of the first packaging, and UpdateTime that of this one. The default
	// of a zero UpdateTime is the CreatedTime. The vendor keeps whole seconds.
	CreatedTime, UpdateTime time.Time
}

// compare compares packagings by the order of the list.
func (k Packaging) compare(other Packaging) int {
	return cmp.Or(k.CreatedTime.Compare(other.CreatedTime), k.UpdateTime.Compare(other.UpdateTime))
}

// PutPackagings adds packagings to a site, in any order. Packagings of equal times keep the order
// in which they were put. It panics if the site does not exist, because that is a mistake in the
// test.
func (e *Emulator) PutPackagings(siteID string, packagings ...Packaging) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.seeded(siteID, "packagings")
	for _, k := range packagings {
		if k.UpdateTime.IsZero() {
			k.UpdateTime = k.CreatedTime
		}
		k.Track = cmp.Or(k.Track, "HD")
		k.CreatedTime, k.UpdateTime = k.CreatedTime.Truncate(time.Second), k.UpdateTime.Truncate(time.Second)
		s.packagings = append(s.packagings, k)
	}
	slices.SortStableFunc(s.packagings, Packaging.compare)
}

// Packagings returns the packagings of a site in the order of the list. A site that does not exist
// has none.
func (e *Emulator) Packagings(siteID string) []Packaging {
	e.mu.RLock()
	defer e.mu.RUnlock()
	s := e.find(siteID)
	if s == nil {
		return nil
	}
	return slices.Clone(s.packagings)
}

// listPackagings serves "Get DRM Packaging History": oldest first, after the cursor.
func (e *Emulator) listPackagings(_ context.Context, p twin.Params) (response, error) {
	type row struct {
		SiteID      string `json:"site_id"`
		CID         string `json:"cid"`
		Track       string `json:"track"`
		CreatedTime string `json:"created_time"`
		UpdateTime  string `json:"update_time"`
	}
	start, end, err := e.days(p)
	if err != nil {
		return response{}, err
	}
	for _, pair := range [][2]string{
		{"search_condition", "search_keyword"}, {"last_created_time_cid", "last_update_time"},
	} {
		if err := e.bothOrNeither(p, pair[0], pair[1]); err != nil {
			return response{}, err
		}
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	s, err := e.site(p)
	if err != nil {
		return response{}, err
	}
	condition, keyword := p["search_condition"], p["search_keyword"]
	rows := []row{}
	for _, k := range e.laterThanCursor(s.packagings, p) {
		found := condition == "" || condition == "cid" && e.finds(k.CID, keyword)
		if found && within(k.UpdateTime, start, end) {
			rows = append(rows, row{s.SiteID, k.CID, k.Track, e.second(k.CreatedTime), e.second(k.UpdateTime)})
		}
	}
	return pageOf(e, rows, 0, e.assumed.PackagingPage), nil
}

// laterThanCursor returns the packagings strictly later than the cursor of a request. Without a
// cursor, it returns all.
func (e *Emulator) laterThanCursor(packagings []Packaging, p twin.Params) []Packaging {
	if p["last_created_time_cid"] == "" {
		return packagings
	}
	var cursor Packaging // The forms of both times have been checked.
	cursor.CreatedTime, _ = time.ParseInLocation(secondLayout, p["last_created_time_cid"], e.assumed.Zone)
	cursor.UpdateTime, _ = time.ParseInLocation(secondLayout, p["last_update_time"], e.assumed.Zone)
	return packagings[sort.Search(len(packagings), func(i int) bool { return packagings[i].compare(cursor) > 0 }):]
}
