package memory

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// ListLicenseUsers counts licenses by user.
func (a *Adapter) ListLicenseUsers(
	ctx context.Context, req *pb.ListLicenseUsersRequest,
) (*pb.ListLicenseUsersResponse, error) {
	devices := map[[2]string]bool{}
	count := func(u *pb.LicenseUser, l *pb.License) {
		u.Site, u.UserId = l.GetSite(), l.GetUserId()
		u.LicenseCount++
		outcome(l, &u.SuccessCount, &u.FailureCount)
		if device := [2]string{l.GetUserId(), l.GetDeviceId()}; !devices[device] {
			devices[device] = true
			u.DeviceCount++
		}
	}
	takes := []string{"start_date", "end_date", "user_id"}
	rows, next, total, err := report(ctx, a, req, takes, (*pb.License).GetUserId, count)
	return &pb.ListLicenseUsersResponse{LicenseUsers: rows, TotalSize: total, NextPageToken: next}, err
}

// outcome counts a license as a success or as a failure.
func outcome(l *pb.License, successes, failures *int32) {
	if l.GetStatus() == pb.License_SUCCESS {
		*successes++
	} else {
		*failures++
	}
}

// ListLicenseDevices counts licenses by device.
func (a *Adapter) ListLicenseDevices(
	ctx context.Context, req *pb.ListLicenseDevicesRequest,
) (*pb.ListLicenseDevicesResponse, error) {
	takes := []string{"start_date", "end_date", "device_id", "device_model"}
	count := func(d *pb.LicenseDevice, l *pb.License) {
		d.Site, d.DeviceId, d.DeviceModel = l.GetSite(), l.GetDeviceId(), l.GetDeviceModel()
		d.LicenseCount++
		outcome(l, &d.SuccessCount, &d.FailureCount)
	}
	rows, next, total, err := report(ctx, a, req, takes, (*pb.License).GetDeviceId, count)
	return &pb.ListLicenseDevicesResponse{LicenseDevices: rows, TotalSize: total, NextPageToken: next}, err
}

// ListLicenseContents counts licenses by content.
func (a *Adapter) ListLicenseContents(
	ctx context.Context, req *pb.ListLicenseContentsRequest,
) (*pb.ListLicenseContentsResponse, error) {
	takes := []string{"start_date", "end_date", "content_id", "status"}
	count := func(c *pb.LicenseContent, l *pb.License) {
		c.Site, c.ContentId = l.GetSite(), l.GetContentId()
		c.LicenseCount++
	}
	rows, next, total, err := report(ctx, a, req, takes, (*pb.License).GetContentId, count)
	return &pb.ListLicenseContentsResponse{LicenseContents: rows, TotalSize: total, NextPageToken: next}, err
}

// ListContentUsers counts the licenses of one content by user.
func (a *Adapter) ListContentUsers(
	ctx context.Context, req *pb.ListContentUsersRequest,
) (*pb.ListContentUsersResponse, error) {
	if req.GetFilter().GetContentId() == "" {
		return nil, apierror.Invalid("filter.content_id", "is missing; set it")
	}
	takes := []string{"content_id", "start_date", "end_date", "user_id", "status"}
	count := func(u *pb.ContentUser, l *pb.License) {
		u.Site, u.ContentId, u.UserId = l.GetSite(), l.GetContentId(), l.GetUserId()
		u.LicenseCount++
	}
	rows, next, total, err := report(ctx, a, req, takes, (*pb.License).GetUserId, count)
	return &pb.ListContentUsersResponse{ContentUsers: rows, TotalSize: total, NextPageToken: next}, err
}

// ListPackagings returns packagings in the order in which they arrived.
func (a *Adapter) ListPackagings(
	ctx context.Context, req *pb.ListPackagingsRequest,
) (*pb.ListPackagingsResponse, error) {
	f := req.GetFilter()
	if err := checkFilter(f, []string{"start_date", "end_date", "content_id"}); err != nil {
		return nil, err
	}
	rows, next, total, err := page(ctx, req, func(ctx context.Context) ([]*pb.Packaging, error) {
		held, err := a.vendor.Packagings.of(ctx, req.GetParent())
		return slices.DeleteFunc(held, func(p *pb.Packaging) bool {
			return !unsetOr(f.GetContentId(), p.GetContentId()) || !within(f, p.GetUpdateTime().AsTime())
		}), err
	})
	for i, p := range rows {
		rows[i] = proto.CloneOf(p) // a response belongs to the caller
	}
	return &pb.ListPackagingsResponse{Packagings: rows, TotalSize: total, NextPageToken: next}, err
}

// report counts the licenses that match a filter, into one row for each key. The rows are in the
// order in which their keys came first.
func report[Row any](ctx context.Context, a *Adapter, req interface {
	pageRequest
	GetParent() string
	GetFilter() *pb.ReportFilter
}, takes []string, key func(*pb.License) string, count func(*Row, *pb.License)) ([]*Row, string, int32, error) {
	f := req.GetFilter()
	if err := checkFilter(f, takes); err != nil {
		return nil, "", 0, err
	}
	matching := &pb.LicenseFilter{
		ContentId: f.GetContentId(), UserId: f.GetUserId(), DeviceId: f.GetDeviceId(),
		DeviceModel: f.GetDeviceModel(), Status: f.GetStatus(),
	}
	return page(ctx, req, func(ctx context.Context) ([]*Row, error) {
		held, err := a.vendor.Licenses.of(ctx, req.GetParent())
		var rows []*Row
		byKey := map[string]*Row{}
		for _, l := range held {
			if !matches(matching, l) || !within(f, l.GetCreateTime().AsTime()) {
				continue
			}
			if byKey[key(l)] == nil {
				byKey[key(l)] = new(Row)
				rows = append(rows, byKey[key(l)])
			}
			count(byKey[key(l)], l)
		}
		return rows, err
	})
}

// checkFilter refuses a field that a report does not take, and a date that is no day.
func checkFilter(f *pb.ReportFilter, takes []string) (err error) {
	f.ProtoReflect().Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		name := string(field.Name())
		if !slices.Contains(takes, name) {
			err = apierror.Invalid("filter."+name, "is no condition of this list; use %s", strings.Join(takes, ", "))
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

// GetUsage counts the licenses issued from the first of a month to a day of it. The default is
// today.
func (a *Adapter) GetUsage(ctx context.Context, req *pb.GetUsageRequest) (*pb.Usage, error) {
	date := cmp.Or(req.GetDate(), time.Now().UTC().Format(time.DateOnly))
	if !isDay(date) {
		return nil, apierror.Invalid("date", "is no day of the calendar")
	}
	held, err := a.vendor.Licenses.of(ctx, strings.TrimSuffix(req.GetName(), "/usage"))
	if err != nil {
		return nil, err
	}
	usage := &pb.Usage{Name: req.GetName(), Date: date}
	users, devices := map[string]bool{}, map[string]bool{}
	month := &pb.ReportFilter{StartDate: date[:len("2006-01")] + "-01", EndDate: date}
	for _, l := range held {
		if l.GetStatus() == pb.License_SUCCESS && within(month, l.GetCreateTime().AsTime()) {
			usage.MonthlyActiveLicenses++
			users[l.GetUserId()], devices[l.GetDeviceId()] = true, true
		}
	}
	usage.MonthlyActiveUsers, usage.MonthlyActiveDevices = int32(len(users)), int32(len(devices))
	return usage, nil
}
