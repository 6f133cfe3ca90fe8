package ncp

import (
	"context"
	"time"

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
