package memory

import (
	"cmp"
	"context"
	"time"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var _ adapters.UsageGetter = (*Adapter)(nil)

// GetUsage counts the licenses issued from the first of a month to a day of it, today where the
// request names none.
func (a *Adapter) GetUsage(ctx context.Context, req *pb.GetUsageRequest) (*pb.Usage, error) {
	ids, err := names.Usage.IDs(req.GetName())
	if err != nil {
		return nil, apierror.Invalid("name", "%v", err)
	}
	date := cmp.Or(req.GetDate(), time.Now().UTC().Format(time.DateOnly))
	if !isDay(date) {
		return nil, apierror.Invalid("date", "is no day of the calendar")
	}
	held, err := a.vendor.Licenses(ctx, ids[1])
	if err != nil {
		return nil, a.explain(ctx, err)
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
