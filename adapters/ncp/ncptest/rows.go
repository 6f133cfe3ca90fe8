package ncptest

import (
	"crypto/md5" //nolint:gosec // The vendor's own choice, to show user ids.
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/drmhub/drmhub/adapters/ncp/emulator"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// What follows is the mapping backwards, from the contract to the vendor's words, written from the
// API pages and not with the adapter's tables.

// vendorWords are the words of a vendor of whom this is assumed.
type vendorWords struct{ assumed emulator.Assumptions }

func (w vendorWords) site(s *pb.Site) emulator.Site {
	shown := w.showSite(proto.CloneOf(s))
	site := emulator.Site{SiteID: s.GetSiteId(), SiteName: s.GetDisplayName(), Status: shown.GetVendorState(), Enabled: s.GetEnabled()}
	if s.GetPolicyId() != "" {
		policy, err := strconv.Atoi(s.GetPolicyId())
		if err != nil {
			panic(err)
		}
		site.PolicyID = policy
	}
	return site
}

// showSite adds the vendor's words to a site. The ids that the vendor makes have a form, but
// nothing in its calls depends on it.
func (w vendorWords) showSite(s *pb.Site) *pb.Site {
	s.State, s.VendorState = pb.Site_READY, emulator.StatusReady
	if s.GetEnabled() && !w.assumed.ReadyWhenOn {
		s.State, s.VendorState = pb.Site_RUNNING, emulator.StatusRunning
	}
	if s.GetPolicyId() == "" {
		s.PolicyId = "0"
	}
	return s
}

func vendorLicense(l *pb.License) emulator.License {
	shown := vendorWords{}.showLicense(proto.CloneOf(l))
	return emulator.License{
		ContentID: l.GetContentId(), LicenseStatus: shown.GetVendorStatus(), DRMType: shown.GetVendorDrmType(), UserID: l.GetUserId(),
		DeviceID: l.GetDeviceId(), DeviceModel: l.GetDeviceModel(), PlatformName: l.GetPlatform(), CreatedTime: l.GetCreateTime().AsTime(),
	}
}

// showLicense leaves out of a row what the vendor does not tell, and adds its words. It has no NCG.
func (w vendorWords) showLicense(l *pb.License) *pb.License {
	switch l.GetDrmType() {
	case pb.License_WIDEVINE:
		l.VendorDrmType = "Widevine"
	case pb.License_PLAYREADY:
		l.VendorDrmType = "PlayReady"
	case pb.License_FAIRPLAY:
		l.VendorDrmType = "FairPlay"
	default:
		return nil
	}
	l.VendorStatus = emulator.StatusSuccess
	if l.GetStatus() == pb.License_FAILURE {
		l.VendorStatus = emulator.StatusFail
	}
	if w.assumed.UpperCaseStatus {
		l.VendorStatus = strings.ToUpper(l.GetVendorStatus())
	}
	l.UserIdMd5 = fmt.Sprintf("%x", md5.Sum([]byte(l.GetUserId()))) //nolint:gosec // The vendor's own choice, to show user ids.
	l.UserId, l.ErrorCode, l.IntegrationType = "", "", ""
	return l
}
