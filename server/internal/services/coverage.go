package services

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/contract"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

// errArchiveOff returns the error of a call that needs the archive where it is off.
func errArchiveOff() error {
	return apierror.New(codes.FailedPrecondition, pb.ErrorReason_CAPABILITY_NOT_SUPPORTED,
		"nothing was done: this server keeps no archive. Set archive.enabled to true in its configuration")
}

// sitesTime bounds how long a question to the archive waits for the vendors' lists of sites. They
// only add the sites that the archive does not know.
const sitesTime = 5 * time.Second

// chosen are the sites that a question is about, and that the caller may see.
type chosen struct {
	// sites are in the order of the configured vendors, and of the sites' names. One that the
	// archive does not know has only its name.
	sites []archive.Site
	// accounts are the vendors of the sites, by id.
	accounts map[string]vendors.Vendor
	// unreachable are the names of vendors without a license history, and of those that did not
	// list their sites.
	unreachable []string
}

func (c chosen) names() []string {
	all := make([]string, len(c.sites))
	for i, s := range c.sites {
		all[i] = s.Name
	}
	return all
}

// choose returns the sites that a parent includes. They are those of the archive and those that the
// vendors list. So a site of the archive stays while its vendor does not respond.
func (s *archives) choose(ctx context.Context, parent string) (chosen, error) {
	if s.engine == nil {
		return chosen{}, errArchiveOff()
	}
	c := chosen{accounts: map[string]vendors.Vendor{}}
	with, err := c.vendorsWithHistory(ctx, s.vendors.Snapshot(), parent)
	if err != nil {
		return chosen{}, err
	}
	known, err := s.known(ctx, parent)
	if err != nil {
		return chosen{}, err
	}
	err = c.addSites(ctx, with, known, parent)
	return c, err
}

// vendorsWithHistory returns the vendors that a parent includes, that show a license history, and
// that the caller may see. Those without a history are unreachable.
func (c *chosen) vendorsWithHistory(
	ctx context.Context, all *vendors.Registry, parent string,
) (with []vendors.Vendor, err error) {
	included, err := included(ctx, all, parent)
	if err != nil {
		return nil, err
	}
	caller, rpc := auth.FromContext(ctx), contract.Lookup(method(ctx))
	included = slices.DeleteFunc(included, func(v vendors.Vendor) bool {
		return rpc != nil && !caller.Sees(rpc, v.Name())
	})
	for _, v := range included {
		c.accounts[v.ID] = v
		if v.Adapter.Describe().History == nil {
			c.unreachable = append(c.unreachable, v.Name())
			continue
		}
		with = append(with, v)
	}
	if len(with) == 0 && len(included) > 0 {
		return nil, apierror.New(codes.Unimplemented, pb.ErrorReason_CAPABILITY_NOT_SUPPORTED,
			"no vendor that %s includes shows a license history: ListVendors lists what each has", parent)
	}
	return with, nil
}

// known returns the sites of the archive that a parent may include, by name.
func (s *archives) known(ctx context.Context, parent string) (map[string]archive.Site, error) {
	var all []archive.Site
	var err error
	if strings.Contains(parent, "/"+names.Wildcard) {
		all, err = s.engine.Sites(ctx)
	} else {
		all = make([]archive.Site, 1)
		all[0], err = s.engine.Site(ctx, parent)
	}
	if err != nil {
		return nil, err
	}
	known := map[string]archive.Site{}
	for _, site := range all {
		if site.Zone != nil {
			known[site.Name] = site
		}
	}
	return known, nil
}

// A selection is what a question wants of one vendor.
type selection struct {
	vendor vendors.Vendor
	only   []string // the names of the sites that count; nil means all
	asks   bool     // the archive does not know all that is wanted
	failed error    // why the vendor did not list its sites
}

// newSelection returns what the caller's question wants of a vendor: the site with this id, or all.
func newSelection(caller auth.Caller, v vendors.Vendor, site string, known map[string]archive.Site) selection {
	s := selection{vendor: v}
	switch {
	case site != names.Wildcard:
		s.only = []string{v.Name() + "/sites/" + site}
	case caller.ConfinedToSites():
		s.only = caller.SitesOf(v.Name())
	default:
		s.asks = true
		return s
	}
	s.only = slices.DeleteFunc(s.only, func(name string) bool { return !caller.SeesSite(name) })
	s.asks = slices.ContainsFunc(s.only, func(name string) bool { return known[name].Zone == nil })
	return s
}

// sites returns the sites of the selection, by name: those that the archive knows, and those
// listed.
func (s selection) sites(known map[string]archive.Site, listed []string) []archive.Site {
	all := map[string]archive.Site{}
	for _, name := range listed {
		all[name] = archive.Site{Name: name}
	}
	for name, site := range known {
		if strings.HasPrefix(name, s.vendor.Name()+"/") {
			all[name] = site
		}
	}
	if s.only != nil {
		maps.DeleteFunc(all, func(name string, _ archive.Site) bool { return !slices.Contains(s.only, name) })
	}
	return slices.SortedFunc(maps.Values(all), func(a, b archive.Site) int { return strings.Compare(a.Name, b.Name) })
}

// sitesShares shares the caller's time among vendors, at most sitesTime.
func sitesShares(ctx context.Context) timeShares {
	share := newTimeShares(ctx)
	if soon := time.Now().Add(sitesTime); soon.Before(share.end) {
		share.end = soon
	}
	return share
}

// askSites asks the vendors of selections for their sites where the archive does not know all.
func askSites(ctx context.Context, share timeShares, all []selection) *asking[[]string] {
	return begin(ctx, share, len(all), len(all) == 1, func(ctx context.Context, i int) ([]string, error) {
		if !all[i].asks {
			return nil, nil
		}
		return siteNamesFor(ctx, all[i].vendor)
	})
}

// listed returns what the vendor of selection i listed.
func (s selection) listed(responses *asking[[]string], i int) ([]string, error) {
	got := responses.next(i)
	if got.slow {
		return nil, errSlow(s.vendor.ID, got.part)
	}
	return got.value, got.err
}

// addSites adds the sites of these vendors, or those with one id.
func (c *chosen) addSites(
	ctx context.Context, with []vendors.Vendor, known map[string]archive.Site, parent string,
) error {
	caller, site := auth.FromContext(ctx), strings.Split(parent, "/")[3]
	selections := make([]selection, len(with))
	for i, v := range with {
		selections[i] = newSelection(caller, v, site, known)
	}
	responses := askSites(ctx, sitesShares(ctx), selections)
	defer responses.stop()
	for i := range selections {
		s := &selections[i]
		var listed []string
		listed, s.failed = s.listed(responses, i)
		c.sites = append(c.sites, s.sites(known, listed)...)
	}
	if ctx.Err() != nil {
		return apierror.FromContext(ctx)
	}
	return c.conclude(selections, parent)
}

// conclude notes the vendors that did not list their sites. It fails if the question is about
// nothing because of that, or because there is no such site.
func (c *chosen) conclude(selections []selection, parent string) error {
	var failed error
	asked, failures := 0, 0
	for _, s := range selections {
		if s.asks {
			asked++
		}
		if s.failed != nil {
			failures++
			c.unreachable = append(c.unreachable, s.vendor.Name())
			failed = cmp.Or(failed, s.failed)
		}
	}
	switch {
	case len(c.sites) > 0 || asked == 0:
		return nil
	case failures == asked:
		return failed
	case failures > 0:
		return nil
	case !strings.HasSuffix(parent, "/sites/"+names.Wildcard):
		return apierror.NotFound("there is no site %q: ListSites lists the sites of each vendor", parent)
	}
	return nil
}

// coverage says for which part of a period the archive is complete at each site.
func (c chosen) coverage(within period) []*pb.Coverage {
	all := make([]*pb.Coverage, len(c.sites))
	for i, s := range c.sites {
		all[i] = covered(s, within)
	}
	return all
}

// A period is the time of a question. An open one has no end, or no start.
type period struct {
	archive.Span
	open bool
}

// covered returns the newest span of a site in a period. What is after now is not covered.
func covered(s archive.Site, within period) *pb.Coverage {
	c := &pb.Coverage{Site: s.Name}
	for _, span := range slices.Backward(s.Spans) {
		span.From, span.To = max(span.From, within.From), min(span.To, within.To)
		if span.From >= span.To {
			continue
		}
		c.StartTime, c.EndTime = timeOf(span.From), timeOf(span.To)
		c.Complete = !within.open && span == within.Span
		break
	}
	return c
}

func timeOf(second int64) *timestamppb.Timestamp { return &timestamppb.Timestamp{Seconds: second} }
