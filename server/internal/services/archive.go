package services

import (
	"context"
	"slices"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/paging"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
	"github.com/drmhub/drmhub/server/internal/archive/syncer"
	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

// archives is the ArchiveService. Its Unsafe server makes a missing RPC a compile error.
type archives struct {
	pb.UnsafeArchiveServiceServer
	vendors *vendors.Registry
	engine  archive.Engine // nil if the archive is off
	syncer  *syncer.Syncer // nil if the archive is off
}

var _ pb.ArchiveServiceServer = (*archives)(nil)

const archiveSuffix = "/archive"

func (s *archives) ListArchives(
	ctx context.Context, req *pb.ListArchivesRequest,
) (*pb.ListArchivesResponse, error) {
	if s.engine == nil || s.syncer == nil {
		return nil, errArchiveOff()
	}
	var at position
	if _, err := paging.Resume(req, &at); err != nil {
		return nil, err
	}
	included, err := included(ctx, s.vendors.Snapshot(), req.GetParent())
	if err != nil {
		return nil, err
	}
	known, err := s.known(ctx, req.GetParent()+"/sites/"+names.Wildcard)
	if err != nil {
		return nil, err
	}
	res := &pb.ListArchivesResponse{}
	all, err := s.listArchives(ctx, included, known, res)
	if err != nil {
		return nil, err
	}
	res.TotalSize = int32(len(all))
	left := archivesAfter(at, all)
	res.Archives = left[:min(paging.Size(req.GetPageSize()), len(left))]
	if len(res.GetArchives()) < len(left) {
		for _, a := range res.GetArchives() {
			at = at.after(siteOfArchive(a))
		}
		res.NextPageToken, err = paging.Token(req, at)
	}
	return res, err
}

func siteOfArchive(a *pb.Archive) string { return strings.TrimSuffix(a.GetName(), archiveSuffix) }

// archivesAfter returns the archives that follow a position: those of later sites of its vendor,
// and then those of the vendors that are not done.
func archivesAfter(at position, all []*pb.Archive) []*pb.Archive {
	var current, rest []*pb.Archive
	for _, a := range all {
		site := siteOfArchive(a)
		switch vendor := vendorOf(site); {
		case vendor == vendorOf(at.Parent):
			if site > at.Parent {
				current = append(current, a)
			}
		case !slices.Contains(at.Done, vendor):
			rest = append(rest, a)
		}
	}
	return append(current, rest...)
}

// listArchives returns the archives of the sites that the vendors list, and of those that are
// known.
func (s *archives) listArchives(
	ctx context.Context, included []vendors.Vendor, known map[string]archive.Site, res *pb.ListArchivesResponse,
) (all []*pb.Archive, err error) {
	caller, failed := auth.FromContext(ctx), error(nil)
	selections := make([]selection, len(included))
	for i, v := range included {
		selections[i] = newSelection(caller, v, names.Wildcard, known)
	}
	responses := askSites(ctx, newTimeShares(ctx), selections)
	defer responses.stop()
	for i, v := range included {
		listed, err := selections[i].listed(responses, i)
		if err != nil {
			res.Unreachable = append(res.Unreachable, v.Name())
			failed = err
		}
		for _, site := range selections[i].sites(known, listed) {
			all = append(all, s.show(v, site))
		}
	}
	if ctx.Err() != nil {
		return nil, apierror.FromContext(ctx)
	}
	if len(all) == 0 && failed != nil && len(res.GetUnreachable()) == len(included) {
		return nil, failed
	}
	return all, nil
}

func (s *archives) GetArchive(ctx context.Context, req *pb.GetArchiveRequest) (*pb.Archive, error) {
	v, site, err := s.find(ctx, req.GetName())
	if err != nil {
		return nil, err
	}
	return s.show(v, site), nil
}

// find returns the site of an archive. A site that the archive does not know must be one of the
// vendor's.
func (s *archives) find(ctx context.Context, name string) (vendors.Vendor, archive.Site, error) {
	if s.engine == nil || s.syncer == nil {
		return vendors.Vendor{}, archive.Site{}, errArchiveOff()
	}
	of := strings.TrimSuffix(name, archiveSuffix)
	v, err := s.vendors.Lookup(of)
	if err != nil {
		return v, archive.Site{}, err
	}
	site, err := s.engine.Site(ctx, of)
	if err != nil || site.Zone != nil {
		return v, site, err
	}
	listed, err := siteNamesFor(ctx, v)
	switch {
	case slices.Contains(listed, of):
		return v, site, nil
	case err != nil:
		return v, site, err
	}
	return v, site, apierror.NotFound("there is no site %q: ListSites lists the sites of each vendor", of).
		With(apierror.Vendor, v.ID)
}

func (s *archives) SyncArchive(ctx context.Context, req *pb.SyncArchiveRequest) (*pb.Archive, error) {
	v, site, err := s.find(ctx, req.GetName())
	if err != nil {
		return nil, err
	}
	if err := s.syncer.Sync(ctx, v, site.Name); err != nil {
		return nil, withVendor(v, err)
	}
	site, err = s.engine.Site(ctx, site.Name)
	return s.show(v, site), err
}

func (s *archives) BackfillArchive(ctx context.Context, req *pb.BackfillArchiveRequest) (*pb.Archive, error) {
	v, site, err := s.find(ctx, req.GetName())
	if err != nil {
		return nil, err
	}
	since, now := req.GetStartTime().AsTime(), time.Now()
	switch keep := s.syncer.Current().Keep; {
	case since.Before(now.Add(-keep)):
		return nil, apierror.Invalid("start_time", "is older than archive.keep, which is %v: nothing was changed. "+
			"The archive keeps nothing from before %s", keep, now.Add(-keep).UTC().Format(time.RFC3339))
	case since.After(now):
		return nil, apierror.Invalid("start_time", "must not be in the future: nothing was changed")
	}
	if err := s.syncer.Backfill(ctx, v, site.Name, since.Unix()); err != nil {
		return nil, err
	}
	site, err = s.engine.Site(ctx, site.Name)
	return s.show(v, site), err
}

// show returns what callers see of an archive.
func (s *archives) show(v vendors.Vendor, site archive.Site) *pb.Archive {
	now, settings := time.Now(), s.syncer.Current()
	a := &pb.Archive{Name: site.Name + archiveSuffix, RowCount: count32(site.Rows)}
	if n := len(site.Spans); n > 0 {
		a.StartTime, a.EndTime = timeOf(site.Spans[n-1].From), timeOf(site.Spans[n-1].To)
	}
	state := site.State
	if state.Head != 0 {
		a.Lag = durationpb.New(max(0, now.Sub(time.Unix(state.Head, 0))).Truncate(time.Second))
	}
	a.LastSyncTime, a.NextSyncTime = instant(state.LastSync), instant(state.Next)
	remaining := settings.Remaining(site, now)
	if remaining > 0 {
		a.Backfill = &pb.Archive_Backfill{
			Remaining: durationpb.New(remaining), FinishTime: instant(syncer.Finish(state, remaining, now)),
		}
	}
	if state.Lateness > 0 {
		a.Lateness = &durationpb.Duration{Seconds: state.Lateness}
	}
	if f := state.Failure; f != nil {
		a.Error = failure(v, f)
	}
	for _, d := range state.Drift {
		a.Drift = append(a.Drift, &pb.Archive_Drift{
			StartTime: timeOf(d.Span.From), EndTime: timeOf(d.Span.To), DetectTime: instant(d.Detected),
			ArchivedCount: count32(d.Archived), VendorCount: count32(d.Vendor), Message: d.Message,
		})
	}
	a.State = stateOf(v, state, remaining, settings.Interval, now)
	return a
}

// staleAfter is after how many intervals without a pass an archive is stale.
const staleAfter = 3

func stateOf(
	v vendors.Vendor, state archive.State, remaining, interval time.Duration, now time.Time,
) pb.Archive_State {
	_, streams := vendors.As[adapters.LicenseStreamer](v)
	switch {
	case !streams:
		return pb.Archive_UNSUPPORTED
	case state.Failure != nil:
		return pb.Archive_FAILING
	case state.LastSync.IsZero():
		return pb.Archive_STATE_UNSPECIFIED
	case now.Sub(state.LastSync) > staleAfter*interval:
		return pb.Archive_STALE
	case remaining > 0:
		return pb.Archive_BACKFILLING
	}
	return pb.Archive_CURRENT
}

// failure returns a failure as callers see an error.
func failure(v vendors.Vendor, f *archive.Failure) *status.Status {
	reason := pb.ErrorReason(pb.ErrorReason_value[f.Reason])
	e := apierror.New(codes.Code(f.Code), reason, "%s", f.Message)
	return e.With(apierror.Vendor, v.ID).GRPCStatus().Proto()
}
