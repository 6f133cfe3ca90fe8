package services

import (
	"context"
	"errors"

	"github.com/drmhub/drmhub/adapters"
	"github.com/drmhub/drmhub/adapters/fairplay"
	"github.com/drmhub/drmhub/adapters/paging"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/vendors"
)

// sites is the SiteService. Its Unsafe server makes a missing RPC a compile error.
type sites struct {
	pb.UnsafeSiteServiceServer
	vendors *vendors.Registry
}

var _ pb.SiteServiceServer = (*sites)(nil)

func (s *sites) ListSites(ctx context.Context, req *pb.ListSitesRequest) (*pb.ListSitesResponse, error) {
	seen := func(l adapters.SiteLister, ctx context.Context, req *pb.ListSitesRequest) (*pb.ListSitesResponse, error) {
		return listSeenSites(ctx, l, req)
	}
	return list(ctx, s.vendors, seen, req)
}

func (s *sites) GetSite(ctx context.Context, req *pb.GetSiteRequest) (*pb.Site, error) {
	return delegate(ctx, s.vendors, req.GetName(), adapters.SiteGetter.GetSite, req)
}

func (s *sites) UpdateSite(ctx context.Context, req *pb.UpdateSiteRequest) (*pb.Site, error) {
	return delegate(ctx, s.vendors, req.GetSite().GetName(), adapters.SiteUpdater.UpdateSite, req)
}

func (s *sites) CreateSiteOrder(ctx context.Context, req *pb.CreateSiteOrderRequest) (*pb.SiteOrder, error) {
	return delegate(ctx, s.vendors, req.GetParent(), adapters.SiteOrderCreator.CreateSiteOrder, req)
}

func (s *sites) ListSiteOrders(ctx context.Context, req *pb.ListSiteOrdersRequest) (*pb.ListSiteOrdersResponse, error) {
	return list(ctx, s.vendors, adapters.SiteOrderLister.ListSiteOrders, req)
}

func (s *sites) GetSiteOrder(ctx context.Context, req *pb.GetSiteOrderRequest) (*pb.SiteOrder, error) {
	return delegate(ctx, s.vendors, req.GetName(), adapters.SiteOrderGetter.GetSiteOrder, req)
}

func (s *sites) DisableSite(ctx context.Context, req *pb.DisableSiteRequest) (*pb.StatusChange, error) {
	return delegate(ctx, s.vendors, req.GetName(), adapters.SiteDisabler.DisableSite, req)
}

func (s *sites) EnableSite(ctx context.Context, req *pb.EnableSiteRequest) (*pb.StatusChange, error) {
	return delegate(ctx, s.vendors, req.GetName(), adapters.SiteEnabler.EnableSite, req)
}

func (s *sites) ExtendTrial(ctx context.Context, req *pb.ExtendTrialRequest) (*pb.StatusChange, error) {
	return delegate(ctx, s.vendors, req.GetName(), adapters.TrialExtender.ExtendTrial, req)
}

func (s *sites) ListStatusChanges(
	ctx context.Context, req *pb.ListStatusChangesRequest,
) (*pb.ListStatusChangesResponse, error) {
	return list(ctx, s.vendors, adapters.StatusChangeLister.ListStatusChanges, req)
}

func (s *sites) CancelStatusChange(ctx context.Context, req *pb.CancelStatusChangeRequest) (*pb.StatusChange, error) {
	return delegate(ctx, s.vendors, req.GetName(), adapters.StatusChangeCanceller.CancelStatusChange, req)
}

func (s *sites) GetIntegration(ctx context.Context, req *pb.GetIntegrationRequest) (*pb.Integration, error) {
	return delegate(ctx, s.vendors, req.GetName(), adapters.IntegrationGetter.GetIntegration, req)
}

func (s *sites) UpdateIntegration(ctx context.Context, req *pb.UpdateIntegrationRequest) (*pb.Integration, error) {
	return delegate(ctx, s.vendors, req.GetIntegration().GetName(), adapters.IntegrationUpdater.UpdateIntegration, req)
}

func (s *sites) GetFairPlayCertificate(
	ctx context.Context, req *pb.GetFairPlayCertificateRequest,
) (*pb.FairPlayCertificate, error) {
	call := adapters.FairPlayCertificateGetter.GetFairPlayCertificate
	res, err := delegate(ctx, s.vendors, req.GetName(), call, req)
	return ofSite(req.GetName(), res), err
}

func (s *sites) ListFairPlayCertificates(
	ctx context.Context, req *pb.ListFairPlayCertificatesRequest,
) (*pb.ListFairPlayCertificatesResponse, error) {
	type getter = adapters.FairPlayCertificateGetter
	type request = *pb.ListFairPlayCertificatesRequest
	served := func(g getter, ctx context.Context, req request) (*pb.ListFairPlayCertificatesResponse, error) {
		return servedAt(ctx, g, req)
	}
	return list(ctx, s.vendors, served, req)
}

func (s *sites) RegisterFairPlayCertificate(
	ctx context.Context, req *pb.RegisterFairPlayCertificateRequest,
) (*pb.FairPlayCertificate, error) {
	call := adapters.FairPlayCertificateRegistrar.RegisterFairPlayCertificate
	res, err := delegate(ctx, s.vendors, req.GetName(), call, req)
	return ofSite(req.GetName(), res), err
}

// servedAt lists the certificate of one site.
func servedAt(
	ctx context.Context, g adapters.FairPlayCertificateGetter, req *pb.ListFairPlayCertificatesRequest,
) (*pb.ListFairPlayCertificatesResponse, error) {
	res := &pb.ListFairPlayCertificatesResponse{}
	certificate, err := g.GetFairPlayCertificate(ctx, &pb.GetFairPlayCertificateRequest{Name: req.GetParent()})
	switch {
	case errors.Is(err, fairplay.ErrNotServed):
		res.UnservedSites = []string{req.GetParent()}
	case err != nil:
		return nil, err
	default:
		res.FairPlayCertificates = []*pb.FairPlayCertificate{ofSite(req.GetParent(), certificate)}
	}
	// One site has one page: no token is for a later one.
	res.FairPlayCertificates, res.NextPageToken, err = paging.Slice(req, res.FairPlayCertificates)
	return res, err
}

// ofSite returns a certificate with the name of its site, or nil.
func ofSite(site string, c *pb.FairPlayCertificate) *pb.FairPlayCertificate {
	if c != nil {
		c.Site = site
	}
	return c
}
