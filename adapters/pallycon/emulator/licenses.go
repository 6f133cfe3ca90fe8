package emulator

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/drmhub/drmhub/adapters/twin"
)

// secondLayout is the form of the vendor's instants: yyyyMMddHHmmss.
const secondLayout = "20060102150405"

// Outcomes of a license request (status).
const (
	StatusSuccess = "success"
	StatusFail    = "fail"
)

// License is one license that a device asked for, under the vendor's field names.
type License struct {
	// CID is the content.
	CID string
	// Status is StatusSuccess or StatusFail. Empty means success.
	Status string
	// ErrorCode is the license server's code. Empty means 0000.
	ErrorCode string
	// DRMType is PlayReady, Widevine, FairPlay or NCG.
	DRMType string
	// UserID is the end user, or LICENSETOKEN for a token without one.
	UserID string
	// DeviceID and DeviceModel are the end user's device.
	DeviceID, DeviceModel string
	// LicenseType is the integration: token or gateway.
	LicenseType string
	// PlatformName is the client's platform.
	PlatformName string
	// RegTime is when the device asked. The vendor keeps whole seconds.
	RegTime time.Time
}

// Time returns RegTime.
func (l *License) Time() time.Time { return l.RegTime }

// A licenseRow is a license in a response.
type licenseRow struct {
	CID          string `json:"cid"`
	Status       string `json:"status"`
	ErrorCode    string `json:"error_code"`
	DRMType      string `json:"drm_type"`
	UserID       string `json:"user_id"`
	DeviceID     string `json:"device_id"`
	DeviceModel  string `json:"device_model"`
	LicenseType  string `json:"license_type"`
	PlatformName string `json:"platform_name"`
	RegTime      string `json:"reg_time"`
}

// PutLicenses adds licenses to a site, in any order. Of equal times, the license that was put last
// is the newest. It panics if the site does not exist or a status is unknown, because that is a
// mistake in the test.
func (e *Emulator) PutLicenses(siteID string, licenses ...License) {
	rows := make([]*License, len(licenses))
	for i, license := range licenses {
		if license.Status == "" {
			license.Status = StatusSuccess
		}
		if license.ErrorCode == "" {
			license.ErrorCode = "0000"
		}
		if license.Status != StatusSuccess && license.Status != StatusFail {
			panic(fmt.Sprintf("emulator: a license cannot have the status %q", license.Status))
		}
		license.RegTime = license.RegTime.Truncate(time.Second)
		rows[i] = &license
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.seeded(siteID, "licenses").licenses.put(rows)
}

// listLicenses serves "Get DRM License List": newest first.
func (e *Emulator) listLicenses(_ context.Context, p twin.Params) (response, error) {
	start, end, err := e.period(p)
	if err != nil {
		return response{}, err
	}
	first, size, err := e.page(p)
	if err != nil {
		return response{}, err
	}
	matches, err := e.search(p)
	if err != nil {
		return response{}, err
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	s, err := e.site(p)
	if err != nil {
		return response{}, err
	}
	found, total := s.licenses.of(p["search_status"]).Between(start, end).Newest(first, size, matches)
	rows := make([]licenseRow, len(found))
	for i, l := range found {
		rows[i] = licenseRow{
			l.CID, l.Status, l.ErrorCode, l.DRMType, l.UserID, l.DeviceID, l.DeviceModel, l.LicenseType, l.PlatformName,
			e.second(l.RegTime),
		}
	}
	return listing(e, rows, total), nil
}

// search returns the search condition of a request, or nil if it has none.
func (e *Emulator) search(p twin.Params) (matches func(*License) bool, err error) {
	keyword := p["search_keyword"]
	var field func(*License) string
	switch p["search_condition"] {
	case "cid":
		field = func(l *License) string { return l.CID }
	case "drm_type":
		field = func(l *License) string { return l.DRMType }
	case "user_id":
		field = func(l *License) string { return l.UserID }
	case "device_id":
		field = func(l *License) string { return l.DeviceID }
	case "device_model":
		field = func(l *License) string { return l.DeviceModel }
	}
	if err := e.bothOrNeither(p, "search_condition", "search_keyword"); err != nil || field == nil {
		return nil, err
	}
	return func(l *License) bool { return e.finds(field(l), keyword) }, nil
}

// Licenses returns the licenses of a site, newest first. A site that does not exist has none.
func (e *Emulator) Licenses(siteID string) []License {
	e.mu.RLock()
	defer e.mu.RUnlock()
	s := e.find(siteID)
	if s == nil {
		return nil
	}
	rows := make([]License, 0, len(s.licenses.all))
	for _, l := range slices.Backward(s.licenses.all) {
		rows = append(rows, *l)
	}
	return rows
}
