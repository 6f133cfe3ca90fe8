package services

import (
	"context"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/paging"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/contract"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

// listSeenSites lists the sites of a vendor that the caller may see. For a caller that is confined
// to sites, it reads all pages of the vendor. So the pages and the total size do not show how many
// other sites there are.
func listSeenSites(
	ctx context.Context, l adapters.SiteLister, req *pb.ListSitesRequest,
) (*pb.ListSitesResponse, error) {
	caller := auth.FromContext(ctx)
	if !caller.ConfinedToSites() {
		return l.ListSites(ctx, req)
	}
	all, err := allSites(ctx, l, req.GetParent())
	if err != nil && isUnreadable(err) {
		all, err = eachSite(ctx, l, caller, req.GetParent())
	}
	if err != nil {
		return nil, err
	}
	seen := slices.DeleteFunc(all, func(s *pb.Site) bool { return !caller.SeesSite(s.GetName()) })
	page, next, err := paging.Slice(req, seen)
	return &pb.ListSitesResponse{Sites: page, NextPageToken: next, TotalSize: int32(len(seen))}, err
}

// isUnreadable reports whether an error is about a response that cannot be read. Where that is a
// list of sites, the error could name the site of others.
func isUnreadable(err error) bool {
	return apierror.Convert(err).Reason == pb.ErrorReason_VENDOR_RESPONSE_INVALID
}

// siteNamesFor returns the names of a vendor's sites for the caller. If the vendor's list cannot be
// read, they are those that the caller is confined to.
func siteNamesFor(ctx context.Context, v vendors.Vendor) ([]string, error) {
	all, err := SiteNames(ctx, v)
	if caller := auth.FromContext(ctx); err != nil && caller.ConfinedToSites() && isUnreadable(err) {
		return caller.SitesOf(v.Name()), nil
	}
	return all, err
}

// eachSite reads the sites of a vendor that a caller is confined to, one by one.
func eachSite(
	ctx context.Context, l adapters.SiteLister, caller auth.Caller, vendor string,
) (all []*pb.Site, err error) {
	getter, ok := l.(adapters.SiteGetter)
	if !ok {
		return nil, apierror.New(codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID,
			"the vendor's list of sites cannot be read")
	}
	for _, name := range caller.SitesOf(vendor) {
		site, err := getter.GetSite(ctx, &pb.GetSiteRequest{Name: name})
		switch {
		case err == nil:
			all = append(all, site)
		case apierror.Convert(err).Code != codes.NotFound:
			return nil, err
		}
	}
	return all, nil
}

// allSites returns all sites of a vendor.
func allSites(ctx context.Context, l adapters.SiteLister, vendor string) ([]*pb.Site, error) {
	var all []*pb.Site
	req := &pb.ListSitesRequest{Parent: vendor, PageSize: paging.MaxSize}
	for {
		page, err := l.ListSites(ctx, req)
		if err != nil {
			return nil, err
		}
		all = append(all, page.GetSites()...)
		if req.PageToken = page.GetNextPageToken(); req.GetPageToken() == "" {
			return all, nil
		}
	}
}

// An accountPosition is the point at which a list over several customers continues.
type accountPosition struct {
	Customer string `json:"c"`
	Token    string `json:"t,omitempty"`
}

// listSeenAccounts lists the DRM accounts that the caller may see. For a caller that is confined to
// customers, it asks the vendor for one customer after the other.
func listSeenAccounts(
	ctx context.Context, l adapters.DrmAccountLister, req *pb.ListDrmAccountsRequest,
) (*pb.ListDrmAccountsResponse, error) {
	caller := auth.FromContext(ctx)
	if !caller.ConfinedToCustomers() {
		return l.ListDrmAccounts(ctx, req)
	}
	if customer := req.GetFilter().GetCustomer(); customer != "" {
		if !caller.SeesCustomer(customer) {
			return nil, auth.Denied()
		}
		return l.ListDrmAccounts(ctx, req)
	}
	var at accountPosition
	if _, err := paging.Resume(req, &at); err != nil {
		return nil, err
	}
	res := &pb.ListDrmAccountsResponse{}
	customers := caller.SeenCustomers()
	room := paging.Size(req.GetPageSize())
	for i, customer := range customers {
		if customer < at.Customer {
			continue
		}
		one := proto.CloneOf(req)
		one.PageToken, one.PageSize = "", int32(room-len(res.GetDrmAccounts()))
		if customer == at.Customer {
			one.PageToken = at.Token
		}
		if one.Filter == nil {
			one.Filter = &pb.DrmAccountFilter{}
		}
		one.Filter.Customer = customer
		page, err := l.ListDrmAccounts(ctx, one)
		if err != nil {
			return nil, err
		}
		res.DrmAccounts = append(res.DrmAccounts, page.GetDrmAccounts()...)
		next := accountPosition{customer, page.GetNextPageToken()}
		if next.Token == "" && len(res.GetDrmAccounts()) >= room && i+1 < len(customers) {
			next.Customer = customers[i+1]
		} else if next.Token == "" {
			continue
		}
		res.NextPageToken, err = paging.Token(req, next)
		return res, err
	}
	return res, nil
}

// SeesAccounts returns the function that reports whether a caller, who is confined to customers,
// may see the DRM accounts that a request is for. An account does not show its customer, so the
// vendor is asked for the accounts of each customer of the caller. It is never asked for an account
// of others. So a call for such an account ends like one for an account that does not exist.
func SeesAccounts(all *vendors.Registry) func(context.Context, auth.Caller, proto.Message) (bool, error) {
	return func(ctx context.Context, caller auth.Caller, req proto.Message) (bool, error) {
		if holder, ok := req.(interface{ GetDrmAccount() *pb.DrmAccount }); ok {
			return caller.SeesCustomer(holder.GetDrmAccount().GetCustomer()), nil
		}
		for _, name := range contract.Names(req) {
			segments := strings.Split(name, "/")
			if len(segments) < 4 || segments[2] != "drmAccounts" {
				continue
			}
			seen, err := hasAccount(ctx, all, caller, strings.Join(segments[:4], "/"))
			if err != nil || !seen {
				return false, err
			}
		}
		return true, nil
	}
}

// hasAccount reports whether a customer of the caller has the DRM account of this name.
func hasAccount(ctx context.Context, all *vendors.Registry, caller auth.Caller, name string) (bool, error) {
	ids, err := names.DrmAccount.IDs(name)
	if err != nil {
		return false, err
	}
	all = all.Snapshot()
	for _, customer := range caller.SeenCustomers() {
		req := &pb.ListDrmAccountsRequest{
			Parent: names.Vendor.Name(ids[0]), PageSize: paging.MaxSize,
			Filter: &pb.DrmAccountFilter{Customer: customer, UsernameContains: ids[1]},
		}
		for {
			page, err := delegate(ctx, all, name, adapters.DrmAccountLister.ListDrmAccounts, req)
			if err != nil {
				return false, err
			}
			named := func(a *pb.DrmAccount) bool { return a.GetName() == name }
			if slices.ContainsFunc(page.GetDrmAccounts(), named) {
				return true, nil
			}
			if req.PageToken = page.GetNextPageToken(); req.GetPageToken() == "" {
				break
			}
		}
	}
	return false, nil
}
