package pallycon

import (
	"context"
	"net/url"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/paging"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var (
	_ adapters.LicenseUserLister    = (*Adapter)(nil)
	_ adapters.LicenseDeviceLister  = (*Adapter)(nil)
	_ adapters.LicenseContentLister = (*Adapter)(nil)
	_ adapters.ContentUserLister    = (*Adapter)(nil)
)

// userRow is an element of data in "Get DRM User List".
type userRow struct {
	UserID     string `json:"user_id"`
	LicenseCnt int32  `json:"license_cnt"`
	DeviceCnt  int32  `json:"device_cnt"`
	Success    int32  `json:"success"`
	Fail       int32  `json:"fail"`
}

func (r userRow) identity() (kind, field, id string) { return "user", "user_id", r.UserID }

// deviceRow is an element of data in "Get DRM Device List".
type deviceRow struct {
	DeviceID    string `json:"device_id"`
	DeviceModel string `json:"device_model"`
	LicenseCnt  int32  `json:"license_cnt"`
	Success     int32  `json:"success"`
	Fail        int32  `json:"fail"`
}

func (r deviceRow) identity() (kind, field, id string) { return "device", "device_id", r.DeviceID }

// contentRow is an element of data in "Get DRM CID License List".
type contentRow struct {
	CID        string `json:"cid"`
	LicenseCnt int32  `json:"license_cnt"`
}

func (r contentRow) identity() (kind, field, id string) { return "content", "cid", r.CID }

// contentUserRow is an element of data in "Get DRM CID User List".
type contentUserRow struct {
	CID        string `json:"cid"`
	UserID     string `json:"user_id"`
	LicenseCnt int32  `json:"license_cnt"`
}

func (r contentUserRow) identity() (kind, field, id string) {
	if r.CID == "" {
		return "user of a content", "cid", ""
	}
	return "user", "user_id", r.UserID
}

// A report is one of the vendor's counts of licenses in a period. The vendor may return more rows
// than those that match.
type report[Row identified] struct {
	method string   // as in messages
	takes  []string // the fields of ReportFilter that it takes
	path   string
	params url.Values // besides the period and the status
	wants  func(Row) []condition
	narrow bool // the vendor may return rows that do not meet the conditions
}

// ListLicenseUsers is "Get DRM User List".
func (a *Adapter) ListLicenseUsers(
	ctx context.Context, req *pb.ListLicenseUsersRequest,
) (*pb.ListLicenseUsersResponse, error) {
	user := req.GetFilter().GetUserId()
	site, page, err := listReport(ctx, a, req, report[userRow]{
		method: "ListLicenseUsers", takes: []string{"start_date", "end_date", "user_id"},
		path: "/drm/user", params: keyword(user),
		narrow: user != "",
		wants:  func(r userRow) []condition { return []condition{{user, r.UserID}} },
	})
	if err != nil {
		return nil, err
	}
	res := &pb.ListLicenseUsersResponse{NextPageToken: page.token, TotalSize: page.total}
	for _, r := range page.rows {
		res.LicenseUsers = append(res.LicenseUsers, &pb.LicenseUser{
			Site: site, UserId: r.UserID, LicenseCount: r.LicenseCnt, DeviceCount: r.DeviceCnt,
			SuccessCount: r.Success, FailureCount: r.Fail,
		})
	}
	return res, nil
}

// ListLicenseDevices is "Get DRM Device List".
func (a *Adapter) ListLicenseDevices(
	ctx context.Context, req *pb.ListLicenseDevicesRequest,
) (*pb.ListLicenseDevicesResponse, error) {
	device, model := req.GetFilter().GetDeviceId(), req.GetFilter().GetDeviceModel()
	site, page, err := listReport(ctx, a, req, report[deviceRow]{
		method: "ListLicenseDevices", takes: []string{"start_date", "end_date", "device_id", "device_model"},
		path: "/drm/device", params: keyword(device),
		narrow: device+model != "",
		wants: func(r deviceRow) []condition {
			return []condition{{device, r.DeviceID}, {model, r.DeviceModel}}
		},
	})
	if err != nil {
		return nil, err
	}
	res := &pb.ListLicenseDevicesResponse{NextPageToken: page.token, TotalSize: page.total}
	for _, r := range page.rows {
		res.LicenseDevices = append(res.LicenseDevices, &pb.LicenseDevice{
			Site: site, DeviceId: r.DeviceID, DeviceModel: r.DeviceModel, LicenseCount: r.LicenseCnt,
			SuccessCount: r.Success, FailureCount: r.Fail,
		})
	}
	return res, nil
}

// ListLicenseContents is "Get DRM CID License List".
func (a *Adapter) ListLicenseContents(
	ctx context.Context, req *pb.ListLicenseContentsRequest,
) (*pb.ListLicenseContentsResponse, error) {
	content := req.GetFilter().GetContentId()
	site, page, err := listReport(ctx, a, req, report[contentRow]{
		method: "ListLicenseContents", takes: []string{"start_date", "end_date", "content_id", "status"},
		path: "/drm/cid-drmLicense", params: url.Values{},
		narrow: content != "",
		wants:  func(r contentRow) []condition { return []condition{{content, r.CID}} },
	})
	if err != nil {
		return nil, err
	}
	res := &pb.ListLicenseContentsResponse{NextPageToken: page.token, TotalSize: page.total}
	for _, r := range page.rows {
		res.LicenseContents = append(res.LicenseContents, &pb.LicenseContent{
			Site: site, ContentId: r.CID, LicenseCount: r.LicenseCnt,
		})
	}
	return res, nil
}

// ListContentUsers is "Get DRM CID User List".
func (a *Adapter) ListContentUsers(
	ctx context.Context, req *pb.ListContentUsersRequest,
) (*pb.ListContentUsersResponse, error) {
	content, user := req.GetFilter().GetContentId(), req.GetFilter().GetUserId()
	if content == "" {
		return nil, apierror.Invalid("filter.content_id", "must be set: the list is of the users of one content")
	}
	site, page, err := listReport(ctx, a, req, report[contentUserRow]{
		method: "ListContentUsers", takes: []string{"content_id", "start_date", "end_date", "user_id", "status"},
		path: "/drm/cid-user", params: url.Values{"cid": {content}},
		narrow: user != "",
		wants:  func(r contentUserRow) []condition { return []condition{{content, r.CID}, {user, r.UserID}} },
	})
	if err != nil {
		return nil, err
	}
	res := &pb.ListContentUsersResponse{NextPageToken: page.token, TotalSize: page.total}
	for _, r := range page.rows {
		if r.CID != content { // PallyCon may search for substrings of cid.
			res.TotalSize = 0
			continue
		}
		res.ContentUsers = append(res.ContentUsers, &pb.ContentUser{
			Site: site, ContentId: r.CID, UserId: r.UserID, LicenseCount: r.LicenseCnt,
		})
	}
	return res, nil
}

// A reportPage is a page of a report.
type reportPage[Row any] struct {
	rows  []Row
	token string
	total int32
}

// listReport returns a page of a report, and the name of its site.
func listReport[Row identified](ctx context.Context, a *Adapter, req interface {
	paging.Request
	GetPageSize() int32
	GetParent() string
	GetFilter() *pb.ReportFilter
}, r report[Row]) (site string, page reportPage[Row], err error) {
	ids, err := names.Site.IDs(req.GetParent())
	if err != nil {
		return "", page, apierror.Invalid("parent", "%v", err)
	}
	f := req.GetFilter()
	if err := checkReport(r.method, f, r.takes...); err != nil {
		return "", page, err
	}
	r.params.Set("site_id", ids[1])
	a.setPeriod(r.params, f.GetStartDate(), f.GetEndDate())
	if s := f.GetStatus(); s != pb.License_STATUS_UNSPECIFIED {
		r.params.Set("search_status", code(licenseStatuses, s))
	}
	list := numbered[Row](a, call{r.path, "UA003001100"}, r.params, nil)
	met := func(row listed[Row]) bool { return row.meets(r.wants(row.Row)...) }
	if r.narrow {
		list.Match = func(row listed[Row]) (bool, error) { return met(row), nil }
	}
	list.Check = func(row listed[Row]) error {
		if !met(row) {
			return nil // The caller leaves it out.
		}
		return row.unreadable
	}
	want := paging.Size(req.GetPageSize())
	at := list.Start(want)
	resumed, err := paging.Resume(req, &at)
	if err != nil {
		return "", page, err
	}
	rows, next, err := list.Next(ctx, at, want)
	if err != nil {
		return "", page, a.orNoSite(ctx, ids[1], err)
	}
	if !resumed && len(rows) == 0 {
		// An empty report of a site that does not exist would mislead.
		if _, err := a.findSite(ctx, ids[1]); err != nil {
			return "", page, err
		}
	}
	for _, row := range rows {
		page.rows = append(page.rows, row.Row)
	}
	page.total = list.Total()
	if next != nil {
		page.token, err = paging.Token(req, next)
	}
	return a.siteName(ids[1]), page, err
}

// keyword returns the parameters of a search. The vendor may match substrings.
func keyword(s string) url.Values {
	if s == "" {
		return url.Values{}
	}
	return url.Values{"search_keyword": {s}}
}
