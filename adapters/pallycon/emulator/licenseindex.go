package emulator

import "github.com/drmhub/drmhub/adapters/twin"

// A timeline is licenses by time.
type timeline = twin.Timeline[*License]

// A licenseIndex holds the licenses of a site twice: all of them, and by status. So a search by
// status and day looks at no other license.
type licenseIndex struct{ all, success, fail timeline }

// put adds rows in any order.
func (x *licenseIndex) put(rows []*License) {
	var success, fail []*License
	for _, l := range rows {
		if l.Status == StatusSuccess {
			success = append(success, l)
		} else {
			fail = append(fail, l)
		}
	}
	x.all.Put(rows...)
	x.success.Put(success...)
	x.fail.Put(fail...)
}

// of returns the rows with that status, or all if it is empty.
func (x *licenseIndex) of(status string) timeline {
	switch status {
	case StatusSuccess:
		return x.success
	case StatusFail:
		return x.fail
	}
	return x.all
}
