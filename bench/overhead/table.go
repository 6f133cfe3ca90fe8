package main

import (
	"fmt"
	"io"

	"github.com/drmhub/drmhub/bench/internal/load"
	"github.com/drmhub/drmhub/bench/internal/report"
)

// A table has a row for each case, face and number of callers. A cell has the figures of drmhub and
// of the bare parts, and their ratio.
type table struct{ *report.Table }

func newTable(out io.Writer) table {
	return table{report.NewTable(out, "call", "face", "callers:", "drmhub, bare (ratio):", "demanded:", "p50:", "p99:",
		"CPU of a call:", "allocations:")}
}

func (t table) add(c testCase, f face, callers int, m *measurement) {
	ratio := m.rate.ratio()
	figure := fmt.Sprintf("%s over %s with %d callers: %.2f", c.name, f, callers, ratio)
	t.Row(c.name, string(f), fmt.Sprint(callers), m.rate.cell("%.0f", "/s"), t.Least(figure, ratio, c.demanded[f]),
		m.p50.cell("%.2f", " ms"), m.p99.cell("%.2f", " ms"), m.cost.cell("%.3f", " ms"),
		m.allocations.cell("%.0f", ""))
}

// cell returns the medians of drmhub and of the bare parts, and the ratio.
func (c *comparison) cell(format, unit string) string {
	return fmt.Sprintf(format+", "+format+"%s (%.2f)", load.Median(c.drmhub), load.Median(c.bare), unit, c.ratio())
}
