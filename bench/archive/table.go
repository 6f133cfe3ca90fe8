package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"

	"github.com/drmhub/drmhub/bench/internal/report"
)

// A figure is a line of the result, as the program that measures writes it.
type figure struct {
	Name        string
	Engine, Raw float64
	Unit, Note  string
}

// A demand is what a figure must reach.
type demand struct {
	ratio float64 // how much better than raw SQL, at least
	most  float64 // milliseconds, or MiB
}

// demands are those of the archive's issue, by the name of the figure.
var demands = map[string]demand{
	"ingest, beside INSERT of texts":                     {ratio: 0.5},
	"a pass with nothing new, beside delete and insert":  {ratio: 8},
	"newest 100 of a user, all sites":                    {most: 10},
	"third page of a content's failures in 7 days":       {most: 10},
	"a site's failures by code by day, 90 days":          {ratio: 100},
	"a site's month: licenses, users, devices":           {ratio: 100},
	"top 100 device sharers of a site, 30 days":          {most: 1000},
	"export over gRPC, beside the scan":                  {ratio: 0.5},
	"the server's memory while it is asked, and exports": {most: 200},
}

// A table prints figures as they come, in Markdown.
type table struct {
	*report.Table
	demands map[string]demand
	scan    float64 // rows a second
}

func newTable(out io.Writer, engine string, rows int) *table {
	fmt.Fprintf(out, "%d rows\n\n", rows)
	t := &table{Table: report.NewTable(out, "", "archive:", "raw SQL:", "ratio:", "demanded:", "")}
	if engine != "clickhouse" { // It is for more rows than the demands are about, and is compared with itself.
		t.demands = demands
	}
	return t
}

// read adds the figures of the program that measures.
func (t *table) read(from io.Reader) error {
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		var f figure
		if err := json.Unmarshal(lines.Bytes(), &f); err != nil {
			return fmt.Errorf("%q is no figure: %w", lines.Text(), err)
		}
		if f.Name == "scan" {
			t.scan = f.Engine
		}
		t.add(f)
	}
	return lines.Err()
}

// add prints a figure beside what is demanded of it.
func (t *table) add(f figure) {
	ratio, demanded := 0.0, ""
	if f.Raw > 0 {
		ratio = f.Engine / f.Raw
		if f.Unit == "ms" {
			ratio = f.Raw / f.Engine
		}
	}
	d, ok := t.demands[f.Name]
	switch {
	case ok && d.ratio > 0:
		demanded = "ratio " + t.Least(fmt.Sprintf("%s: %.2f", f.Name, ratio), ratio, d.ratio)
	case ok:
		demanded = t.Under(f.Name+": "+number(f.Engine, f.Unit), f.Engine, d.most, f.Unit)
	}
	t.Row(f.Name, number(f.Engine, f.Unit), number(f.Raw, f.Unit), number(ratio, ""), demanded, f.Note)
}

func number(n float64, unit string) string {
	switch {
	case n == 0:
		return ""
	case n >= 100:
		return fmt.Sprintf("%.0f %s", n, unit)
	case n >= 10:
		return fmt.Sprintf("%.1f %s", n, unit)
	}
	return fmt.Sprintf("%.2f %s", n, unit)
}
