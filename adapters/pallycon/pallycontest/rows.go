package pallycontest

import (
	"regexp"

	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// What follows is the mapping backwards, from the contract to the vendor's words, written from the
// guide and not with the adapter's tables.

// siteID is the guide's "Unique ID of the site (four alphanumeric characters)".
var siteID = regexp.MustCompile(`^[A-Za-z0-9]{4}$`)

// vendorSite is a site with both of PallyCon's services; whether the site is enabled is up to its
// DRM alone.
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
	drm := &pb.Site_ServiceState{Service: pb.Site_DRM, State: pb.Site_ServiceState_SUSPENDED, VendorService: "PD001", VendorState: "SE001"}
	if s.GetEnabled() {
		s.State = pb.Site_RUNNING
		drm.State, drm.VendorState = pb.Site_ServiceState_ACTIVE, "SE000"
	}
	s.Services = []*pb.Site_ServiceState{
		{Service: pb.Site_FORENSIC_WATERMARKING, State: pb.Site_ServiceState_ACTIVE, VendorService: "PD002", VendorState: "SE000"},
		drm,
	}
	return s
}

func vendorLicense(l *pb.License) emulator.License {
	shown := showLicense(proto.CloneOf(l))
	return emulator.License{
		CID: l.GetContentId(), Status: shown.GetVendorStatus(), ErrorCode: l.GetErrorCode(), DRMType: shown.GetVendorDrmType(),
		UserID: l.GetUserId(), DeviceID: l.GetDeviceId(), DeviceModel: l.GetDeviceModel(),
		LicenseType: l.GetIntegrationType(), PlatformName: l.GetPlatform(), RegTime: l.GetCreateTime().AsTime(),
	}
}

// showLicense adds the vendor's words to a row. PallyCon holds every row that the contract can say.
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
