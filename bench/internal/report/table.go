// Package report prints the results of benchmarks.
package report

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// A Table is printed in Markdown, row by row. It remembers the figures that miss what is demanded.
type Table struct {
	out    io.Writer
	misses []error
}

// NewTable prints the head of a table. A column of numbers has a colon at its end, which is not
// printed.
func NewTable(out io.Writer, columns ...string) *Table {
	t := &Table{out: out}
	names, lines := make([]string, len(columns)), make([]string, len(columns))
	for i, column := range columns {
		name, isNumber := strings.CutSuffix(column, ":")
		names[i], lines[i] = name, "---"
		if isNumber {
			lines[i] = "---:"
		}
	}
	t.Row(names...)
	t.Row(lines...)
	return t
}

// Row prints a row.
func (t *Table) Row(cells ...string) {
	fmt.Fprintf(t.out, "| %s |\n", strings.Join(cells, " | "))
}

// Least returns the text of a demand: the figure is at least this number.
func (t *Table) Least(figure string, value, least float64) string {
	return t.judge(figure, fmt.Sprintf("≥ %.4g", least), value >= least)
}

// Under returns the text of a demand: the figure is less than this number.
func (t *Table) Under(figure string, value, most float64, unit string) string {
	return t.judge(figure, strings.TrimSpace(fmt.Sprintf("< %.4g %s", most, unit)), value < most)
}

func (t *Table) judge(figure, demanded string, reached bool) string {
	if reached {
		return demanded
	}
	t.misses = append(t.misses, fmt.Errorf("%s misses what is demanded: %s", figure, demanded))
	return demanded + " **missed**"
}

// Missed returns an error for each figure that misses what is demanded, or nil.
func (t *Table) Missed() error { return errors.Join(t.misses...) }
