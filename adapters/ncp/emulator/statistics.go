package emulator

import (
	"time"

	"github.com/drmhub/drmhub/adapters/twin"
)

// statistics are the figures of a site, in the vendor's spelling.
type statistics struct {
	User    int `json:"siteMontlyActiveUser"`
	Device  int `json:"siteMontlyActiveDevice"`
	License int `json:"siteMontlyActiveLicense"`
}

// countMonth counts the licenses issued since the first of the month, in the time zone of now.
func countMonth(licenses twin.Timeline[License], now time.Time) (figures statistics) {
	year, month, _ := now.Date()
	first := time.Date(year, month, 1, 0, 0, 0, 0, now.Location())
	users, devices := map[string]bool{}, map[string]bool{}
	for _, l := range licenses.Between(first, time.Time{}) {
		if l.LicenseStatus == StatusSuccess {
			users[l.UserIDMD5], devices[l.DeviceID] = true, true
			figures.License++
		}
	}
	figures.User, figures.Device = len(users), len(devices)
	return figures
}
