package services

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/paging"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
)

// SummarizeLicenses returns a page of the groups of the matching rows.
func (s *archives) SummarizeLicenses(
	ctx context.Context, req *pb.SummarizeLicensesRequest,
) (*pb.SummarizeLicensesResponse, error) {
	var at struct {
		Offset int `json:"o"`
	}
	if _, err := paging.Resume(req, &at); err != nil {
		return nil, err
	}
	question, within, err := newQuestion(req.GetFilter())
	if err != nil {
		return nil, err
	}
	by, err := newGrouping(req)
	if err != nil {
		return nil, err
	}
	chosen, err := s.choose(ctx, req.GetParent())
	if err != nil {
		return nil, err
	}
	question.Sites = chosen.names()
	by.Offset, by.Limit = max(at.Offset, 0), paging.Size(req.GetPageSize())
	groups, total, err := s.engine.Summarize(ctx, question, by)
	if err != nil {
		return nil, err
	}
	res := &pb.SummarizeLicensesResponse{
		TotalSize: count32(int64(total)), Coverage: chosen.coverage(within), Unreachable: chosen.unreachable,
	}
	for _, g := range groups {
		res.Summaries = append(res.Summaries, summaryOf(g, by))
	}
	if at.Offset = by.Offset + len(groups); at.Offset < total && len(groups) > 0 {
		res.NextPageToken, err = paging.Token(req, at)
	}
	return res, err
}

func summaryOf(g archive.Group, by archive.Grouping) *pb.LicenseSummary {
	s := &pb.LicenseSummary{
		Keys: g.Keys, LicenseCount: count32(g.Total), SuccessCount: count32(g.Issued),
		FailureCount: count32(g.Refused), UserCount: count32(g.Users), DeviceCount: count32(g.Devices),
	}
	if by.Interval != pb.SummarizeLicensesRequest_INTERVAL_UNSPECIFIED {
		s.StartTime = timeOf(g.Start)
	}
	return s
}

// newGrouping returns how a request groups and orders rows.
func newGrouping(req *pb.SummarizeLicensesRequest) (archive.Grouping, error) {
	by := archive.Grouping{By: req.GetGroupBy(), Interval: req.GetInterval()}
	if i := slices.Index(by.By, pb.SummarizeLicensesRequest_DIMENSION_UNSPECIFIED); i >= 0 {
		return by, apierror.Invalid("group_by", "must hold dimensions such as ERROR_CODE: item %d is no dimension", i)
	}
	zone, err := zoneOf("time_zone", req.GetTimeZone())
	if err != nil {
		return by, err
	}
	by.Zone = zone
	by.Order, err = orderOf(req.GetOrderBy())
	return by, err
}

// zoneOf returns the time zone of an IANA name. "" means UTC.
func zoneOf(field, name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, apierror.Invalid(field,
			`must be the IANA name of a time zone, such as "Asia/Seoul", or empty for UTC`)
	}
	return zone, nil
}

// figures are what groups can be ordered by, in the spelling of both faces.
var figures = map[string]archive.Figure{
	"start_time": archive.ByStart, "startTime": archive.ByStart,
	"license_count": archive.ByTotal, "licenseCount": archive.ByTotal,
	"success_count": archive.ByIssued, "successCount": archive.ByIssued,
	"failure_count": archive.ByRefused, "failureCount": archive.ByRefused,
	"user_count": archive.ByUsers, "userCount": archive.ByUsers,
	"device_count": archive.ByDevices, "deviceCount": archive.ByDevices,
}

// orderOf reads an order_by (AIP-132): fields with commas, each with "desc" for the greatest first.
func orderOf(text string) ([]archive.Order, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	var all []archive.Order
	for part := range strings.SplitSeq(text, ",") {
		words := strings.Fields(part)
		desc := len(words) == 2 && strings.EqualFold(words[1], "desc")
		known := len(words) == 1 || desc
		var by archive.Figure
		if known {
			by, known = figures[words[0]]
		}
		if !known {
			// In quotes, REST keeps the names: both faces take them in this form.
			return nil, apierror.Invalid("order_by", "cannot order by %q: use \"start_time\", \"license_count\", "+
				"\"success_count\", \"failure_count\", \"user_count\" or \"device_count\", each with \" desc\" for "+
				"the greatest first, and commas between", strings.TrimSpace(part))
		}
		if slices.ContainsFunc(all, func(o archive.Order) bool { return o.By == by }) {
			return nil, apierror.Invalid("order_by", "names %q twice: leave one out", words[0])
		}
		all = append(all, archive.Order{By: by, Desc: desc})
	}
	return all, nil
}
