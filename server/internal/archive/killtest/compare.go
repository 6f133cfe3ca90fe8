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

// evidence is what is known at the end.
type evidence struct {
	until, now int64 // when the last child began, and now
	final      spansBySite
	seen       *seen
}

// check opens the archive and compares it.
func (o options) check(ctx context.Context, out io.Writer, e evidence) (err error) {
	engine, err := o.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	return compare(ctx, out, engine, o.newWorld(), e)
}

// compare compares every row with those that the vendor has shown, and every count with a recount.
func compare(ctx context.Context, out io.Writer, engine archive.Engine, w *archivetest.World, e evidence) error {
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
		shown := w.Range(i, whole)
		erased, err := restore(w, e.seen, stored, shown)
		wrong = append(wrong, err)
		l, d := difference(stored, shown, site.Spans, e, i)
		rows, lost, doubled = rows+len(stored), lost+l, doubled+d
		if i == deletes {
			wrong = append(wrong, e.raised(out, site, stored))
		} else {
			drift += len(site.State.Drift)
		}
		for _, s := range e.final[name] {
			if i == keeps {
				s.From = max(s.From, e.seen.forgot)
			}
			if s.From < s.To && !covers(site.Spans, s) {
				wrong = append(wrong, fmt.Errorf("%s: %v was final, and only %v are final now", name, s, site.Spans))
			}
		}
		wrong = append(wrong, fillMemory(ctx, memory, name, i, stored, erased))
	}
	wrong = append(wrong, recount(ctx, engine, memory, w.Sites))
	fmt.Fprintf(out, "%d rows: lost %d, doubled %d; differences to the vendor that passes report: %d\n",
		rows, lost, doubled, drift)
	if lost+doubled+drift > 0 {
		wrong = append(wrong, errors.New("the archive differs from the vendor"))
	}
	return errors.Join(wrong...)
}

// restore gives rows of erased viewers their ids back, and returns those viewers. An erased viewer
// must be in no row, and another one in all of them or in none.
func restore(w *archivetest.World, s *seen, stored, shown []archive.Row) (erased []string, err error) {
	ids := map[string]string{} // by person
	for i := range viewers {
		id := w.User(1 + i)
		ids[archive.Person(id)] = id
	}
	bare := func(r archive.Row) archive.Row {
		r.Key, r.User, r.UserMD5 = 0, "", ""
		return r
	}
	whose := map[archive.Row]archive.Row{} // A device is that of one user.
	for _, r := range shown {
		if ids[r.Person()] != "" {
			whose[bare(r)] = r
		}
	}
	named, blank := map[string]int{}, map[string]int{}
	for i := range stored {
		r := &stored[i]
		if person := r.Person(); person != "" {
			named[person]++
		} else if of, ok := whose[bare(*r)]; ok {
			r.User, r.UserMD5 = of.User, of.UserMD5
			blank[of.Person()]++
		}
	}
	for person, id := range ids {
		if named[person] > 0 && (s.erased[id] || blank[person] > 0) {
			err = errors.Join(err, fmt.Errorf("%s was erased, and %d rows show the viewer, and %d do not",
				id, named[person], blank[person]))
		}
		if blank[person] > 0 {
			erased = append(erased, person)
		}
	}
	return erased, err
}

// A fate says whether the archive holds a row that the vendor has shown.
type fate int

const (
	must  fate = iota
	may        // The vendor has deleted it, and nobody knows whether it was final before.
	never      // It was gone before it was final, or has been forgotten.
)

func (e evidence) fate(site int, r *archive.Row, final bool) fate {
	switch gone := deleted(r); {
	case site == keeps && r.Second < e.seen.forgot:
		return never
	case site != deletes || gone == 0 || gone > e.now:
		return must
	case gone < r.Second+lag && final:
		return never
	case gone >= r.Second+lag && e.seen.finalBefore(r.Second, gone):
		return must
	}
	return may
}

// difference returns how many rows of the spans are missing, and how many rows there are too many
// of.
func difference(stored, shown []archive.Row, spans []archive.Span, e evidence, site int) (lost, doubled int) {
	missing, fates := map[archive.Row]int{}, map[archive.Row]fate{}
	for _, r := range shown {
		final := covers(spans, archive.Span{From: r.Second, To: r.Second + 1})
		switch f := e.fate(site, &r, final); {
		case f == never:
			continue
		case !final:
			fates[r] = may
		default:
			fates[r] = f
		}
		missing[r]++
	}
	for _, r := range stored {
		r.Key = 0
		if missing[r]--; missing[r] < 0 || r.Second > e.now {
			doubled++
		}
	}
	for r, n := range missing {
		if n > 0 && fates[r] == must {
			lost += n
		}
	}
	return lost, doubled
}

// raised returns an error if the archive holds rows of final days that the vendor had deleted
// before the last child checked them, and shows no difference.
func (e evidence) raised(out io.Writer, site archive.Site, stored []archive.Row) error {
	const day = 86400
	gone := 0
	for i := range stored {
		r := &stored[i]
		today := archive.Span{From: r.Second / day * day, To: r.Second/day*day + day}
		if to := deleted(r); to != 0 && to < e.until && covers(site.Spans, today) {
			gone++
		}
	}
	fmt.Fprintf(out, "the vendor deleted %d rows that stay, and passes report %d differences there\n",
		gone, len(site.State.Drift))
	if gone > 0 && len(site.State.Drift) == 0 {
		return fmt.Errorf("%s: no pass reports the rows that the vendor deleted", site.Name)
	}
	return nil
}

func fillMemory(
	ctx context.Context, m *archivetest.Memory, name string, i int, rows []archive.Row, erased []string,
) error {
	if err := m.SetZone(ctx, name, zoneOf(i)); err != nil {
		return err
	}
	_, err := m.Replace(ctx, archive.Replacement{Site: name, Span: whole, Rows: rows})
	for _, person := range erased {
		_, eraseErr := m.Erase(ctx, []string{name}, person)
		err = errors.Join(err, eraseErr)
	}
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
