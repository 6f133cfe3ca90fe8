package services

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
	"github.com/drmhub/drmhub/server/internal/explain"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

// The bounds of the lists of a picture.
const (
	maxActivity = 20 // license requests of a site
	maxDevices  = 100
	maxFailures = 100
)

// errEnough ends a Scan.
var errEnough = errors.New("enough rows were read")

// sites returns the viewer's license requests at the sites of one vendor, from the archive.
func (p *picture) sites(ctx context.Context, v vendors.Vendor) (func(*pb.Viewer), error) {
	if p.engine == nil {
		return nil, errArchiveOff()
	}
	chosen, err := (&archives{vendors: p.vendors, engine: p.engine}).choose(ctx, v.Name()+"/sites/-")
	if err != nil {
		return nil, err
	}
	a := &activity{picture: p, vendor: v, question: archive.Question{
		Sites: chosen.names(), Person: archive.Person(p.id), Within: archive.Span{From: p.since},
	}}
	for _, read := range []func(context.Context) error{a.readSites, a.readDevices, a.readFailures} {
		if err := read(ctx); err != nil {
			return nil, err
		}
	}
	add := func(to *pb.Viewer) {
		to.Sites, to.Devices = append(to.Sites, a.sites...), append(to.Devices, a.devices...)
		to.Failures = append(to.Failures, a.failures...)
		within := period{archive.Span{From: p.since, To: time.Now().Unix()}, true}
		to.Coverage = append(to.Coverage, chosen.coverage(within)...)
	}
	if len(chosen.unreachable) > 0 {
		return add, apierror.New(codes.Unavailable, pb.ErrorReason_VENDOR_UNAVAILABLE,
			"vendor %q did not list its sites, so that those which the archive does not know are missing", v.ID)
	}
	return add, nil
}

// An activity is what the archive holds of a viewer at one vendor.
type activity struct {
	*picture
	vendor   vendors.Vendor
	question archive.Question

	sites    []*pb.Viewer_SiteActivity
	devices  []*pb.Viewer_Device
	failures []*pb.Viewer_Failure
}

// readSites reads the counts of each site and its newest license requests.
func (a *activity) readSites(ctx context.Context) error {
	return a.eachGroup(ctx, a.question, []dimension{pb.SummarizeLicensesRequest_SITE}, func(g archive.Group) error {
		q := a.question
		q.Sites = g.Keys
		rows, err := a.engine.Search(ctx, q, newestKey, maxActivity)
		if err != nil {
			return err
		}
		a.sites = append(a.sites, &pb.Viewer_SiteActivity{
			Site: g.Keys[0], Licenses: licensesOf(rows), Summary: &pb.LicenseSummary{
				LicenseCount: count32(g.Total), SuccessCount: count32(g.Issued), FailureCount: count32(g.Refused),
				UserCount: count32(g.Users), DeviceCount: count32(g.Devices),
			},
		})
		return nil
	})
}

type dimension = pb.SummarizeLicensesRequest_Dimension

// eachGroup calls yield with every group.
func (a *activity) eachGroup(
	ctx context.Context, q archive.Question, by []dimension, yield func(archive.Group) error,
) error {
	const size = 1000
	for at := 0; ; at += size {
		page, total, err := a.engine.Summarize(ctx, q, archive.Grouping{By: by, Offset: at, Limit: size})
		if err != nil {
			return err
		}
		for _, g := range page {
			if err := yield(g); err != nil {
				return err
			}
		}
		if at+size >= total {
			return nil
		}
	}
}

// A deviceKey identifies a device: its id, its model and its platform.
type deviceKey [3]string

// readDevices reads the devices that were seen last, and counts their license requests.
func (a *activity) readDevices(ctx context.Context) error {
	byKey := map[deviceKey]*pb.Viewer_Device{}
	err := a.engine.Scan(ctx, a.question, newestKey, func(rows []archive.Row) error {
		for _, r := range rows {
			k := deviceKey{r.Device, r.Model, r.Platform}
			if byKey[k] != nil || r.Device == "" && r.Model == "" {
				continue
			}
			if len(byKey) == maxDevices {
				return errEnough
			}
			byKey[k] = &pb.Viewer_Device{
				DeviceId: r.Device, DeviceModel: r.Model, Platform: r.Platform, LastSeenTime: timeOf(r.Second),
			}
			a.devices = append(a.devices, byKey[k])
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	by := []dimension{
		pb.SummarizeLicensesRequest_DEVICE, pb.SummarizeLicensesRequest_DEVICE_MODEL,
		pb.SummarizeLicensesRequest_PLATFORM,
	}
	return a.eachGroup(ctx, a.question, by, func(g archive.Group) error {
		if d := byKey[deviceKey(g.Keys)]; d != nil {
			d.LicenseCount, d.FailureCount = count32(g.Total), count32(g.Refused)
		}
		return nil
	})
}

// readFailures reads the newest failure of each site and code, and explains it.
func (a *activity) readFailures(ctx context.Context) error {
	q := a.question
	q.Status = pb.License_FAILURE
	by := []dimension{pb.SummarizeLicensesRequest_SITE, pb.SummarizeLicensesRequest_ERROR_CODE}
	err := a.eachGroup(ctx, q, by, func(g archive.Group) error {
		row, err := a.newest(ctx, q, g.Keys[0], g.Keys[1])
		if err == nil && row != nil {
			a.failures = append(a.failures, &pb.Viewer_Failure{
				License: licensesOf([]archive.Row{*row})[0], Count: count32(g.Total),
				Explanation: a.explanation(row.Code),
			})
		}
		return err
	})
	slices.SortStableFunc(a.failures, func(x, y *pb.Viewer_Failure) int {
		return cmp.Compare(y.GetLicense().GetCreateTime().GetSeconds(), x.GetLicense().GetCreateTime().GetSeconds())
	})
	a.failures = a.failures[:min(len(a.failures), maxFailures)]
	return err
}

// newest returns the newest row of a site with a code, or nil. A question cannot ask for rows
// without a code, so that they are found among all.
func (a *activity) newest(ctx context.Context, q archive.Question, site, code string) (found *archive.Row, err error) {
	q.Sites, q.Code = []string{site}, code
	err = a.engine.Scan(ctx, q, newestKey, func(rows []archive.Row) error {
		for i := range rows {
			if rows[i].Code == code {
				found = &rows[i]
				return errEnough
			}
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return found, err
}

func (a *activity) explanation(code string) *pb.Explanation {
	if code == "" {
		return explain.NoCode(a.vendor.Kind)
	}
	e, err := explain.Code(a.vendor.Kind, code)
	if err != nil { // The vendor calls the request a failure, with its code of a success.
		return explain.NoCode(a.vendor.Kind)
	}
	return e
}
