package emulator

import (
	"context"

	"github.com/drmhub/drmhub/adapters/twin"
)

// report serves a page of a report on the licenses of a site and a period. Wanted licenses with the
// same key make one row, to which count adds them, oldest first. Rows have the order in which their
// keys first occur.
func report[R any](
	e *Emulator, p twin.Params, wanted func(*License) bool, key func(*License) string, count func(*R, *License),
) (response, error) {
	start, end, err := e.period(p)
	if err != nil {
		return response{}, err
	}
	first, size, err := e.page(p)
	if err != nil {
		return response{}, err
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	s, err := e.site(p)
	if err != nil {
		return response{}, err
	}
	var rows []R
	places := map[string]int{}
	for _, l := range s.licenses.of(p["search_status"]).Between(start, end) {
		if !wanted(l) {
			continue
		}
		place, known := places[key(l)]
		if !known {
			place = len(rows)
			places[key(l)] = place
			rows = append(rows, *new(R))
		}
		count(&rows[place], l)
	}
	return pageOf(e, rows, first, size), nil
}

func userOf(l *License) string    { return l.UserID }
func deviceOf(l *License) string  { return l.DeviceID }
func contentOf(l *License) string { return l.CID }

// outcome returns the counter for the outcome of l.
func outcome(l *License, success, fail *int) *int {
	if l.Status == StatusSuccess {
		return success
	}
	return fail
}

// listUsers serves "Get DRM User List".
func (e *Emulator) listUsers(_ context.Context, p twin.Params) (response, error) {
	type row struct {
		UserID     string `json:"user_id"`
		LicenseCnt int    `json:"license_cnt"`
		DeviceCnt  int    `json:"device_cnt"`
		Success    int    `json:"success"`
		Fail       int    `json:"fail"`
		devices    map[string]bool
	}
	wanted := func(l *License) bool { return e.finds(l.UserID, p["search_keyword"]) }
	return report(e, p, wanted, userOf, func(r *row, l *License) {
		r.UserID = l.UserID
		r.LicenseCnt++
		*outcome(l, &r.Success, &r.Fail)++
		if r.devices == nil {
			r.devices = map[string]bool{}
		}
		r.devices[l.DeviceID] = true
		r.DeviceCnt = len(r.devices)
	})
}

// listDevices serves "Get DRM Device List".
func (e *Emulator) listDevices(_ context.Context, p twin.Params) (response, error) {
	type row struct {
		DeviceID    string `json:"device_id"`
		DeviceModel string `json:"device_model"`
		LicenseCnt  int    `json:"license_cnt"`
		Success     int    `json:"success"`
		Fail        int    `json:"fail"`
	}
	wanted := func(l *License) bool { return e.finds(l.DeviceID, p["search_keyword"]) }
	return report(e, p, wanted, deviceOf, func(r *row, l *License) {
		r.DeviceID, r.DeviceModel = l.DeviceID, l.DeviceModel
		r.LicenseCnt++
		*outcome(l, &r.Success, &r.Fail)++
	})
}

// listContents serves "Get DRM CID License List".
func (e *Emulator) listContents(_ context.Context, p twin.Params) (response, error) {
	type row struct {
		CID        string `json:"cid"`
		LicenseCnt int    `json:"license_cnt"`
	}
	all := func(*License) bool { return true }
	return report(e, p, all, contentOf, func(r *row, l *License) {
		r.CID = l.CID
		r.LicenseCnt++
	})
}

// listContentUsers serves "Get DRM CID User List".
func (e *Emulator) listContentUsers(_ context.Context, p twin.Params) (response, error) {
	type row struct {
		CID        string `json:"cid"`
		UserID     string `json:"user_id"`
		LicenseCnt int    `json:"license_cnt"`
	}
	wanted := func(l *License) bool { return l.CID == p["cid"] }
	return report(e, p, wanted, userOf, func(r *row, l *License) {
		r.CID, r.UserID = l.CID, l.UserID
		r.LicenseCnt++
	})
}

// getUsage serves "Get MAL, MAU, MAD values", of the days from the first of the month to the target
// date.
func (e *Emulator) getUsage(_ context.Context, p twin.Params) (response, error) {
	date := e.day(p["target_date"])
	e.mu.RLock()
	defer e.mu.RUnlock()
	s, err := e.site(p)
	if err != nil {
		return response{}, err
	}
	issued := s.licenses.success.Between(e.kept(date.AddDate(0, 0, 1-date.Day())), date.AddDate(0, 0, 1))
	users, devices := map[string]bool{}, map[string]bool{}
	for _, l := range issued {
		users[l.UserID], devices[l.DeviceID] = true, true
	}
	var shown any = date.Year()*10_000 + int(date.Month())*100 + date.Day()
	if e.assumed.TargetDateText {
		shown = p["target_date"]
	}
	return response{data: struct {
		LicenseCnt   int `json:"license_cnt"`
		UserAccCnt   int `json:"user_acc_cnt"`
		DeviceAccCnt int `json:"device_acc_cnt"`
		TargetDate   any `json:"target_date"`
	}{len(issued), len(users), len(devices), shown}}, nil
}
