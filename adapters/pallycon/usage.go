package pallycon

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

var _ adapters.UsageGetter = (*Adapter)(nil)

// usageRow is data in "Get MAL, MAU, MAD values".
type usageRow struct {
	LicenseCnt   int32      `json:"license_cnt"`
	UserAccCnt   int32      `json:"user_acc_cnt"`
	DeviceAccCnt int32      `json:"device_acc_cnt"`
	TargetDate   targetDate `json:"target_date"`
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
	if row == nil {
		return nil, apierror.New(codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID,
			"PallyCon reported success without figures for %s", date)
	}
	return &pb.Usage{
		Name:                  names.Usage.Name(a.id, ids[1]),
		Date:                  cmp.Or(string(row.TargetDate), date),
		MonthlyActiveLicenses: row.LicenseCnt,
		MonthlyActiveUsers:    row.UserAccCnt,
		MonthlyActiveDevices:  row.DeviceAccCnt,
	}, nil
}

// A targetDate is target_date, as YYYY-MM-DD. It is an integer in the guide's response and a string in
// its request, so both are read, with and without hyphens. It is empty if the vendor leaves it out.
type targetDate string

// UnmarshalJSONFrom reads the date in any of its forms.
func (t *targetDate) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	token, err := d.ReadToken()
	if err != nil || token.Kind() == 'n' {
		return err
	}
	text := token.String() // of a number, its digits
	for _, form := range []string{dayFormat, "20060102"} {
		if day, err := time.Parse(form, text); err == nil {
			*t = targetDate(day.Format(dayFormat))
			return nil
		}
	}
	return errors.New("target_date must be YYYY-MM-DD or YYYYMMDD")
}
