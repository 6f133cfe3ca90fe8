package ncp

import (
	"context"
	"crypto/md5" //nolint:gosec // The vendor's own choice, to show user ids.
	"encoding/hex"
	"math"
	"net/url"
	"strconv"
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// licenseSearch reads one site's licenses under one filter. The vendor takes one search condition,
// and may match substrings: it is sent the most selective one, and every row is matched again here.
type licenseSearch struct {
	adapter     *Adapter
	siteID      string
	filter      *pb.LicenseFilter
	userMD5     string
	after, upTo int64 // the first second wanted, and the first one too late
}

// unpinned is the second that is newer than all.
const unpinned = math.MaxInt64

func (a *Adapter) newLicenseSearch(siteID string, filter *pb.LicenseFilter) *licenseSearch {
	s := &licenseSearch{adapter: a, siteID: siteID, filter: filter, after: math.MinInt64, upTo: unpinned}
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

// firstSecond is the first whole second, as rows have them, that is not before t.
func firstSecond(t *timestamppb.Timestamp) int64 {
	if t.GetNanos() > 0 {
		return t.GetSeconds() + 1
	}
	return t.GetSeconds()
}

// next collects up to want rows from at on, and tells where to go on.
func (s *licenseSearch) next(ctx context.Context, at cursor, want int, eager bool) ([]*pb.License, cursor, error) {
	rows, next, err := s.walk(ctx, at, want, eager)
	if err != nil {
		return nil, cursor{}, err
	}
	if at.Stage == begin && next.Empty {
		// an empty history of a site that is not there would mislead
		if _, err := s.adapter.findSite(ctx, s.siteID); err != nil {
			return nil, cursor{}, err
		}
	}
	if s.chooses() { // the vendor's search may match more than the filter
		next.Total = 0
	}
	licenses := make([]*pb.License, len(rows))
	for i := range rows {
		licenses[i] = s.adapter.license(s.siteID, &rows[i])
	}
	return licenses, next, nil
}

func (s *licenseSearch) walk(ctx context.Context, at cursor, want int, eager bool) ([]licenseRow, cursor, error) {
	drm := s.filter.GetDrmType()
	// between two seconds, before 1970, or of a DRM system that the vendor has not
	if s.after >= s.upTo || s.upTo <= 0 || drm != 0 && drmTypes[drm] == "" {
		return nil, cursor{Stage: over, Empty: true}, nil
	}
	w := walker{read: s.read, match: s.match, atOnce: s.adapter.config.PageConcurrency, fullPages: &s.adapter.fullPages, eager: eager}
	return w.next(ctx, at, want)
}

// chooses reports whether the filter leaves any row out.
func (s *licenseSearch) chooses() bool {
	f := s.filter
	return f.GetContentId()+f.GetUserId()+f.GetDeviceId()+f.GetDeviceModel() != "" || f.GetDrmType() != 0 || f.GetStatus() != 0 || s.after != math.MinInt64 || s.upTo != unpinned
}

// condition is the vendor's search to send: the most selective one of those that the filter has.
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

// params ask for the rows up to and with the second pin. Rows a little out of range come too, and
// are dropped here: whether startTime and endTime are searched themselves, and whether they are cut
// to seconds, is not said.
func (s *licenseSearch) params(pin int64) url.Values {
	p := url.Values{"siteId": {s.siteID}}
	if s.after > 0 {
		p.Set("startTime", strconv.FormatInt(s.after*1000-1, 10))
	}
	end := s.upTo
	if pin < s.upTo {
		end = pin + 1
	}
	if end != unpinned {
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

// read asks for a page, numbered from 1, of the rows up to and with the second pin.
func (s *licenseSearch) read(ctx context.Context, pin int64, page int) (*page, error) {
	return s.adapter.licensePage(ctx, s.adapter.paged(s.params(pin), page, pageSize))
}

func (a *Adapter) licensePage(ctx context.Context, params url.Values) (*page, error) {
	p := &page{}
	answer, err := a.get(ctx, "/license/statistics", params, &p.rows)
	switch {
	case err != nil && apierror.Convert(err).Metadata[apierror.VendorCode] == noLicenseInfo:
		return p, nil
	case err != nil:
		return nil, err
	}
	total, _ := number(answer.Total)
	p.total = int32(min(max(total, 0), math.MaxInt32))
	for i := range p.rows {
		created, ok := a.instant(p.rows[i].LicenseCreatedTime)
		if !ok {
			// not quoted: nobody knows what stands there instead
			return nil, invalid("a licenseCreatedTime is no yyyyMMddHHmmss")
		}
		if p.rows[i].second = created.Unix(); i > 0 && p.rows[i].second > p.rows[i-1].second {
			return nil, invalid("the licenses are not in order, newest first")
		}
	}
	return p, nil
}

func (s *licenseSearch) match(row *licenseRow) verdict {
	f := s.filter
	same := func(want, got string) bool { return want == "" || want == got }
	switch {
	case row.second < s.after:
		return stop
	case row.second >= s.upTo,
		!same(f.GetContentId(), row.ContentID), !same(s.userMD5, strings.ToLower(row.UserID)), !same(f.GetDeviceId(), row.DeviceID), !same(f.GetDeviceModel(), row.DeviceModel),
		f.GetDrmType() != 0 && f.GetDrmType() != meant(drmTypes, row.DRMType),
		f.GetStatus() != 0 && f.GetStatus() != meant(licenseStatuses, row.LicenseStatus):
		return pass
	}
	return take
}
