package pallycon

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/paging"
	"github.com/drmhub/drmhub/adapters/pallycon/listing"
	"github.com/drmhub/drmhub/adapters/upstream/jsonx"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// licenseRow is an element of data in "Get DRM License List".
type licenseRow struct {
	CID          string `json:"cid"`
	Status       string `json:"status"`
	ErrorCode    string `json:"error_code"`
	DRMType      string `json:"drm_type"`
	UserID       string `json:"user_id"`
	DeviceID     string `json:"device_id"`
	DeviceModel  string `json:"device_model"`
	LicenseType  string `json:"license_type"`
	PlatformName string `json:"platform_name"`
	RegTime      string `json:"reg_time"`

	unreadable string // what is wrong with a value, or ""
}

// Second returns the time that a row is listed by.
func (r licenseRow) Second() string { return r.RegTime }

// Digest returns a number that is the same for equal rows, and rarely for others. Page tokens hold
// it.
func (r licenseRow) Digest() uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(strings.Join([]string{
		r.CID, r.Status, r.ErrorCode, r.DRMType, r.UserID,
		r.DeviceID, r.DeviceModel, r.LicenseType, r.PlatformName, r.RegTime,
	}, "\x00")))
	return h.Sum32()
}

var drmTypes = map[string]pb.License_DrmType{
	"Widevine":  pb.License_WIDEVINE,
	"PlayReady": pb.License_PLAYREADY,
	"FairPlay":  pb.License_FAIRPLAY,
	"NCG":       pb.License_NCG,
}

var licenseStatuses = map[string]pb.License_Status{
	"success": pb.License_SUCCESS,
	"fail":    pb.License_FAILURE,
}

// ListLicenses is "Get DRM License List".
func (a *Adapter) ListLicenses(ctx context.Context, req *pb.ListLicensesRequest) (*pb.ListLicensesResponse, error) {
	ids, err := names.Site.IDs(req.GetParent())
	if err != nil {
		return nil, apierror.Invalid("parent", "%v", err)
	}
	var at listing.Cursor
	resumed, err := paging.Resume(req, &at)
	if err != nil {
		return nil, err
	}
	l := a.newLicenseList(ids[1], req.GetFilter())
	rows, next, err := l.reader(false).Next(ctx, at, paging.Size(req.GetPageSize()))
	if err != nil {
		return nil, a.orNoSite(ctx, ids[1], err)
	}
	if !resumed && l.count == 0 {
		// An empty history of a site that does not exist would mislead.
		if _, err := a.findSite(ctx, ids[1]); err != nil {
			return nil, err
		}
	}
	res := &pb.ListLicensesResponse{TotalSize: l.total()}
	if res.Licenses, err = a.licenses(ids[1], rows); err != nil {
		return nil, err
	}
	if next != nil {
		res.NextPageToken, err = paging.Token(req, next)
	}
	return res, err
}

// orNoSite returns NOT_FOUND if the vendor refused because it has no such site, and err otherwise.
// The guide gives no code for that.
func (a *Adapter) orNoSite(ctx context.Context, siteID string, err error) error {
	return mutation.ExplainRefusal(ctx, err, a.siteName(siteID), func(ctx context.Context) error {
		_, err := a.findSite(ctx, siteID)
		return err
	})
}

// licenses returns the licenses of a page.
func (a *Adapter) licenses(siteID string, rows []licenseRow) ([]*pb.License, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	all, site := make([]*pb.License, len(rows)), a.siteName(siteID)
	// One allocation holds all messages of the page.
	messages := make([]struct {
		license pb.License
		created timestamppb.Timestamp
	}, len(rows))
	for i := range rows {
		m := &messages[i]
		m.license.Site, m.license.CreateTime, all[i] = site, &m.created, &m.license
		if err := a.fillLicense(&m.license, &rows[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// fillLicense sets what a row says of a license.
func (a *Adapter) fillLicense(to *pb.License, row *licenseRow) error {
	if row.unreadable != "" {
		return unreadable("a license of content "+strconv.Quote(row.CID), errors.New(row.unreadable))
	}
	created, ok := jsonx.ParseSecond(row.RegTime, a.config.TimeZone)
	if !ok {
		// The message does not quote the value, which may be a secret.
		return listing.HistoryContradiction("a reg_time is not yyyyMMddHHmmss")
	}
	to.CreateTime.Seconds, to.CreateTime.Nanos = created.Unix(), int32(created.Nanosecond())
	if !to.CreateTime.IsValid() { // No response could hold it.
		return listing.HistoryContradiction("a reg_time is before the year 1 or after the year 9999")
	}
	to.ContentId = row.CID
	to.DrmType, to.VendorDrmType = drmTypes[row.DRMType], row.DRMType
	to.Status, to.VendorStatus = licenseStatuses[row.Status], row.Status
	to.ErrorCode = row.ErrorCode
	to.UserId = row.UserID
	to.DeviceId, to.DeviceModel = row.DeviceID, row.DeviceModel
	to.Platform = row.PlatformName
	to.IntegrationType = row.LicenseType
	return nil
}

// licenseList reads one site's licenses that match a filter. The vendor takes one search condition,
// and may match substrings. So it is sent the most selective condition of the filter, and the whole
// filter is applied to every row here.
type licenseList struct {
	adapter     *Adapter
	siteID      string
	filter      *pb.LicenseFilter
	after, upTo string // the first reg_time wanted, and the first that is too late; "" is no bound
	drmType     string // the vendor's words for the filter's; "" is any
	status      string
	count       int  // of the page read last
	isTotal     bool // count is known to be of all rows that match
}

func (a *Adapter) newLicenseList(siteID string, filter *pb.LicenseFilter) *licenseList {
	return &licenseList{
		adapter: a, siteID: siteID, filter: filter,
		after:   a.regTime(filter.GetStartTime()),
		upTo:    a.regTime(filter.GetEndTime()),
		drmType: code(drmTypes, filter.GetDrmType()),
		status:  code(licenseStatuses, filter.GetStatus()),
	}
}

// regTime returns the first reg_time, which has whole seconds, that is not before t.
func (a *Adapter) regTime(t *timestamppb.Timestamp) string {
	if t == nil {
		return ""
	}
	first := t.AsTime().Add(time.Second - 1).Truncate(time.Second).In(a.config.TimeZone)
	// A later day, or the day after it, may be in a year with five digits.
	if first.Year() > 9998 {
		return "99990101000000"
	}
	return first.Format(secondFormat)
}

func (l *licenseList) params() url.Values {
	p := url.Values{"site_id": {l.siteID}}
	if l.after != "" {
		p.Set("from", l.day(l.after, 0, 0))
	}
	if l.upTo != "" {
		extra := 0
		if !l.adapter.config.ToInclusive {
			extra = 1
		}
		p.Set("to", l.day(l.upTo, -time.Second, extra))
	}
	if l.filter.GetStatus() != pb.License_STATUS_UNSPECIFIED {
		p.Set("search_status", l.status)
	}
	for _, c := range []struct{ condition, keyword string }{ // the most selective first
		{"device_id", l.filter.GetDeviceId()},
		{"user_id", l.filter.GetUserId()},
		{"cid", l.filter.GetContentId()},
		{"device_model", l.filter.GetDeviceModel()},
		{"drm_type", l.drmType},
	} {
		if c.keyword != "" {
			p.Set("search_condition", c.condition)
			p.Set("search_keyword", c.keyword)
			break
		}
	}
	return p
}

// day returns the day of a reg_time, moved by a time and then by days.
func (l *licenseList) day(regTime string, by time.Duration, days int) string {
	t, _ := time.ParseInLocation(secondFormat, regTime, l.adapter.config.TimeZone)
	return t.Add(by).AddDate(0, 0, days).Format(dayFormat)
}

// maxReads bounds how often a page is read that ends before the vendor's count of rows. Once or
// twice, a row may arrive between the read and the count.
const maxReads = 3

func (l *licenseList) reader(eager bool) listing.History[licenseRow] {
	return listing.History[licenseRow]{ReadPage: l.readPage, Match: l.match, Eager: eager}
}

func (l *licenseList) readPage(ctx context.Context, unit, number int) ([]licenseRow, error) {
	// No row is between two seconds. Around midnight, from would be after to.
	if l.upTo != "" && l.after >= l.upTo {
		return nil, nil
	}
	p := l.params()
	l.adapter.setPage(p, unit, number)
	for reads := 1; ; reads++ {
		response, err := get[jsonx.Rows[licenseRow]](ctx, l.adapter, call{"/drm/license", "UA003001100"}, p)
		if err != nil {
			return nil, err
		}
		all, err := l.adapter.licenseRows(response.Data)
		if err != nil {
			return nil, err
		}
		rows, count := len(all), response.Count
		l.count = count
		l.isTotal = l.isTotal || count > rows || number == 0 && count == rows && rows < unit
		shown := unit*number + rows
		switch {
		case rows > unit && count <= rows: // The vendor returns the list as a whole.
			from := min(unit*number, rows)
			return all[from:min(from+unit, rows)], nil
		case rows == unit, count <= rows, count <= shown:
			return all, nil
		}
		if reads == maxReads {
			return nil, listing.HistoryContradiction(fmt.Sprintf(
				"it counts %d rows and ends after %d: is page_index_base right?", count, shown))
		}
	}
}

// licenseRows returns the rows of a page. The list is read by reg_time, so a row without one ends
// it.
func (a *Adapter) licenseRows(read jsonx.Rows[licenseRow]) ([]licenseRow, error) {
	all := make([]licenseRow, len(read))
	for i := range read {
		r, row := &read[i], &all[i]
		*row = r.Value
		if !isSecond(row.RegTime) {
			at := r.Path() + ".reg_time"
			var err error
			row.RegTime, err = a.second(jsonx.Time{Text: row.RegTime, Path: at})
			if err == nil && row.RegTime == "" {
				err = &jsonx.Misfit{Path: at, Expected: "a time"}
			}
			if err != nil {
				return nil, unreadable("a license of content "+strconv.Quote(row.CID), err)
			}
		}
		if r.Misfit != nil {
			row.unreadable = r.Misfit.Error()
		}
	}
	return all, nil
}

func (l *licenseList) match(row *licenseRow) listing.Match {
	f := l.filter
	wanted := meets(row.unreadable != "",
		condition{f.GetContentId(), row.CID},
		condition{f.GetUserId(), row.UserID},
		condition{f.GetDeviceId(), row.DeviceID},
		condition{f.GetDeviceModel(), row.DeviceModel},
		condition{l.drmType, row.DRMType},
		condition{l.status, row.Status})
	switch {
	case l.after != "" && row.RegTime < l.after:
		return listing.Stop
	case !wanted, l.upTo != "" && row.RegTime >= l.upTo:
		return listing.Skip
	}
	return listing.Keep
}

// total returns how many rows match, or 0 if that is unknown. The vendor's count may be of whole
// days and of substrings, or of one page.
func (l *licenseList) total() int32 {
	f := l.filter
	texts := f.GetContentId() + f.GetUserId() + f.GetDeviceId() + f.GetDeviceModel() + l.after + l.upTo
	narrower := texts != "" || f.GetDrmType() != 0
	if narrower || !l.isTotal || l.count > math.MaxInt32 {
		return 0
	}
	return int32(l.count)
}
