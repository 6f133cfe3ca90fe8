package clickhouse

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
)

// Months implements archive.Engine. It counts once after each change of the site.
func (e *Engine) Months(ctx context.Context, name string) ([]archive.Month, error) {
	s, err := e.Site(ctx, name)
	if err != nil || s.Zone == nil {
		return nil, err
	}
	version, err := e.changed(ctx, name)
	if err != nil {
		return nil, err
	}
	if known, ok := e.months.Load(name); ok {
		if known := known.(months); known.version == version && known.zone == s.Zone.String() {
			return slices.Clone(known.months), nil
		}
	}
	counted, err := e.countMonths(ctx, name, s.Zone)
	if err == nil {
		e.months.Store(name, months{version, s.Zone.String(), slices.Clone(counted)})
	}
	return counted, err
}

// months are the counts of a site after the change of a version.
type months struct {
	version uint64
	zone    string
	months  []archive.Month
}

// changed returns the version of the last change of a site. Every change writes the spans.
func (e *Engine) changed(ctx context.Context, name string) (uint64, error) {
	s, err := e.must(ctx, name)
	if err != nil {
		return 0, err
	}
	lines, err := e.read(ctx, fmt.Sprintf("site = %d AND kind = 'spans'", s.number))
	if err != nil || len(lines) == 0 {
		return 0, err
	}
	return lines[0].Version, nil
}

func (e *Engine) countMonths(ctx context.Context, name string, zone *time.Location) ([]archive.Month, error) {
	q, err := e.ask(ctx, archive.Question{Sites: []string{name}})
	if err != nil {
		return nil, err
	}
	c, err := e.calendar(ctx, q, pb.SummarizeLicensesRequest_MONTH, zone)
	if err != nil {
		return nil, err
	}
	columns := []string{"toInt64(" + c.number() + ") AS begun"}
	for _, issued := range []string{"", " AND status = 1"} {
		columns = append(columns, "countIf(1"+issued+")", fmt.Sprintf(users, issued), fmt.Sprintf(devices, issued),
			"countIf(who = toFixedString('', 16)"+issued+")", "countIf(device = ''"+issued+")")
	}
	text := "SELECT " + strings.Join(columns, ", ") + " FROM " + q.table + " WHERE " + q.where(q.from, q.to) +
		" GROUP BY begun ORDER BY begun DESC"
	var out []archive.Month
	err = e.query(ctx, text, func(row func(...any) error) error {
		var number int64
		var n [10]uint64
		err := row(&number, &n[0], &n[1], &n[2], &n[3], &n[4], &n[5], &n[6], &n[7], &n[8], &n[9])
		out = append(out, archive.Month{Month: int(number), All: counts(n[:5]), Issued: counts(n[5:])})
		return err
	})
	return out, err
}

func counts(n []uint64) archive.Counts {
	return archive.Counts{
		Rows: int64(n[0]), Users: int64(n[1]), Devices: int64(n[2]), NoUser: int64(n[3]), NoDevice: int64(n[4]),
	}
}
