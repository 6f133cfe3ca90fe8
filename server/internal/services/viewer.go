package services

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/paging"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

// viewers is the ViewerService. Its Unsafe server makes a missing RPC a compile error.
type viewers struct {
	pb.UnsafeViewerServiceServer
	vendors *vendors.Registry
	engine  archive.Engine // nil if the archive is off
}

var _ pb.ViewerServiceServer = (*viewers)(nil)

// viewerDays is how many days GetViewer counts where the caller names no time.
const viewerDays = 7

// The parts of a picture that can be missing.
const (
	productLicensesPart = "product_licenses"
	drmAccountsPart     = "drm_accounts"
	sitesPart           = "sites"
)

// GetViewer asks all chosen vendors at once for what they know of a viewer, and the archive.
func (s *viewers) GetViewer(ctx context.Context, req *pb.GetViewerRequest) (*pb.Viewer, error) {
	id, err := viewerID(req.GetName())
	if err != nil {
		return nil, err
	}
	all := s.vendors.Snapshot()
	chosen, err := chosenVendors(ctx, all, req.GetVendors())
	if err != nil {
		return nil, err
	}
	if err := seesViewer(ctx, all, id); err != nil {
		return nil, err
	}
	start := req.GetStartTime()
	if start == nil {
		start = timestamppb.New(time.Now().AddDate(0, 0, -viewerDays).Truncate(time.Second))
	}
	p := &picture{
		id: id, since: max(secondFrom(start), archive.MinSecond), vendors: all, engine: s.engine,
		viewer: &pb.Viewer{Name: req.GetName(), UserIdMd5: archive.Person(id), StartTime: start},
	}
	p.ask(ctx, chosen)
	if ctx.Err() != nil {
		return nil, apierror.FromContext(ctx)
	}
	return p.viewer, nil
}

// EraseViewer takes a viewer out of the archive, at all sites that the caller may see.
func (s *viewers) EraseViewer(ctx context.Context, req *pb.EraseViewerRequest) (*pb.EraseViewerResponse, error) {
	id, err := viewerID(req.GetName())
	if err != nil {
		return nil, err
	}
	if _, err := chosenVendors(ctx, s.vendors, nil); err != nil {
		return nil, err
	}
	if err := seesViewer(ctx, s.vendors, id); err != nil {
		return nil, err
	}
	if s.engine == nil {
		return nil, errArchiveOff()
	}
	sites, unreachable, err := s.sitesToErase(ctx)
	if err != nil {
		return nil, err
	}
	erased, err := s.engine.Erase(ctx, sites, archive.Person(id))
	if err != nil {
		return nil, err
	}
	return &pb.EraseViewerResponse{LicenseCount: count32(erased), Unreachable: unreachable}, nil
}

// sitesToErase returns the sites that the caller may see: those of the archive, also of a vendor
// that is no longer configured, and those that the vendors list. What the archive does not know yet
// becomes known, so that rows that are being read for the first time lose the id, too. unreachable
// are the vendors that did not list their sites.
func (s *viewers) sitesToErase(ctx context.Context) (sites, unreachable []string, err error) {
	all, err := s.engine.Sites(ctx)
	if err != nil {
		return nil, nil, err
	}
	caller, known := auth.FromContext(ctx), map[string]archive.Site{}
	for _, site := range all {
		if caller.SeesSite(site.Name) {
			known[site.Name] = site
			sites = append(sites, site.Name)
		}
	}
	var selections []selection
	for _, v := range s.vendors.Snapshot().All() {
		if caller.SeesVendor(v.ID) && v.Adapter.Describe().History != nil {
			selections = append(selections, newSelection(caller, v, names.Wildcard, known))
		}
	}
	responses := askSites(ctx, sitesShares(ctx), selections)
	defer responses.stop()
	for i, of := range selections {
		zone := cmp.Or(of.vendor.Adapter.Describe().History.TimeZone, time.UTC)
		got := responses.next(i)
		if got.slow || got.err != nil {
			unreachable = append(unreachable, of.vendor.Name())
		}
		for _, site := range of.sites(known, got.value) {
			if site.Zone != nil {
				continue
			}
			if err := s.engine.SetZone(ctx, site.Name, zone); err != nil {
				return nil, nil, err
			}
			sites = append(sites, site.Name)
		}
	}
	if ctx.Err() != nil {
		return nil, nil, apierror.FromContext(ctx)
	}
	return sites, unreachable, nil
}

func viewerID(name string) (string, error) {
	ids, err := names.Viewer.IDs(name)
	if err != nil {
		return "", apierror.Invalid("name", "%v", err)
	}
	return ids[0], nil
}

// chosenVendors returns the vendors with these ids, or all that the caller may see. A caller who
// may see no vendor may see no viewer.
func chosenVendors(ctx context.Context, all *vendors.Registry, ids []string) ([]vendors.Vendor, error) {
	caller := auth.FromContext(ctx)
	var chosen []vendors.Vendor
	for _, id := range ids {
		if !caller.SeesVendor(id) {
			return nil, auth.Denied()
		}
	}
	for _, id := range ids {
		v, err := all.Lookup(names.Vendor.Name(id))
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, v)
	}
	if len(ids) > 0 {
		return chosen, nil
	}
	for _, v := range all.All() {
		if caller.SeesVendor(v.ID) {
			chosen = append(chosen, v)
		}
	}
	if len(chosen) == 0 && len(all.All()) > 0 {
		return nil, auth.Denied()
	}
	return chosen, nil
}

// seesViewer returns the error of a caller who is confined to customers, if none of them has a DRM
// account of the viewer. The text is the same whether somebody else has one.
func seesViewer(ctx context.Context, all *vendors.Registry, id string) error {
	caller := auth.FromContext(ctx)
	if !caller.ConfinedToCustomers() {
		return nil
	}
	var failed error
	for _, v := range all.All() {
		if _, ok := vendors.As[adapters.DrmAccountLister](v); !ok || !caller.SeesAccount(v.ID) {
			continue
		}
		seen, err := hasAccount(ctx, all, caller, names.DrmAccount.Name(v.ID, id))
		if seen {
			return nil
		}
		failed = errors.Join(failed, err)
	}
	if failed != nil {
		return apierror.Convert(failed)
	}
	return auth.Denied()
}

// A picture is what GetViewer collects.
type picture struct {
	id      string
	since   int64
	vendors *vendors.Registry
	engine  archive.Engine
	viewer  *pb.Viewer
}

// A question is one part of the picture, asked of one vendor. Its response adds to the picture.
type question struct {
	vendor vendors.Vendor
	part   string
	ask    func(ctx context.Context, v vendors.Vendor) (add func(*pb.Viewer), err error)
}

// ask asks all questions at once, and adds the responses in the order of the vendors.
func (p *picture) ask(ctx context.Context, chosen []vendors.Vendor) {
	questions := p.questions(auth.FromContext(ctx), chosen)
	responses := begin(ctx, newTimeShares(ctx), len(questions), len(questions) <= maxParallel,
		func(ctx context.Context, i int) (func(*pb.Viewer), error) {
			return questions[i].ask(ctx, questions[i].vendor)
		})
	defer responses.stop()
	for i, q := range questions {
		got := responses.next(i)
		if got.slow {
			got.err = errSlow(q.vendor.ID, got.part)
		}
		if got.err != nil {
			p.viewer.Unreachable = append(p.viewer.Unreachable, &pb.Viewer_Unreachable{
				Vendor: q.vendor.Name(), Part: q.part,
				Error: apierror.Convert(withVendor(q.vendor, got.err)).GRPCStatus().Proto(),
			})
		}
		if got.value != nil {
			got.value(p.viewer)
		}
	}
	p.order()
}

// questions returns what each vendor can be asked, and the caller may see.
func (p *picture) questions(caller auth.Caller, chosen []vendors.Vendor) (all []question) {
	for _, v := range chosen {
		if caller.SeesAccount(v.ID) {
			if _, ok := vendors.As[adapters.ProductLicenseLister](v); ok {
				all = append(all, question{v, productLicensesPart, p.productLicenses})
			}
			if _, ok := vendors.As[adapters.DrmAccountGetter](v); ok {
				all = append(all, question{v, drmAccountsPart, p.drmAccounts})
			}
		}
		if v.Adapter.Describe().History != nil {
			all = append(all, question{v, sitesPart, p.sites})
		}
	}
	return all
}

// productLicenses returns the product licenses of the viewer that allow playback now.
func (p *picture) productLicenses(ctx context.Context, v vendors.Vendor) (func(*pb.Viewer), error) {
	lister, _ := vendors.As[adapters.ProductLicenseLister](v)
	req := &pb.ListProductLicensesRequest{
		Parent: v.Name(), PageSize: paging.MaxSize, Filter: &pb.ProductLicenseFilter{User: p.id},
	}
	var playable []*pb.ProductLicense
	for {
		page, err := lister.ListProductLicenses(ctx, req)
		if err != nil {
			return nil, err
		}
		for _, l := range page.GetProductLicenses() {
			if l.GetPlayable() {
				playable = append(playable, l)
			}
		}
		if req.PageToken = page.GetNextPageToken(); req.GetPageToken() == "" {
			break
		}
	}
	return func(to *pb.Viewer) { to.ProductLicenses = append(to.ProductLicenses, playable...) }, nil
}

// drmAccounts returns the DRM account with the viewer's id and its devices, without its password.
// An account that the caller may not see is as one that does not exist.
func (p *picture) drmAccounts(ctx context.Context, v vendors.Vendor) (func(*pb.Viewer), error) {
	name := names.DrmAccount.Name(v.ID, p.id)
	if caller := auth.FromContext(ctx); caller.ConfinedToCustomers() {
		if seen, err := hasAccount(ctx, p.vendors, caller, name); err != nil || !seen {
			return nil, err
		}
	}
	getter, _ := vendors.As[adapters.DrmAccountGetter](v)
	account, err := getter.GetDrmAccount(ctx, &pb.GetDrmAccountRequest{Name: name, View: pb.DrmAccount_BASIC})
	switch {
	case err == nil:
		account.Password = ""
		return func(to *pb.Viewer) { to.DrmAccounts = append(to.DrmAccounts, account) }, nil
	case apierror.Convert(err).Code == codes.NotFound:
		return nil, nil
	}
	return nil, err
}

// order sorts what several vendors have added, and bounds it.
func (p *picture) order() {
	v := p.viewer
	slices.SortStableFunc(v.Sites, func(a, b *pb.Viewer_SiteActivity) int {
		return newest(b.GetLicenses()).Compare(newest(a.GetLicenses()))
	})
	slices.SortStableFunc(v.Devices, func(a, b *pb.Viewer_Device) int {
		return b.GetLastSeenTime().AsTime().Compare(a.GetLastSeenTime().AsTime())
	})
	slices.SortStableFunc(v.Failures, func(a, b *pb.Viewer_Failure) int {
		return b.GetLicense().GetCreateTime().AsTime().Compare(a.GetLicense().GetCreateTime().AsTime())
	})
	v.Devices = v.GetDevices()[:min(len(v.GetDevices()), maxDevices)]
	v.Failures = v.GetFailures()[:min(len(v.GetFailures()), maxFailures)]
}

func newest(rows []*pb.License) time.Time {
	if len(rows) == 0 {
		return time.Time{}
	}
	return rows[0].GetCreateTime().AsTime()
}
