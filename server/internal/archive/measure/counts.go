package main

import (
	"context"
	"time"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
)

// distinct are what the archive counts beside rows, exactly.
const distinct = "count(DISTINCT usr), count(DISTINCT device)"

// counts are the questions that count, of the largest site or of all.
func (m *measurement) counts() []question {
	site := m.world.Sites[0]
	number := m.raw.number("site ", site)
	begun := time.Unix(m.world.From, 0).In(zoneOf(0))
	days := archive.Span{From: time.Date(begun.Year(), begun.Month(), begun.Day()+1, 0, 0, 0, 0, zoneOf(0)).Unix()}
	first := func(month time.Month) int64 { return time.Date(2026, month, 1, 0, 0, 0, 0, zoneOf(0)).Unix() }
	month := archive.Span{From: first(10), To: first(11)}
	days30 := archive.Span{From: m.world.End - 30*86400, To: m.world.End}
	week := archive.Span{From: m.world.End - 7*86400, To: m.world.End}
	key := func(second int64) int64 { return int64(archive.Above(second)) }
	seconds := func(s int64) int64 { return s << 32 }
	return []question{
		m.grouped("a site's failures by code by day, 90 days", 10,
			archive.Question{Sites: []string{site}, Within: days, Status: pb.License_FAILURE},
			archive.Grouping{By: dimensions(pb.SummarizeLicensesRequest_ERROR_CODE),
				Interval: pb.SummarizeLicensesRequest_DAY, Zone: zoneOf(0), Limit: 10_000},
			"SELECT "+m.raw.div("k + ?", "?")+" AS day, code, count(*), "+distinct+
				" FROM raw WHERE site = ? AND status = 2 AND k >= ? GROUP BY day, code",
			seconds(9*3600), seconds(86400), number, key(days.From)),
		{
			name: "a site's month: licenses, users, devices", times: 10,
			engine: func(ctx context.Context, _ int) (int, error) {
				months, err := m.engine.Months(ctx, site)
				return min(1, len(months)), err
			},
			raw: func(ctx context.Context, _ int) (int, error) {
				return m.raw.read(ctx, "SELECT count(*), "+distinct+" FROM raw "+
					"WHERE site = ? AND k >= ? AND k < ?", number, key(month.From), key(month.To))
			},
		},
		m.grouped("top 100 device sharers of a site, 30 days", 5,
			archive.Question{Sites: []string{site}, Within: days30},
			archive.Grouping{By: dimensions(pb.SummarizeLicensesRequest_USER), Limit: 100,
				Order: []archive.Order{{By: archive.ByDevices, Desc: true}}},
			"SELECT usr, count(DISTINCT device) AS devices, count(*) FROM raw WHERE site = ? AND k >= ? "+
				"GROUP BY usr ORDER BY devices DESC LIMIT 100", number, key(days30.From)),
		m.grouped("licenses and failures by hour, all sites, 30 days", 5,
			archive.Question{Sites: m.world.Sites, Within: days30},
			archive.Grouping{Interval: pb.SummarizeLicensesRequest_HOUR, Limit: 10_000},
			"SELECT "+m.raw.div("k", "?")+" AS hour, count(*), sum(CASE status WHEN 1 THEN 1 ELSE 0 END), "+distinct+
				" FROM raw WHERE k >= ? GROUP BY hour", seconds(3600), key(days30.From)),
		m.grouped("models by DRM, all sites, 7 days", 5,
			archive.Question{Sites: m.world.Sites, Within: week},
			archive.Grouping{Limit: 10_000, By: dimensions(
				pb.SummarizeLicensesRequest_DEVICE_MODEL, pb.SummarizeLicensesRequest_DRM_TYPE)},
			"SELECT model, drm, count(*), "+distinct+" FROM raw WHERE k >= ? GROUP BY model, drm",
			key(week.From)),
	}
}

func dimensions(d ...pb.SummarizeLicensesRequest_Dimension) []pb.SummarizeLicensesRequest_Dimension {
	return d
}

// grouped is a question to Summarize.
func (m *measurement) grouped(
	name string, times int, q archive.Question, by archive.Grouping, query string, args ...any,
) question {
	return question{
		name: name, times: times,
		engine: func(ctx context.Context, _ int) (int, error) {
			groups, _, err := m.engine.Summarize(ctx, q, by)
			return len(groups), err
		},
		raw: func(ctx context.Context, _ int) (int, error) { return m.raw.read(ctx, query, args...) },
	}
}
