package ncp

import (
	"context"
	"crypto/md5" //nolint:gosec // The vendor's own choice, to show user ids.
	"encoding/hex"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/ncp/licensehistory"
	"github.com/drmhub/drmhub/adapters/upstream"
	"github.com/drmhub/drmhub/adapters/upstream/jsonx"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// licenseSearch reads one site's licenses that match a filter. The vendor takes one search
// condition, and may match substrings. So it is sent the most selective condition of the filter,
// and the whole filter is applied to every row here.
type licenseSearch struct {
	adapter     *Adapter
	siteID      string
	filter      *pb.LicenseFilter
	userMD5     string
	after, upTo int64 // the first second wanted, and the first one too late
}

// Bounds of a search without a start time and without an end time.
const (
	noStart = math.MinInt64
	noEnd   = math.MaxInt64
)

func (a *Adapter) newLicenseSearch(siteID string, filter *pb.LicenseFilter) *licenseSearch {
	s := &licenseSearch{adapter: a, siteID: siteID, filter: filter, after: noStart, upTo: noEnd}
	if id := filter.GetUserId(); id != "" {
		sum := md5.Sum([]byte(id)) //nolint:gosec // The vendor's own choice, to show user ids.
		s.userMD5 = hex.EncodeToString(sum[:])
	}
	if t := filter.GetStartTime(); t != nil {
		s.after = firstSecond(t)
	}
	if t := filter.GetEndTime(); t != nil {
		s.upTo = firstSecond(t)
	}
	return s
}

// firstSecond returns the first whole second, as rows have them, that is not before t.
func firstSecond(t *timestamppb.Timestamp) int64 {
	if t.GetNanos() > 0 {
		return t.GetSeconds() + 1
	}
	return t.GetSeconds()
}

// next returns up to want licenses from a cursor on, and the cursor after them.
func (s *licenseSearch) next(
	ctx context.Context, at licensehistory.Cursor, want int, eager bool,
) ([]*pb.License, licensehistory.Cursor, error) {
	rows, next, err := s.nextRows(ctx, at, want, eager)
	if err != nil {
		return nil, licensehistory.Cursor{}, err
	}
	if at.AtStart() && next.Empty {
		// The vendor may show an unknown site as an empty one.
		if _, err := s.adapter.findSite(ctx, s.siteID); err != nil {
			return nil, licensehistory.Cursor{}, err
		}
	}
	if s.filters() { // The vendor's search may match more than the filter.
		next.Total = 0
	}
	licenses, err := s.licenses(rows)
	if err != nil {
		return nil, licensehistory.Cursor{}, err
	}
	return licenses, next, nil
}

// licenses returns the licenses of a page.
func (s *licenseSearch) licenses(rows []licenseRow) ([]*pb.License, error) {
	all, site := make([]*pb.License, len(rows)), s.adapter.siteName(s.siteID)
	// One allocation holds all messages of the page.
	messages := make([]struct {
		license pb.License
		created timestamppb.Timestamp
	}, len(rows))
	for i := range rows {
		if rows[i].misfit != "" {
			issued := time.Unix(rows[i].second, 0).UTC().Format(time.RFC3339)
			return nil, errUnreadable("%s. The license was issued at %s: "+
				"filter.start_time and filter.end_time can leave it out", rows[i].misfit, issued)
		}
		m := &messages[i]
		m.license.Site, m.license.CreateTime, all[i] = site, &m.created, &m.license
		fillLicense(&m.license, &rows[i])
	}
	return all, nil
}

func (s *licenseSearch) nextRows(
	ctx context.Context, at licensehistory.Cursor, want int, eager bool,
) ([]licenseRow, licensehistory.Cursor, error) {
	drm := s.filter.GetDrmType()
	// No row is between two seconds, before 1970, or of a DRM system that the vendor does not
	// offer.
	if s.after >= s.upTo || s.upTo <= 0 || drm != 0 && drmTypes[drm] == "" {
		return nil, licensehistory.EmptyList(), nil
	}
	reader := licensehistory.Reader[licenseRow]{
		ReadPage:    s.readPage,
		Match:       s.match,
		Concurrency: s.adapter.config.PageConcurrency,
		Habits:      &s.adapter.habits,
		Eager:       eager,
	}
	return reader.Next(upstream.OneCall(ctx), at, want)
}

// filters reports whether the filter has any condition.
func (s *licenseSearch) filters() bool {
	f := s.filter
	ids := f.GetContentId() + f.GetUserId() + f.GetDeviceId() + f.GetDeviceModel()
	return ids != "" || f.GetDrmType() != 0 || f.GetStatus() != 0 || s.after != noStart || s.upTo != noEnd
}

// condition returns the search to send to the vendor: the most selective condition of the filter.
func (s *licenseSearch) condition() (name, keyword string) {
	user := s.userMD5
	if !s.adapter.config.HashUserID {
		user = s.filter.GetUserId()
	}
	for _, c := range []struct{ name, keyword string }{
		{"deviceId", s.filter.GetDeviceId()},
		{"userId", user},
		{"contentId", s.filter.GetContentId()},
		{"deviceModel", s.filter.GetDeviceModel()},
		{string(s.adapter.config.DRMTypeCondition), drmTypes[s.filter.GetDrmType()]},
	} {
		if c.keyword != "" {
			return c.name, c.keyword
		}
	}
	return "", ""
}

// params returns the parameters for the rows up to and including the second pin. The API pages do
// not say whether startTime and endTime are inclusive, or cut to seconds. So the period that is
// sent is slightly too wide, and match drops the rows outside of the filter.
func (s *licenseSearch) params(pin int64) url.Values {
	p := url.Values{"siteId": {s.siteID}}
	if s.after > 0 {
		p.Set("startTime", strconv.FormatInt(s.after*1000-1, 10))
	}
	end := s.upTo
	if pin < s.upTo {
		end = pin + 1
	}
	if end != noEnd {
		p.Set("endTime", strconv.FormatInt(end*1000, 10))
	}
	if status := s.filter.GetStatus(); status != 0 {
		p.Set("status", licenseStatuses[status])
	}
	if name, keyword := s.condition(); name != "" {
		p.Set("searchCondition", name)
		p.Set("searchKeyword", keyword)
	}
	return p
}

// readPage reads a page, numbered from 1, of the rows up to and including the second pin.
func (s *licenseSearch) readPage(ctx context.Context, pin int64, page int) (*licensehistory.Page[licenseRow], error) {
	params := s.adapter.paged(s.params(pin), page, licensehistory.PageSize)
	answer, err := get[jsonx.Rows[licenseJSON]](ctx, s.adapter, "/license/statistics", params)
	switch {
	case err != nil && apierror.Convert(err).Metadata[apierror.VendorCode] == noLicenseInfo:
		return &licensehistory.Page[licenseRow]{}, nil
	case err != nil:
		return nil, err
	}
	total, _ := number(answer.Total)
	if s.filters() { // It may count the licenses that the search does not match.
		total = 0
	}
	rows := answer.Content
	p := &licensehistory.Page[licenseRow]{
		Rows: make([]licenseRow, len(rows)), Total: int32(min(max(total, 0), math.MaxInt32)),
	}
	for i := range rows {
		shown, m := &rows[i].Value, misfit(&rows[i])
		row := &p.Rows[i]
		*row = shown.row()
		created, ok := s.adapter.instant(shown.LicenseCreatedTime)
		if !ok || created.IsZero() { // The history is paged by this time.
			if m == nil {
				m = &jsonx.Misfit{Path: "licenseCreatedTime", Expected: "a time"}
			}
			return nil, unreadable(rows[i].Path(), "", m)
		}
		if row.second = created.Unix(); i > 0 && row.second > p.Rows[i-1].second {
			return nil, contradiction("the licenses are not in order, newest first")
		}
		if missing := s.missing(shown); m == nil && missing != "" {
			m = &jsonx.Misfit{Path: missing, Expected: "text"}
		}
		if m != nil {
			m.Path = rows[i].Path() + "." + m.Path
			row.misfit = m.Error()
		}
	}
	return p, nil
}

// missing returns the name of a value that the filter needs and a row does not have, or "".
func (s *licenseSearch) missing(row *licenseJSON) string {
	f := s.filter
	for _, value := range []struct {
		wanted bool
		shown  *string
		name   string
	}{
		{f.GetContentId() != "", row.ContentID, "contentId"},
		{f.GetUserId() != "", row.UserID, "userId"},
		{f.GetDeviceId() != "", row.DeviceID, "deviceId"},
		{f.GetDeviceModel() != "", row.DeviceModel, "deviceModel"},
		{f.GetDrmType() != 0, row.DRMType, "drmType"},
		{f.GetStatus() != 0, row.LicenseStatus, "licenseStatus"},
	} {
		if value.wanted && value.shown == nil {
			return value.name
		}
	}
	return ""
}

// match reports whether the filter wants a row. A row with a value that cannot be read is wanted,
// unless another value excludes it.
func (s *licenseSearch) match(row *licenseRow) licensehistory.Match {
	f := s.filter
	unread := func(got string) bool { return got == "" && row.misfit != "" }
	same := func(want, got string) bool { return want == "" || want == got || unread(got) }
	switch {
	case row.second < s.after:
		return licensehistory.Stop
	case row.second >= s.upTo,
		!same(f.GetContentId(), row.contentID),
		s.userMD5 != "" && !same(s.userMD5, strings.ToLower(row.userID)),
		!same(f.GetDeviceId(), row.deviceID),
		!same(f.GetDeviceModel(), row.deviceModel),
		f.GetDrmType() != 0 && f.GetDrmType() != meant(drmWords, row.drmType) && !unread(row.drmType),
		f.GetStatus() != 0 && f.GetStatus() != meant(statusWords, row.status) && !unread(row.status):
		return licensehistory.Skip
	}
	return licensehistory.Keep
}
