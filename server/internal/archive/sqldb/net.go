package sqldb

import (
	"context"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// A net is the net change of a transaction to the counts of a site.
type net struct {
	site    int
	clock   *clock
	hours   map[[1]int64]*[3]int64 // hour: rows, issued, refused
	series  map[[4]int64]*[1]int64 // day, drm, status, code: rows
	refused map[[2]int64]*[3]int64 // day, code: rows, users, devices
	totals  map[[1]int64]*totals   // month
	// The rows of each user and device, from which the distinct ones are counted.
	dayUsers, dayDevices     map[[3]int64]*[1]int64 // day, code, id: rows
	monthUsers, monthDevices map[[2]int64]*[2]int64 // month, id: rows, issued
}

// totals are the columns of archive_month_totals.
type totals [11]int64

// The columns of totals. Those from totalIssued on count rows that were issued.
const (
	totalRows = iota
	totalRefused
	totalUsers
	totalDevices
	totalNoUser
	totalNoDevice
	totalIssued
	totalIssuedUsers
	totalIssuedDevices
	totalIssuedNoUser
	totalIssuedNoDevice
)

func newNet(site int, c *clock) *net {
	return &net{
		site: site, clock: c,
		hours: map[[1]int64]*[3]int64{}, series: map[[4]int64]*[1]int64{},
		refused: map[[2]int64]*[3]int64{}, totals: map[[1]int64]*totals{},
		dayUsers: map[[3]int64]*[1]int64{}, dayDevices: map[[3]int64]*[1]int64{},
		monthUsers: map[[2]int64]*[2]int64{}, monthDevices: map[[2]int64]*[2]int64{},
	}
}

// at returns the counts of a key.
func at[K comparable, V any](m map[K]*V, key K) *V {
	v := m[key]
	if v == nil {
		v = new(V)
		m[key] = v
	}
	return v
}

const (
	issued  = int64(pb.License_SUCCESS)
	refused = int64(pb.License_FAILURE)
)

// count adds a row n times.
func (net *net) count(r coded, s shape, n int64) {
	person := max(r.person, -r.person)
	hour, day, month := net.clock.hour(r.second), net.clock.day(r.second), net.clock.month(r.second)
	ok, failed := int64(0), int64(0)
	switch r.outcome {
	case issued:
		ok = n
	case refused:
		failed = n
	}
	h := at(net.hours, [1]int64{hour})
	h[0] += n
	h[1] += ok
	h[2] += failed
	at(net.series, [4]int64{day, s.drm, s.status, s.code})[0] += n
	t := at(net.totals, [1]int64{month})
	t[totalRows] += n
	t[totalIssued] += ok
	t[totalRefused] += failed
	if failed != 0 {
		at(net.refused, [2]int64{day, s.code})[0] += n
	}
	if person == 0 {
		t[totalNoUser] += n
		t[totalIssuedNoUser] += ok
	} else {
		net.countID(net.dayUsers, net.monthUsers, [3]int64{day, s.code, person}, month, n, ok, failed)
	}
	if r.device == 0 {
		t[totalNoDevice] += n
		t[totalIssuedNoDevice] += ok
	} else {
		net.countID(net.dayDevices, net.monthDevices, [3]int64{day, s.code, r.device}, month, n, ok, failed)
	}
}

func (net *net) countID(
	days map[[3]int64]*[1]int64, months map[[2]int64]*[2]int64, key [3]int64, month, n, ok, failed int64,
) {
	m := at(months, [2]int64{month, key[2]})
	m[0] += n
	m[1] += ok
	if failed != 0 {
		at(days, key)[0] += failed
	}
}

// apply writes the net change. Distinct users and devices come first, since they change the totals.
func (tx *tx) apply(ctx context.Context, net *net) error {
	err := upsert(ctx, tx, net.site, monthUsers, net.monthUsers, net.monthDistinct(totalUsers, totalIssuedUsers))
	if err != nil {
		return err
	}
	err = upsert(ctx, tx, net.site, monthDevices, net.monthDevices,
		net.monthDistinct(totalDevices, totalIssuedDevices))
	if err != nil {
		return err
	}
	if err := upsert(ctx, tx, net.site, dayUsers, net.dayUsers, net.dayDistinct(1)); err != nil {
		return err
	}
	if err := upsert(ctx, tx, net.site, dayDevices, net.dayDevices, net.dayDistinct(2)); err != nil {
		return err
	}
	if err := upsert(ctx, tx, net.site, dayRefusals, net.refused, nil); err != nil {
		return err
	}
	if err := upsert(ctx, tx, net.site, monthTotals, net.totals, nil); err != nil {
		return err
	}
	if err := upsert(ctx, tx, net.site, hourTotals, net.hours, nil); err != nil {
		return err
	}
	return upsert(ctx, tx, net.site, daySeries, net.series, nil)
}

// came returns how a distinct count changes with a line that now counts n after a change by delta.
func came(n, delta int64) int64 {
	switch before := n - delta; {
	case before == 0 && n > 0:
		return 1
	case before > 0 && n == 0:
		return -1
	}
	return 0
}

func (net *net) monthDistinct(all, ok int) func([2]int64, [2]int64, [2]int64) {
	return func(key, now, delta [2]int64) {
		t := at(net.totals, [1]int64{key[0]})
		t[all] += came(now[0], delta[0])
		t[ok] += came(now[1], delta[1])
	}
}

func (net *net) dayDistinct(column int) func([3]int64, [1]int64, [1]int64) {
	return func(key [3]int64, now, delta [1]int64) {
		at(net.refused, [2]int64{key[0], key[1]})[column] += came(now[0], delta[0])
	}
}
