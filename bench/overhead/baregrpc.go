package main

import (
	"context"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

const vendorName = "vendors/acme"

var (
	services = map[string]pb.Site_Service{"PD001": pb.Site_DRM, "PD002": pb.Site_FORENSIC_WATERMARKING}
	states   = map[string]pb.Site_ServiceState_State{
		"SE000": pb.Site_ServiceState_ACTIVE, "SE001": pb.Site_ServiceState_SUSPENDED,
	}
	drmTypes = map[string]pb.License_DrmType{
		"Widevine": pb.License_WIDEVINE, "PlayReady": pb.License_PLAYREADY, "FairPlay": pb.License_FAIRPLAY,
		"NCG": pb.License_NCG,
	}
	statuses = map[string]pb.License_Status{"success": pb.License_SUCCESS, "fail": pb.License_FAILURE}
)

// bareSites is the bare service of sites.
type bareSites struct {
	pb.UnimplementedSiteServiceServer
	vendor *bareVendor
}

// ListSites lists the vendor's sites.
func (s bareSites) ListSites(ctx context.Context, req *pb.ListSitesRequest) (*pb.ListSitesResponse, error) {
	rows, err := s.vendor.sites(ctx)
	if err != nil {
		return nil, err
	}
	res := &pb.ListSitesResponse{TotalSize: int32(len(rows)), Sites: make([]*pb.Site, len(rows))}
	for i, row := range rows {
		site := &pb.Site{
			Name: req.GetParent() + "/sites/" + row.SiteID, SiteId: row.SiteID, DisplayName: row.ServiceName,
			State: pb.Site_SUSPENDED,
		}
		for _, p := range row.ProductList {
			state := &pb.Site_ServiceState{
				Service: services[p.ServiceCode], State: states[p.StatusCode],
				VendorService: p.ServiceCode, VendorState: p.StatusCode,
			}
			if state.GetService() == pb.Site_DRM && state.GetState() == pb.Site_ServiceState_ACTIVE {
				site.State, site.Enabled = pb.Site_RUNNING, true
			}
			site.Services = append(site.Services, state)
		}
		res.Sites[i] = site
	}
	return res, nil
}

// bareLicenses is the bare service of licenses.
type bareLicenses struct {
	pb.UnimplementedLicenseServiceServer
	vendor *bareVendor
}

// ListLicenses lists a site's licenses.
func (l bareLicenses) ListLicenses(
	ctx context.Context, req *pb.ListLicensesRequest,
) (*pb.ListLicensesResponse, error) {
	_, site, _ := strings.Cut(req.GetParent(), "/sites/")
	rows, err := l.vendor.licenses(ctx, site)
	if err != nil {
		return nil, err
	}
	res := &pb.ListLicensesResponse{TotalSize: int32(len(rows)), Licenses: make([]*pb.License, len(rows))}
	for i, row := range rows {
		created, err := time.Parse(secondFormat, row.RegTime)
		if err != nil {
			return nil, err
		}
		res.Licenses[i] = &pb.License{
			Site: req.GetParent(), ContentId: row.CID, DrmType: drmTypes[row.DRMType], VendorDrmType: row.DRMType,
			Status: statuses[row.Status], VendorStatus: row.Status, ErrorCode: row.ErrorCode, UserId: row.UserID,
			DeviceId: row.DeviceID, DeviceModel: row.DeviceModel, Platform: row.PlatformName,
			IntegrationType: row.LicenseType, CreateTime: timestamppb.New(created),
		}
	}
	return res, nil
}
