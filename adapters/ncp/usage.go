package ncp

import (
	"context"
	"fmt"
	"time"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// GetUsage returns the statistics of a site. The vendor shows the current ones only, so the date
// must be today or empty.
func (a *Adapter) GetUsage(ctx context.Context, req *pb.GetUsageRequest) (*pb.Usage, error) {
	ids, err := names.Usage.IDs(req.GetName())
	if err != nil {
		return nil, apierror.Invalid("name", "%v", err)
	}
	if _, err := time.Parse(time.DateOnly, req.GetDate()); req.GetDate() != "" && err != nil {
		return nil, apierror.Invalid("date", "must be a valid date, YYYY-MM-DD")
	}
	site, err := a.findSite(ctx, ids[1])
	if err != nil {
		return nil, err
	}
	if site.GetUsage() == nil {
		return nil, contradiction("site %q has no statistics", ids[1])
	}
	if today := site.GetUsage().GetDate(); req.GetDate() != "" && req.GetDate() != today {
		return nil, apierror.Invalid("date",
			"must be empty or today's date in the vendor's zone, %s: NAVER Cloud shows current figures only", today)
	}
	return site.GetUsage(), nil
}

// counting returns how the vendor counts a site's statistics. The API pages leave two points open.
func (a *Adapter) counting() adapters.Counting {
	rows := "The statistics count the licenses created from the first of the month on"
	if a.config.UsageCountsFailures {
		rows = "The statistics count the requested licenses, also the refused ones, from the first of the month on"
	}
	users := "The MD5 of an empty id counts as one user, and a license without a user counts no user"
	if a.config.UsageCountsMissingUser {
		users = "The MD5 of an empty id counts as one user, and all licenses without a user as one more"
	}
	return adapters.Counting{
		Description: rows + ", and their distinct users and devices. " + users + ".",
		Source: fmt.Sprintf("NAVER Cloud One Click Multi DRM API, Statistics Object of a site; "+
			"settings usage_counts_failures: %t, usage_counts_missing_user: %t, time_zone",
			a.config.UsageCountsFailures, a.config.UsageCountsMissingUser),
		Failures:    a.config.UsageCountsFailures,
		MissingUser: a.config.UsageCountsMissingUser,
	}
}
