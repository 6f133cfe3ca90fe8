package pallycontest

import (
	"regexp"

	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// This file maps the contract back to the vendor's words. It is written from the guide, and does
// not use the adapter's tables.

// siteID is the guide's "Unique ID of the site (four alphanumeric characters)".
var siteID = regexp.MustCompile(`^[A-Za-z0-9]{4}$`)

// vendorSite returns a site with both of PallyCon's services. Its DRM alone decides whether the
// site is enabled.
func vendorSite(s *pb.Site) emulator.Site {
	drm := emulator.StateSuspended
	if s.GetEnabled() {
		drm = emulator.StateInService
	}
	return emulator.Site{
		SiteID: s.GetSiteId(), ServiceName: s.GetDisplayName(),
		Products: []emulator.Product{
			{ServiceCode: emulator.ServiceFWM, StatusCode: emulator.StateInService},
			{ServiceCode: emulator.ServiceDRM, StatusCode: drm},
		},
	}
}

func showSite(s *pb.Site) *pb.Site {
	if !siteID.MatchString(s.GetSiteId()) {
		return nil
	}
	s.State = pb.Site_SUSPENDED
	watermarking := &pb.Site_ServiceState{Service: pb.Site_FORENSIC_WATERMARKING, VendorService: "PD002"}
	watermarking.State, watermarking.VendorState = pb.Site_ServiceState_ACTIVE, "SE000"
	drm := &pb.Site_ServiceState{Service: pb.Site_DRM, VendorService: "PD001"}
	drm.State, drm.VendorState = pb.Site_ServiceState_SUSPENDED, "SE001"
	if s.GetEnabled() {
		s.State = pb.Site_RUNNING
		drm.State, drm.VendorState = pb.Site_ServiceState_ACTIVE, "SE000"
	}
	s.Services = []*pb.Site_ServiceState{watermarking, drm}
	return s
}

func vendorLicense(l *pb.License) emulator.License {
	shown := showLicense(proto.CloneOf(l))
	return emulator.License{
		CID: l.GetContentId(), DRMType: shown.GetVendorDrmType(), RegTime: l.GetCreateTime().AsTime(),
		Status: shown.GetVendorStatus(), ErrorCode: l.GetErrorCode(), UserID: l.GetUserId(),
		DeviceID: l.GetDeviceId(), DeviceModel: l.GetDeviceModel(),
		LicenseType: l.GetIntegrationType(), PlatformName: l.GetPlatform(),
	}
}

// showLicense adds the vendor's words to a row. PallyCon can hold every row of the contract.
func showLicense(l *pb.License) *pb.License {
	switch l.GetDrmType() {
	case pb.License_WIDEVINE:
		l.VendorDrmType = "Widevine"
	case pb.License_PLAYREADY:
		l.VendorDrmType = "PlayReady"
	case pb.License_FAIRPLAY:
		l.VendorDrmType = "FairPlay"
	case pb.License_NCG:
		l.VendorDrmType = "NCG"
	}
	switch l.GetStatus() {
	case pb.License_SUCCESS:
		l.VendorStatus = emulator.StatusSuccess
	case pb.License_FAILURE:
		l.VendorStatus = emulator.StatusFail
	}
	return l
}
