package ncp

import (
	"context"
	"time"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// GetUsage tells the statistics that stand with a site. They are the current ones, so no other day
// than today can be asked for.
func (a *Adapter) GetUsage(ctx context.Context, req *pb.GetUsageRequest) (*pb.Usage, error) {
	ids, err := names.Usage.IDs(req.GetName())
	if err != nil {
		return nil, apierror.Invalid("name", "%v", err)
	}
	if _, err := time.Parse(time.DateOnly, req.GetDate()); req.GetDate() != "" && err != nil {
		return nil, apierror.Invalid("date", "is no day of the calendar: write YYYY-MM-DD")
	}
	site, err := a.findSite(ctx, ids[1])
	if err != nil {
		return nil, err
	}
	if site.GetUsage() == nil {
		return nil, invalid("site %q has no statistics", ids[1])
	}
	if today := site.GetUsage().GetDate(); req.GetDate() != "" && req.GetDate() != today {
		return nil, apierror.Invalid("date", "must be empty, or today's in the vendor's zone, %s: NAVER Cloud tells the current figures alone", today)
	}
	return site.GetUsage(), nil
}
