package services_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/auth"
)

func TestSummaries(t *testing.T) {
	engine, all := world(t)
	client := archiveOf(t, engine, auth.Identity{}, all...)
	for name, c := range map[string]struct {
		req  *pb.SummarizeLicensesRequest
		want string // the keys and counts, or the field of the mistake
	}{
		"by site": {&pb.SummarizeLicensesRequest{
			GroupBy: []pb.SummarizeLicensesRequest_Dimension{pb.SummarizeLicensesRequest_SITE},
		}, "vendors/down/sites/A 2, vendors/up/sites/A 2, vendors/up/sites/gone 2"},
		"by vendor, the greatest first": {&pb.SummarizeLicensesRequest{
			GroupBy: []pb.SummarizeLicensesRequest_Dimension{pb.SummarizeLicensesRequest_VENDOR},
			OrderBy: " license_count  desc ",
		}, "vendors/up 4, vendors/down 2"},
		"as REST spells it": {&pb.SummarizeLicensesRequest{
			GroupBy: []pb.SummarizeLicensesRequest_Dimension{pb.SummarizeLicensesRequest_VENDOR},
			OrderBy: "startTime,licenseCount",
		}, "vendors/down 2, vendors/up 4"},
		"by no dimension": {&pb.SummarizeLicensesRequest{
			GroupBy: []pb.SummarizeLicensesRequest_Dimension{pb.SummarizeLicensesRequest_DIMENSION_UNSPECIFIED},
		}, "group_by"},
		"unknown zone":   {&pb.SummarizeLicensesRequest{TimeZone: "Asia/Busan"}, "time_zone"},
		"the local zone": {&pb.SummarizeLicensesRequest{TimeZone: "Local"}, "time_zone"},
		"unknown order":  {&pb.SummarizeLicensesRequest{OrderBy: "user_id"}, "order_by"},
		"no order":       {&pb.SummarizeLicensesRequest{OrderBy: "license_count,"}, "order_by"},
		"other order":    {&pb.SummarizeLicensesRequest{OrderBy: "license_count up"}, "order_by"},
		"twice":          {&pb.SummarizeLicensesRequest{OrderBy: "user_count, userCount desc"}, "order_by"},
	} {
		c.req.Parent, c.req.PageSize = "vendors/-/sites/-", 1
		var got []string
		for {
			page, err := client.SummarizeLicenses(t.Context(), c.req)
			if err != nil {
				got = append(got, apierror.Convert(err).Violations[0].GetField())
			}
			for _, s := range page.GetSummaries() {
				got = append(got, fmt.Sprint(strings.Join(s.GetKeys(), " "), " ", s.GetLicenseCount()))
			}
			if c.req.PageToken = page.GetNextPageToken(); c.req.GetPageToken() == "" {
				break
			}
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
