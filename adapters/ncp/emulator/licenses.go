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

// Outcomes of a license request (licenseStatus, as a search names them).
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
	// UserID is the end user as the site knows them. Answers show its MD5 alone.
	UserID string
	// UserIDMD5 is what answers show: 32 hexadecimal digits. Empty means the MD5 of UserID.
	UserIDMD5 string
	// DeviceID and DeviceModel are the end user's device.
	DeviceID, DeviceModel string
	// PlatformName is the client's platform, such as PLATFORM_MAC_OS.
	PlatformName string
	// CreatedTime is when the device asked; the vendor keeps whole seconds.
	CreatedTime time.Time
}

// Time returns CreatedTime.
func (l License) Time() time.Time { return l.CreatedTime }

// licenseRow is a license as the call answers it.
type licenseRow struct {
	ContentID          string `json:"contentId"`
	LicenseStatus      string `json:"licenseStatus"`
	DRMType            string `json:"drmType"`
	UserID             string `json:"userId"`
	DeviceID           string `json:"deviceId"`
	DeviceModel        string `json:"deviceModel"`
	PlatformName       string `json:"platformName"`
	LicenseCreatedTime string `json:"licenseCreatedTime"`
}

// HashUserID is how answers show a user id: the hexadecimal digits of its MD5.
func HashUserID(userID string) string {
	sum := md5.Sum([]byte(userID)) //nolint:gosec // The vendor's own choice.
	return hex.EncodeToString(sum[:])
}

// PutLicenses adds licenses to a site, in any order and whether or not the site is on. Of equal
// times the one put last counts as the newer. It panics where the site does not exist or a status
// is none, as that is a mistake in the test.
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

// Licenses are the licenses that a site holds, newest first; none where the site does not exist.
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

// listLicenses answers "View license issuance history".
func (e *Emulator) listLicenses(_ *http.Request, q twin.Params) (answer, error) {
	first, size, err := e.page(q)
	if err != nil {
		return answer{}, err
	}
	matches, err := e.search(q)
	if err != nil {
		return answer{}, err
	}
	start, end := instant(q, startTime), instant(q, endTime)
	if !end.IsZero() && end.Before(start) {
		return answer{}, InvalidParameter.saying("startTime is after endTime")
	}
	if !end.IsZero() && !e.assumed.EndExclusive {
		end = end.Add(time.Millisecond)
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	s, err := e.siteOf(q["siteId"])
	if err != nil {
		return answer{}, err
	}
	found, total := s.licenses.Between(start, end).Newest(first, size, matches)
	rows := make([]licenseRow, len(found))
	for i, l := range found {
		rows[i] = e.showLicense(l)
	}
	a := listing(e, rows, total)
	if e.assumed.Generation == Generation2023 {
		a.total = nil
	}
	return a, nil
}

func (e *Emulator) showLicense(l License) licenseRow {
	outcome := l.LicenseStatus
	if e.assumed.UpperCaseStatus {
		outcome = strings.ToUpper(outcome)
	}
	return licenseRow{
		l.ContentID, outcome, l.DRMType, l.UserIDMD5, l.DeviceID, l.DeviceModel, l.PlatformName,
		l.CreatedTime.In(e.assumed.Zone).Format(secondLayout),
	}
}

// search is what a request searches for besides the time, or nil where it takes everything.
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

// field is the value that a search condition of 2026 looks at.
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
