package pallycon

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/upstream/jsonx"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var _ adapters.UsageGetter = (*Adapter)(nil)

// usageRow is data in "Get MAL, MAU, MAD values".
type usageRow struct {
	LicenseCnt   int32      `json:"license_cnt"`
	UserAccCnt   int32      `json:"user_acc_cnt"`
	DeviceAccCnt int32      `json:"device_acc_cnt"`
	TargetDate   jsonx.Time `json:"target_date"`
}

// GetUsage is "Get MAL, MAU, MAD values". PallyCon requires a date. Without one, it is today's in
// PallyCon's time zone.
func (a *Adapter) GetUsage(ctx context.Context, req *pb.GetUsageRequest) (*pb.Usage, error) {
	ids, err := names.Usage.IDs(req.GetName())
	if err != nil {
		return nil, apierror.Invalid("name", "%v", err)
	}
	date := cmp.Or(req.GetDate(), time.Now().In(a.config.TimeZone).Format(dayFormat))
	if !isDay(date) {
		return nil, apierror.Invalid("date", "must be a valid date, YYYY-MM-DD")
	}
	params := url.Values{"site_id": {ids[1]}, "target_date": {date}}
	response, err := get[*usageRow](ctx, a, call{"/drm/statistics/targetDate", "UA003003100"}, params)
	if err != nil {
		return nil, a.orNoSite(ctx, ids[1], err)
	}
	row := response.Data
	if row == nil || row.LicenseCnt == 0 && row.UserAccCnt == 0 && row.DeviceAccCnt == 0 {
		// No usage of a site that does not exist would mislead.
		if _, err := a.findSite(ctx, ids[1]); err != nil {
			return nil, err
		}
	}
	switch {
	case row == nil && response.kind == 0:
		return nil, apierror.New(codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID,
			"PallyCon reported success without figures for %s", date)
	case row == nil: // null, [] and "" are an object without figures
		row = &usageRow{}
	}
	// The date is an integer in the guide's response, and a text in its request.
	measured, err := row.TargetDate.Day(a.config.TimeZone)
	if err != nil {
		return nil, unreadable("the usage of site "+strconv.Quote(ids[1]), err)
	}
	return &pb.Usage{
		Name:                  names.Usage.Name(a.id, ids[1]),
		Date:                  cmp.Or(measured, date),
		MonthlyActiveLicenses: row.LicenseCnt,
		MonthlyActiveUsers:    row.UserAccCnt,
		MonthlyActiveDevices:  row.DeviceAccCnt,
	}, nil
}

// counting returns how PallyCon counts MAL, MAU and MAD. The guide leaves two points open.
func (a *Adapter) counting() adapters.Counting {
	rows := "MAL counts the licenses issued from the first of the month on"
	if a.config.UsageCountsFailures {
		rows = "MAL counts the requested licenses, also the refused ones, from the first of the month on"
	}
	users := "LICENSETOKEN counts as one user, and a license without a user counts no user"
	if a.config.UsageCountsMissingUser {
		users = "LICENSETOKEN counts as one user, and all licenses without a user as one more"
	}
	return adapters.Counting{
		Description: rows + ", and MAU and MAD their distinct users and devices. " + users + ".",
		Source: fmt.Sprintf("PallyCon Service API Guide V2, Get MAL, MAU, MAD values; "+
			"settings usage_counts_failures: %t, usage_counts_missing_user: %t, time_zone",
			a.config.UsageCountsFailures, a.config.UsageCountsMissingUser),
		Failures:    a.config.UsageCountsFailures,
		MissingUser: a.config.UsageCountsMissingUser,
	}
}
