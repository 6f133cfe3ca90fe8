package services

import (
	"context"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/names"
	"github.com/drmhub/drmhub/adapters/paging"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

// listSeenSites lists the sites of a vendor that the caller may see. For a caller that is confined to
// sites, it reads all pages of the vendor. So the pages and the total size do not show how many other sites
// there are.
func listSeenSites(
	ctx context.Context, l adapters.SiteLister, req *pb.ListSitesRequest,
) (*pb.ListSitesResponse, error) {
	caller := auth.FromContext(ctx)
	if !caller.ConfinedToSites() {
		return l.ListSites(ctx, req)
	}
	all, err := allSites(ctx, l, req.GetParent())
	if err != nil {
		return nil, err
	}
	seen := slices.DeleteFunc(all, func(s *pb.Site) bool { return !caller.SeesSite(s.GetName()) })
	page, next, err := paging.Slice(req, seen)
	return &pb.ListSitesResponse{Sites: page, NextPageToken: next, TotalSize: int32(len(seen))}, err
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
	customers := slices.Compact(slices.Sorted(slices.Values(caller.Customers)))
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

// Customers returns the function that finds the customer whose DRM account a request is for.
func Customers(all *vendors.Registry) func(context.Context, proto.Message) (id string, applies bool, err error) {
	return func(ctx context.Context, req proto.Message) (string, bool, error) {
		var name string
		switch r := req.(type) {
		case *pb.CreateDrmAccountRequest:
			return r.GetDrmAccount().GetCustomer(), true, nil
		case *pb.GetDrmAccountRequest:
			name = r.GetName()
		case *pb.DeleteDrmAccountDeviceRequest:
			ids, err := names.DrmAccountDevice.IDs(r.GetName())
			if err != nil {
				return "", true, err
			}
			name = names.DrmAccount.Name(ids[0], ids[1])
		default:
			return "", false, nil
		}
		get := &pb.GetDrmAccountRequest{Name: name}
		account, err := delegate(ctx, all, name, adapters.DrmAccountGetter.GetDrmAccount, get)
		return account.GetCustomer(), true, err
	}
}
