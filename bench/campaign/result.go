package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// A row counts the mutations of one kind.
type row struct {
	mutations, calls, succeeded, failed, unknown, faults, kills, lost, doubled, misreported int
}

// A result is that of all mutations.
type result struct {
	kinds   []string
	rows    map[string]*row // by kind
	found   []discrepancy
	folder  string        // of the servers' logs
	kills   int           // processes that were killed
	leaks   int           // things that a caller saw or did, and may not
	refused int           // calls by wrong callers
	denied  int           // calls for records of others
	slowest time.Duration // the longest time that a write was with a vendor
}

func newResult(all []*opKind, folder string) result {
	r := result{rows: map[string]*row{}, folder: folder}
	for _, k := range all {
		r.row(k.String())
	}
	return r
}

func (r *result) row(kind string) *row {
	if r.rows[kind] == nil {
		r.kinds = append(r.kinds, kind)
		r.rows[kind] = &row{}
	}
	return r.rows[kind]
}

// methodOf returns the kind of a mutation's record, as in the table.
func methodOf(m *pb.Mutation) string {
	return strings.Split(m.GetResource(), "/")[1] + " " + lastSegment(m.GetMethod())
}

// add adds the result of a round.
func (r *result) add(b *testbed, j *judge, found []discrepancy) {
	for _, o := range j.ops {
		row := r.row(o.String())
		row.calls += o.calls
		row.kills += o.cut
		m := j.records[o.key()]
		if m == nil {
			continue // no call reached the journal
		}
		row.mutations++
		switch m.GetState() {
		case pb.Mutation_SUCCEEDED:
			row.succeeded++
		case pb.Mutation_FAILED:
			row.failed++
		case pb.Mutation_UNKNOWN:
			row.unknown++
		}
	}
	for vendor, g := range b.gates {
		for rpc, n := range g.takeMet() {
			if rpc == "" {
				rpc = "(reads)"
			}
			r.row(vendor + " " + rpc).faults += n
		}
		r.slowest = max(r.slowest, g.slowest)
	}
	for _, d := range found {
		row := r.row(d.kind)
		switch d.what {
		case lost:
			row.lost++
		case doubled:
			row.doubled++
		case misreported:
			row.misreported++
		case leaked:
			r.leaks++
		}
	}
	r.found = append(r.found, found...)
}

// print writes the table in Markdown.
func (r *result) print(out io.Writer) {
	fmt.Fprintln(out, "| kind | mutations | calls | succeeded | failed | unknown forever "+
		"| faults met | cut by kills | lost | doubled | misreported |")
	fmt.Fprintln(out, "| --- "+strings.Repeat("| ---: ", 10)+"|")
	var sum row
	for _, kind := range slices.Sorted(slices.Values(r.kinds)) {
		row := *r.rows[kind]
		row.print(out, kind)
		sum.plus(row)
	}
	sum.print(out, "**all**")
	fmt.Fprintf(out, "\nProcesses killed: %d. The longest time of a write at a vendor: %v.\n",
		r.kills, r.slowest.Round(time.Millisecond))
	fmt.Fprintf(out, "Calls by wrong callers: %d. Calls for records of others: %d. "+
		"Shown to others, or done for them: %d.\n", r.refused, r.denied, r.leaks)
}

func (r row) print(out io.Writer, kind string) {
	fmt.Fprintf(out, "| %s | %d | %d | %d | %d | %d | %d | %d | %d | %d | %d |\n", kind, r.mutations, r.calls,
		r.succeeded, r.failed, r.unknown, r.faults, r.kills, r.lost, r.doubled, r.misreported)
}

func (r *row) plus(other row) {
	r.mutations += other.mutations
	r.calls += other.calls
	r.succeeded += other.succeeded
	r.failed += other.failed
	r.unknown += other.unknown
	r.faults += other.faults
	r.kills += other.kills
	r.lost += other.lost
	r.doubled += other.doubled
	r.misreported += other.misreported
}

// explain writes every discrepancy, and how to repeat the campaign.
func (r *result) explain(out io.Writer, o options) {
	for i, d := range r.found {
		fmt.Fprintf(out, "\n%d. %s: %s: %s\n", i+1, d.what, d.kind, d.text)
	}
	if len(r.found) > 0 {
		fmt.Fprintf(out, "\nThe servers' logs are in %s. To repeat: --seed %d --mutations %d\n",
			r.folder, o.Seed, o.Mutations)
	}
}

// err returns an error if the journal and the vendors disagree.
func (r *result) err(o options) error {
	switch {
	case len(r.found) == 0:
		return nil
	case r.slowest >= o.Quiet:
		return fmt.Errorf("the journal and the vendors disagree %d times, which proves nothing: a write was at a "+
			"vendor for %v, longer than store.quiet (%v), so the machine was too busy",
			len(r.found), r.slowest, o.Quiet)
	}
	return fmt.Errorf("the journal and the vendors disagree %d times", len(r.found))
}
