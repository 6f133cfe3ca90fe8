package memory

import (
	"context"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

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
	_ adapters.PackagingLister      = (*Adapter)(nil)
)

// ListLicenseUsers counts licenses by user.
func (a *Adapter) ListLicenseUsers(ctx context.Context, req *pb.ListLicenseUsersRequest) (*pb.ListLicenseUsersResponse, error) {
	devices := map[[2]string]bool{}
	rows, total, next, err := report(ctx, a, req, []string{"start_date", "end_date", "user_id"}, (*pb.License).GetUserId, func(u *pb.LicenseUser, l *pb.License) {
		u.Site, u.UserId = req.GetParent(), l.GetUserId()
		u.LicenseCount++
		if l.GetStatus() == pb.License_SUCCESS {
			u.SuccessCount++
		} else {
			u.FailureCount++
		}
		if device := [2]string{l.GetUserId(), l.GetDeviceId()}; !devices[device] {
			devices[device] = true
			u.DeviceCount++
		}
	})
	return &pb.ListLicenseUsersResponse{LicenseUsers: rows, TotalSize: total, NextPageToken: next}, err
}

// ListLicenseDevices counts licenses by device.
func (a *Adapter) ListLicenseDevices(ctx context.Context, req *pb.ListLicenseDevicesRequest) (*pb.ListLicenseDevicesResponse, error) {
	takes := []string{"start_date", "end_date", "device_id", "device_model"}
	rows, total, next, err := report(ctx, a, req, takes, (*pb.License).GetDeviceId, func(d *pb.LicenseDevice, l *pb.License) {
		d.Site, d.DeviceId, d.DeviceModel = req.GetParent(), l.GetDeviceId(), l.GetDeviceModel()
		d.LicenseCount++
		if l.GetStatus() == pb.License_SUCCESS {
			d.SuccessCount++
		} else {
			d.FailureCount++
		}
	})
	return &pb.ListLicenseDevicesResponse{LicenseDevices: rows, TotalSize: total, NextPageToken: next}, err
}

// ListLicenseContents counts licenses by content.
func (a *Adapter) ListLicenseContents(ctx context.Context, req *pb.ListLicenseContentsRequest) (*pb.ListLicenseContentsResponse, error) {
	takes := []string{"start_date", "end_date", "content_id", "status"}
	rows, total, next, err := report(ctx, a, req, takes, (*pb.License).GetContentId, func(c *pb.LicenseContent, l *pb.License) {
		c.Site, c.ContentId = req.GetParent(), l.GetContentId()
		c.LicenseCount++
	})
	return &pb.ListLicenseContentsResponse{LicenseContents: rows, TotalSize: total, NextPageToken: next}, err
}

// ListContentUsers counts the licenses of one content by user.
func (a *Adapter) ListContentUsers(ctx context.Context, req *pb.ListContentUsersRequest) (*pb.ListContentUsersResponse, error) {
	if req.GetFilter().GetContentId() == "" {
		return nil, apierror.Invalid("filter.content_id", "is missing")
	}
	takes := []string{"content_id", "start_date", "end_date", "user_id", "status"}
	rows, total, next, err := report(ctx, a, req, takes, (*pb.License).GetUserId, func(u *pb.ContentUser, l *pb.License) {
		u.Site, u.ContentId, u.UserId = req.GetParent(), l.GetContentId(), l.GetUserId()
		u.LicenseCount++
	})
	return &pb.ListContentUsersResponse{ContentUsers: rows, TotalSize: total, NextPageToken: next}, err
}

// ListPackagings answers packagings as they arrived.
func (a *Adapter) ListPackagings(ctx context.Context, req *pb.ListPackagingsRequest) (*pb.ListPackagingsResponse, error) {
	ids, err := names.Site.IDs(req.GetParent())
	if err != nil {
		return nil, apierror.Invalid("parent", "%v", err)
	}
	f := req.GetFilter()
	if err := checkFilter(f, []string{"start_date", "end_date", "content_id"}); err != nil {
		return nil, err
	}
	held, err := a.vendor.Packagings(ctx, ids[1])
	if err != nil {
		return nil, a.explain(ctx, err)
	}
	held = slices.DeleteFunc(held, func(p *pb.Packaging) bool {
		return f.GetContentId() != "" && f.GetContentId() != p.GetContentId() || !within(f, p.GetUpdateTime().AsTime())
	})
	for _, p := range held {
		p.Site = req.GetParent()
	}
	rows, next, err := paging.Slice(req, held)
	return &pb.ListPackagingsResponse{Packagings: rows, TotalSize: int32(len(held)), NextPageToken: next}, err
}

// report counts the licenses that a filter chooses, into one row for each key, in the order in
// which the keys came first.
func report[Row any](ctx context.Context, a *Adapter, req interface {
	paging.Request
	GetPageSize() int32
	GetParent() string
	GetFilter() *pb.ReportFilter
}, takes []string, key func(*pb.License) string, count func(*Row, *pb.License)) (page []*Row, total int32, next string, err error) {
	ids, err := names.Site.IDs(req.GetParent())
	if err != nil {
		return nil, 0, "", apierror.Invalid("parent", "%v", err)
	}
	f := req.GetFilter()
	if err := checkFilter(f, takes); err != nil {
		return nil, 0, "", err
	}
	held, err := a.vendor.Licenses(ctx, ids[1])
	if err != nil {
		return nil, 0, "", a.explain(ctx, err)
	}
	chosen := &pb.LicenseFilter{ContentId: f.GetContentId(), UserId: f.GetUserId(), DeviceId: f.GetDeviceId(), DeviceModel: f.GetDeviceModel(), Status: f.GetStatus()}
	var rows []*Row
	byKey := map[string]*Row{}
	for _, l := range held {
		if !matches(chosen, l) || !within(f, l.GetCreateTime().AsTime()) {
			continue
		}
		if byKey[key(l)] == nil {
			byKey[key(l)] = new(Row)
			rows = append(rows, byKey[key(l)])
		}
		count(byKey[key(l)], l)
	}
	page, next, err = paging.Slice(req, rows)
	return page, int32(len(rows)), next, err
}

// checkFilter refuses the first field that a report does not take, and days that are none.
func checkFilter(f *pb.ReportFilter, takes []string) (err error) {
	f.ProtoReflect().Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		name := string(field.Name())
		if !slices.Contains(takes, name) {
			err = apierror.Invalid("filter."+name, "is no condition of this list, which takes %s", strings.Join(takes, ", "))
		} else if strings.HasSuffix(name, "_date") && !isDay(v.String()) {
			err = apierror.Invalid("filter."+name, "is no day of the calendar")
		}
		return err == nil
	})
	return err
}

func isDay(s string) bool {
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}

// within reports whether a time lies in the filter's period. The vendor's days are UTC's.
func within(f *pb.ReportFilter, at time.Time) bool {
	day := at.UTC().Format(time.DateOnly)
	return (f.GetStartDate() == "" || day >= f.GetStartDate()) && (f.GetEndDate() == "" || day <= f.GetEndDate())
}
