package services

import (
	"context"
	"iter"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/paging"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/contract"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

// included returns the vendors that a parent includes and the caller may see, in the order of the
// configuration.
func included(ctx context.Context, all *vendors.Registry, parent string) ([]vendors.Vendor, error) {
	some := all.All()
	if id := strings.Split(parent, "/")[1]; id != names.Wildcard {
		v, err := all.Lookup(parent)
		if err != nil {
			return nil, err
		}
		some = []vendors.Vendor{v}
	}
	caller := auth.FromContext(ctx)
	unseen := func(v vendors.Vendor) bool { return !caller.SeesVendor(v.ID) }
	return slices.DeleteFunc(slices.Clone(some), unseen), nil
}

// vendorsWith returns the vendors that a parent includes, that have the capability and that the
// caller may see, in the order of the configuration. It fails if none of the vendors that the
// caller sees has the capability, and returns none if the caller sees no vendor, or none of what
// they hold.
func vendorsWith[C any](ctx context.Context, all *vendors.Registry, parent string) ([]vendors.Vendor, error) {
	included, err := included(ctx, all, parent)
	if err != nil {
		return nil, err
	}
	caller, rpc := auth.FromContext(ctx), contract.Lookup(method(ctx))
	var with []vendors.Vendor
	capable := len(included) == 0 && len(all.All()) > 0
	for _, v := range included {
		_, ok := vendors.As[C](v)
		capable = capable || ok
		if ok && caller.Sees(rpc, v.Name()) {
			with = append(with, v)
		}
	}
	if !capable {
		return nil, apierror.New(codes.Unimplemented, pb.ErrorReason_CAPABILITY_NOT_SUPPORTED,
			"no vendor that %s includes has %s: ListVendors lists what each has", parent, method(ctx))
	}
	return with, nil
}

// covers reports whether a parent with "-" includes the parent of this name. A page token confers
// no rights, so it can only continue within its request's parent.
func covers(parent, name string) bool {
	want, got := strings.Split(parent, "/"), strings.Split(name, "/")
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if got[i] == names.Wildcard || want[i] != names.Wildcard && want[i] != got[i] {
			return false
		}
	}
	return true
}

// parents yields the parents that a parent with "-" includes and the caller may see, starting after
// a position: vendor by vendor, and site by site in the order of their ids. If not all of a
// vendor's sites can be named, parents yields the vendor with the error after its sites.
func parents(
	ctx context.Context, time timeShares, capable []vendors.Vendor, parent string, at position,
) iter.Seq2[string, error] {
	caller := auth.FromContext(ctx)
	return func(yield func(string, error) bool) {
		left := remaining(capable, at)
		sites := begin(ctx, time, len(left), len(left) == 1, func(ctx context.Context, i int) ([]string, error) {
			return siteNamesFor(ctx, left[i])
		})
		defer sites.stop()
		for i, v := range left {
			if v.Name() == at.Parent { // It is done, or its sites could not be listed.
				continue
			}
			below, err := parentsOf(v, parent, func() response[[]string] { return sites.next(i) })
			below = slices.DeleteFunc(slices.Clone(below), func(p string) bool {
				done := strings.HasPrefix(at.Parent, v.Name()+"/") && p <= at.Parent
				return done || p != v.Name() && !caller.SeesSite(p)
			})
			if !yieldAll(yield, below) || err != nil && !yield(v.Name(), err) {
				return
			}
		}
	}
}

// parentsOf returns the parents at one vendor that a parent with "-" includes. With an error it
// returns those that it knows.
func parentsOf(v vendors.Vendor, parent string, sites func() response[[]string]) ([]string, error) {
	_, site, _ := strings.Cut(strings.TrimPrefix(parent, "vendors/"), "/")
	switch {
	case site == "":
		return []string{v.Name()}, nil
	case !listsSites(parent):
		return []string{v.Name() + "/" + site}, nil
	}
	named := sites()
	if named.slow {
		return named.value, errSlow(v.ID, named.part)
	}
	return named.value, named.err
}

// yieldAll yields names without an error. It reports whether their reader wants more.
func yieldAll(yield func(string, error) bool, all []string) bool {
	for _, name := range all {
		if !yield(name, nil) {
			return false
		}
	}
	return true
}

// listsSites reports whether a parent includes all sites of its vendors, which the vendors must
// list.
func listsSites(parent string) bool { return strings.HasSuffix(parent, "/sites/"+names.Wildcard) }

// remaining returns the vendors that a list at a position has not finished: that of the last rows
// first, if it is still configured, and then the others in the order of the configuration.
func remaining(capable []vendors.Vendor, at position) []vendors.Vendor {
	var current, rest []vendors.Vendor
	for _, v := range capable {
		switch {
		case v.ID == vendorOf(at.Parent):
			current = append(current, v)
		case !slices.Contains(at.Done, v.ID):
			rest = append(rest, v)
		}
	}
	return append(current, rest...)
}

// A siteNamer is an adapter that names its sites, also those that it cannot read. With an error it
// returns the names that it knows.
type siteNamer interface {
	SiteNames(ctx context.Context) ([]string, error)
}

// SiteNames returns the names of all sites of a vendor, sorted. A vendor without sites has the site
// "default".
func SiteNames(ctx context.Context, v vendors.Vendor) ([]string, error) {
	if namer, ok := v.Adapter.(siteNamer); ok {
		all, err := namer.SiteNames(ctx)
		slices.Sort(all)
		return all, withVendor(v, err)
	}
	lister, ok := vendors.As[adapters.SiteLister](v)
	if !ok {
		return []string{names.Site.Name(v.ID, "default")}, nil
	}
	var all []string
	req := &pb.ListSitesRequest{Parent: v.Name(), PageSize: paging.MaxSize}
	for {
		page, err := lister.ListSites(ctx, req)
		if err != nil {
			return nil, withVendor(v, err)
		}
		for _, s := range page.GetSites() {
			all = append(all, s.GetName())
		}
		if req.PageToken = page.GetNextPageToken(); req.GetPageToken() == "" {
			slices.Sort(all)
			return all, nil
		}
	}
}
