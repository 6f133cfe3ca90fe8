package pallycon

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// pushedDownByReports are the conditions, besides those of ListLicenses, that are sent to the
// vendor. A stream sends at most one of its first five. drmhub alone applies the other fields of a
// report.
var pushedDownByReports = slices.Concat(
	pushedDown(pb.LicenseService_StreamLicenses_FullMethodName,
		"device_id", "user_id", "content_id", "device_model", "drm_type", "status", "start_time", "end_time"),
	pushedDown(pb.LicenseService_ListLicenseUsers_FullMethodName, "start_date", "end_date", "user_id"),
	pushedDown(pb.LicenseService_ListLicenseDevices_FullMethodName, "start_date", "end_date", "device_id"),
	pushedDown(pb.LicenseService_ListLicenseContents_FullMethodName, "start_date", "end_date", "status"),
	pushedDown(pb.LicenseService_ListContentUsers_FullMethodName,
		"start_date", "end_date", "content_id", "status"),
	pushedDown(pb.LicenseService_ListPackagings_FullMethodName, "start_date", "end_date", "content_id"),
)

func pushedDown(fullMethod string, fields ...string) []string {
	var all []string
	for _, f := range fields {
		all = append(all, strings.TrimPrefix(fullMethod, "/")+":"+f)
	}
	return all
}

// checkReport returns an error that names each field that the method does not take, and each date
// that is not in the calendar.
func checkReport(method string, f *pb.ReportFilter, takes ...string) error {
	var wrong []*errdetails.BadRequest_FieldViolation
	refuse := func(field, why string) {
		wrong = append(wrong, &errdetails.BadRequest_FieldViolation{Field: "filter." + field, Description: why})
	}
	f.ProtoReflect().Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		switch name := string(field.Name()); {
		case !slices.Contains(takes, name):
			refuse(name, "is not a condition of "+method+": the filter of "+method+" takes "+strings.Join(takes, ", "))
		case strings.HasSuffix(name, "_date") && !isDay(value.String()):
			refuse(name, "must be a valid date, YYYY-MM-DD")
		}
		return true
	})
	if wrong == nil {
		return nil
	}
	slices.SortFunc(wrong, func(a, b *errdetails.BadRequest_FieldViolation) int {
		return strings.Compare(a.GetField(), b.GetField())
	})
	return apierror.InvalidRequest(wrong...)
}

// setPeriod sets the parameters from and to. Both days are part of the period, and are days in the
// vendor's time zone.
func (a *Adapter) setPeriod(p url.Values, startDate, endDate string) {
	if startDate != "" {
		p.Set("from", startDate)
	}
	end, err := time.Parse(dayFormat, endDate)
	if err != nil { // There is no end_date: a wrong one has been refused.
		return
	}
	if !a.config.ToInclusive {
		end = end.AddDate(0, 0, 1)
	}
	if end.Year() <= 9999 { // Otherwise the period has no end.
		p.Set("to", end.Format(dayFormat))
	}
}
