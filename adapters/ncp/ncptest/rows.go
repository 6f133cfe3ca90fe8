package ncptest

import (
	"cmp"
	"crypto/md5" //nolint:gosec // The vendor's own choice, to show user ids.
	"encoding/hex"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/ncp/emulator"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// vendorWords maps the contract back to the words of a vendor with these assumptions. It is written
// from the API pages, without the adapter's tables.
type vendorWords struct{ assumed emulator.Assumptions }

func (w vendorWords) site(s *pb.Site) emulator.Site {
	shown := w.showSite(proto.CloneOf(s))
	policy, err := strconv.Atoi(shown.GetPolicyId())
	if err != nil {
		panic(err)
	}
	return emulator.Site{
		SiteID: s.GetSiteId(), SiteName: s.GetDisplayName(), Status: shown.GetVendorState(),
		Enabled: s.GetEnabled(), PolicyID: policy,
	}
}

// showSite adds the vendor's words to a site.
func (w vendorWords) showSite(s *pb.Site) *pb.Site {
	s.State, s.VendorState = pb.Site_READY, emulator.StatusReady
	if s.GetEnabled() && !w.assumed.ReadyWhenOn {
		s.State, s.VendorState = pb.Site_RUNNING, emulator.StatusRunning
	}
	s.PolicyId = cmp.Or(s.GetPolicyId(), "0")
	return s
}

func vendorLicense(l *pb.License) emulator.License {
	shown := vendorWords{}.showLicense(proto.CloneOf(l))
	return emulator.License{
		ContentID: l.GetContentId(), LicenseStatus: shown.GetVendorStatus(), DRMType: shown.GetVendorDrmType(),
		UserID: l.GetUserId(), DeviceID: l.GetDeviceId(), DeviceModel: l.GetDeviceModel(),
		PlatformName: l.GetPlatform(), CreatedTime: l.GetCreateTime().AsTime(),
	}
}

// drmTypes are the vendor's words for DRM systems. It has no NCG.
var drmTypes = map[pb.License_DrmType]string{
	pb.License_WIDEVINE: "Widevine", pb.License_PLAYREADY: "PlayReady", pb.License_FAIRPLAY: "FairPlay",
}

// showLicense adds the vendor's words to a row, and removes what the vendor does not show.
func (w vendorWords) showLicense(l *pb.License) *pb.License {
	l.VendorDrmType = drmTypes[l.GetDrmType()]
	if l.GetVendorDrmType() == "" {
		return nil
	}
	l.VendorStatus = emulator.StatusSuccess
	if l.GetStatus() == pb.License_FAILURE {
		l.VendorStatus = emulator.StatusFail
	}
	if w.assumed.UpperCaseStatus {
		l.VendorStatus = strings.ToUpper(l.GetVendorStatus())
	}
	sum := md5.Sum([]byte(l.GetUserId())) //nolint:gosec // The vendor's own choice, to show user ids.
	l.UserIdMd5 = hex.EncodeToString(sum[:])
	l.UserId, l.ErrorCode, l.IntegrationType = "", "", ""
	return l
}
