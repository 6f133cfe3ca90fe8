package emulator

import (
	"crypto/md5" //nolint:gosec // The vendor shows user ids as their MD5.
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/drmhub/drmhub/adapters/twin"
)

// secondLayout is the form of licenseCreatedTime, and of the time in a site's id: yyyyMMddHHmmss.
const secondLayout = "20060102150405"

// The values of licenseStatus in a search.
const (
	StatusSuccess = "success"
	StatusFail    = "fail"
)

// License is one license that a device asked for, under the vendor's field names.
type License struct {
	// ContentID is the content.
	ContentID string
	// LicenseStatus is StatusSuccess or StatusFail. Empty means success.
	LicenseStatus string
	// DRMType is Widevine, PlayReady or FairPlay.
	DRMType string
	// UserID is the site's id of the end user. Responses show only its MD5.
	UserID string
	// UserIDMD5 is shown in responses: 32 hexadecimal digits. Empty means the MD5 of UserID.
	UserIDMD5 string
	// DeviceID and DeviceModel are the end user's device.
	DeviceID, DeviceModel string
	// PlatformName is the client's platform, such as PLATFORM_MAC_OS.
	PlatformName string
	// CreatedTime is the time of the request. The vendor keeps whole seconds.
	CreatedTime time.Time
}

// Time returns CreatedTime.
func (l License) Time() time.Time { return l.CreatedTime }

// licenseRow is a license in a response.
type licenseRow struct {
	ContentID          string `json:"contentId"`
	LicenseStatus      string `json:"licenseStatus"`
	DRMType            string `json:"drmType"`
	UserID             string `json:"userId"`
	DeviceID           string `json:"deviceId"`
	DeviceModel        string `json:"deviceModel"`
	PlatformName       string `json:"platformName"`
	LicenseCreatedTime string `json:"licenseCreatedTime"`
	SiteID             string `json:"siteId,omitempty"` // not in the pages of 2023
}

// HashUserID returns a user id as responses show it: the hexadecimal digits of its MD5.
func HashUserID(userID string) string {
	sum := md5.Sum([]byte(userID)) //nolint:gosec // The vendor's own choice.
	return hex.EncodeToString(sum[:])
}

// PutLicenses adds licenses to a site, in any order, even if the site is off. Of two equal times,
// the license put last is the newer one. It panics if the site or a status does not exist, which is
// a mistake in the test.
func (e *Emulator) PutLicenses(siteID string, licenses ...License) {
	rows := slices.Clone(licenses)
	for i := range rows {
		l := &rows[i]
		if l.LicenseStatus == "" {
			l.LicenseStatus = StatusSuccess
		}
		if l.LicenseStatus != StatusSuccess && l.LicenseStatus != StatusFail {
			panic(fmt.Sprintf("emulator: a license cannot have the status %q", l.LicenseStatus))
		}
		if l.UserIDMD5 == "" {
			l.UserIDMD5 = HashUserID(l.UserID)
		}
		l.CreatedTime = l.CreatedTime.Truncate(time.Second)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.find(siteID)
	if s == nil {
		panic(fmt.Sprintf("emulator: licenses for site %q, which does not exist", siteID))
	}
	s.licenses.Put(rows...)
}

// Licenses returns the licenses of a site, newest first. It returns none if the site does not
// exist.
func (e *Emulator) Licenses(siteID string) []License {
	e.mu.RLock()
	defer e.mu.RUnlock()
	s := e.find(siteID)
	if s == nil {
		return nil
	}
	rows := slices.Clone(s.licenses)
	slices.Reverse(rows)
	return rows
}

// listLicenses serves "View license issuance history".
func (e *Emulator) listLicenses(_ *http.Request, q twin.Params) (response, error) {
	first, size, err := e.page(q)
	if err != nil {
		return response{}, err
	}
	matches, err := e.search(q)
	if err != nil {
		return response{}, err
	}
	start, end := instant(q, startTime), instant(q, endTime)
	if !end.IsZero() && end.Before(start) {
		return response{}, InvalidParameter.saying("startTime is after endTime")
	}
	if !end.IsZero() && !e.assumed.EndExclusive {
		end = end.Add(time.Millisecond)
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	s, err := e.siteOf(q["siteId"])
	if err != nil {
		return response{}, err
	}
	found, total := s.licenses.Between(start, end).Newest(first, size, matches)
	rows := make([]licenseRow, len(found))
	for i, l := range found {
		rows[i] = e.showLicense(l)
		if e.assumed.Generation != Generation2023 {
			rows[i].SiteID = s.SiteID
		}
	}
	res := listing(e, rows, total)
	if e.assumed.Generation == Generation2023 {
		res.total = nil
	}
	return res, nil
}

func (e *Emulator) showLicense(l License) licenseRow {
	outcome := l.LicenseStatus
	if e.assumed.UpperCaseStatus {
		outcome = strings.ToUpper(outcome)
	}
	return licenseRow{
		l.ContentID, outcome, l.DRMType, l.UserIDMD5, l.DeviceID, l.DeviceModel, l.PlatformName,
		l.CreatedTime.In(e.assumed.Zone).Format(secondLayout), "",
	}
}

// search returns what a request searches for besides the time. It returns nil if every license
// matches.
func (e *Emulator) search(q twin.Params) (matches func(License) bool, err error) {
	outcome, keyword := q["status"], q["searchKeyword"]
	if (q["searchCondition"] == "") != (keyword == "") {
		return nil, InvalidParameter.saying("searchCondition and searchKeyword go together")
	}
	if keyword == "" {
		if outcome == "" {
			return nil, nil
		}
		return func(l License) bool { return l.LicenseStatus == outcome }, nil
	}
	condition, known := e.assumed.Generation.condition(q["searchCondition"])
	if !known {
		shown := strings.ToValidUTF8(q["searchCondition"], "?")
		return nil, InvalidParameter.saying("invalid parameter searchCondition: " + shown)
	}
	finds := strings.Contains
	if e.assumed.ExactSearch {
		finds = func(value, keyword string) bool { return value == keyword }
	}
	if condition == "userId" && e.assumed.PlainUserSearch {
		keyword = HashUserID(keyword)
	}
	return func(l License) bool {
		return (outcome == "" || l.LicenseStatus == outcome) && finds(l.field(condition), keyword)
	}, nil
}

// field returns the value that a search condition of 2026 compares.
func (l License) field(condition string) string {
	switch condition {
	case "contentId":
		return l.ContentID
	case "drmType":
		return l.DRMType
	case "userId":
		return l.UserIDMD5
	case "deviceId":
		return l.DeviceID
	}
	return l.DeviceModel
}
