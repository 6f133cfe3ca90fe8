package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/archive"
	"github.com/drmhub/drmhub/server/internal/archive/archivetest"
)

var whole = archive.Span{From: archive.MinSecond, To: archive.MaxSecond + 1}

// check opens the archive and compares it.
func (o options) check(ctx context.Context, out io.Writer, now int64, final spansBySite) (err error) {
	engine, err := o.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	return compare(ctx, out, engine, o.newWorld(), now, final)
}

// compare compares every row with those that the vendor has shown, and every count with a recount.
func compare(
	ctx context.Context, out io.Writer, engine archive.Engine, w *archivetest.World, now int64, final spansBySite,
) error {
	memory := archivetest.NewMemory()
	var rows, lost, doubled, drift int
	var wrong []error
	for i, name := range w.Sites {
		site, err := engine.Site(ctx, name)
		if err != nil {
			return err
		}
		stored, err := engine.Rows(ctx, name, whole)
		if err != nil {
			return err
		}
		l, d := difference(stored, w.Range(i, whole), site.Spans, now)
		rows, lost, doubled, drift = rows+len(stored), lost+l, doubled+d, drift+len(site.State.Drift)
		for _, s := range final[name] {
			if !covers(site.Spans, s) {
				wrong = append(wrong, fmt.Errorf("%s: %v was final, and only %v are final now", name, s, site.Spans))
			}
		}
		wrong = append(wrong, fillMemory(ctx, memory, name, i, stored))
	}
	wrong = append(wrong, recount(ctx, engine, memory, w.Sites))
	fmt.Fprintf(out, "%d rows: lost %d, doubled %d; differences to the vendor that passes report: %d\n",
		rows, lost, doubled, drift)
	if lost+doubled+drift > 0 {
		wrong = append(wrong, errors.New("the archive differs from the vendor"))
	}
	return errors.Join(wrong...)
}

// difference returns how many rows of the spans are missing, and how many rows there are too many of.
func difference(stored, shown []archive.Row, spans []archive.Span, now int64) (lost, doubled int) {
	missing := map[archive.Row]int{}
	for _, r := range shown {
		missing[r]++
	}
	for _, r := range stored {
		r.Key = 0
		if missing[r]--; missing[r] < 0 || r.Second > now {
			doubled++
		}
	}
	for r, n := range missing {
		if n > 0 && covers(spans, archive.Span{From: r.Second, To: r.Second + 1}) {
			lost += n
		}
	}
	return lost, doubled
}

func fillMemory(ctx context.Context, m *archivetest.Memory, name string, i int, rows []archive.Row) error {
	if err := m.SetZone(ctx, name, zoneOf(i)); err != nil {
		return err
	}
	_, err := m.Replace(ctx, archive.Replacement{Site: name, Span: whole, Rows: rows})
	return err
}

// recount compares the engine's counts with those of its rows.
func recount(ctx context.Context, engine, memory archive.Engine, sites []string) error {
	var wrong []error
	for _, name := range sites {
		got, err := engine.Months(ctx, name)
		want, _ := memory.Months(ctx, name)
		if err != nil || !reflect.DeepEqual(got, want) {
			wrong = append(wrong, fmt.Errorf("%s: the months are %+v, %w, want %+v", name, got, err, want))
		}
	}
	for _, by := range []archive.Grouping{
		{By: []pb.SummarizeLicensesRequest_Dimension{pb.SummarizeLicensesRequest_SITE}},
		{By: []pb.SummarizeLicensesRequest_Dimension{
			pb.SummarizeLicensesRequest_ERROR_CODE, pb.SummarizeLicensesRequest_STATUS,
		}},
		{By: []pb.SummarizeLicensesRequest_Dimension{pb.SummarizeLicensesRequest_USER}},
		{},
	} {
		for interval := range pb.SummarizeLicensesRequest_Interval_name {
			by.Interval, by.Limit, by.Zone = pb.SummarizeLicensesRequest_Interval(interval), 1<<30, zoneOf(0)
			q := archive.Question{Sites: sites}
			got, n, err := engine.Summarize(ctx, q, by)
			want, total, _ := memory.Summarize(ctx, q, by)
			if err != nil || n != total || !sameGroups(got, want) {
				wrong = append(wrong, fmt.Errorf("the counts by %v differ: %d groups, %w, want %d", by, n, err, total))
			}
		}
	}
	return errors.Join(wrong...)
}

func sameGroups(a, b []archive.Group) bool {
	for i := range a {
		if i >= len(b) || fmt.Sprint(a[i]) != fmt.Sprint(b[i]) {
			return false
		}
	}
	return len(a) == len(b)
}
