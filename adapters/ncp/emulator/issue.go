package emulator

import (
	"fmt"
	"net/http"

	"github.com/drmhub/drmhub/adapters/twin"
)

// Issue issues a license to a device now, at the clock's time. It fails if the site is not enabled
// or does not exist, or if the status is unknown. The history then stays as it is.
func (e *Emulator) Issue(siteID string, l License) error {
	if l.LicenseStatus != "" && l.LicenseStatus != StatusSuccess && l.LicenseStatus != StatusFail {
		return fmt.Errorf("licenseStatus %q is unknown: use %q or %q", l.LicenseStatus, StatusSuccess, StatusFail)
	}
	e.mu.RLock()
	s, err := e.siteOf(siteID)
	enabled := err == nil && s.Enabled
	e.mu.RUnlock()
	if err != nil {
		return err
	}
	if !enabled {
		return fmt.Errorf("site %q is not enabled: it issues no licenses", siteID)
	}
	l.CreatedTime = e.Clock().Now()
	e.PutLicenses(siteID, l)
	return nil
}

// serveIssue is Issue over the admin path.
func (e *Emulator) serveIssue(w http.ResponseWriter, r *http.Request) {
	order, err := twin.ReadJSON[struct {
		SiteID        string `json:"siteId"`
		ContentID     string `json:"contentId"`
		LicenseStatus string `json:"licenseStatus"`
		DRMType       string `json:"drmType"`
		UserID        string `json:"userId"`
		DeviceID      string `json:"deviceId"`
		DeviceModel   string `json:"deviceModel"`
		PlatformName  string `json:"platformName"`
	}](r)
	if err != nil {
		twin.WriteError(w, http.StatusBadRequest, err)
		return
	}
	err = e.Issue(order.SiteID, License{
		ContentID: order.ContentID, LicenseStatus: order.LicenseStatus, DRMType: order.DRMType, UserID: order.UserID,
		DeviceID: order.DeviceID, DeviceModel: order.DeviceModel, PlatformName: order.PlatformName,
	})
	if err != nil {
		twin.WriteError(w, http.StatusConflict, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
