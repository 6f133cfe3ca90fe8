package emulator

import (
	"fmt"
	"net/http"

	"github.com/drmhub/drmhub/adapters/twin"
)

// Issue lets a device ask for a license now: l stands in the history from then on, at the clock's
// time. A site that is not on issues none, and its history stays as it is; then Issue fails, as it
// does where the site or the status is none.
func (e *Emulator) Issue(siteID string, l License) error {
	if l.LicenseStatus != "" && l.LicenseStatus != StatusSuccess && l.LicenseStatus != StatusFail {
		return fmt.Errorf("licenseStatus %q is neither %q nor %q", l.LicenseStatus, StatusSuccess, StatusFail)
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

// serveIssue is Issue for other people's tests.
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
