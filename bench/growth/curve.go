package main

import (
	"fmt"
	"math"

	"github.com/drmhub/drmhub/bench/internal/report"
)

// A figure is a column of a curve.
type figure struct {
	name, format string
	judged       bool // it must not grow faster than n log n
}

func milliseconds(name string) figure { return figure{name, "%.2f ms", true} }

func mebibytes(name string) figure { return figure{name, "%.1f MiB", true} }

// latencies returns the figures of a call: its median, which is judged, and its 99th percentile.
func latencies(call string) []figure {
	return []figure{milliseconds(call + " p50"), {"p99", "%.2f ms", false}}
}

// A curve is a table with a row for each size.
type curve struct {
	*report.Table
	thing   string
	figures []figure
	sizes   []int
	values  [][]float64 // by size
}

// curve prints the head of a table.
func (b *bench) curve(thing string, figures ...figure) *curve {
	columns := []string{thing + ":"}
	for _, f := range figures {
		columns = append(columns, f.name+":")
	}
	fmt.Fprintln(b.out)
	return &curve{Table: report.NewTable(b.out, columns...), thing: thing, figures: figures}
}

// add prints the row of a size.
func (c *curve) add(size int, values []float64) {
	cells := []string{fmt.Sprint(size)}
	for i, value := range values {
		cells = append(cells, fmt.Sprintf(c.figures[i].format, value))
	}
	c.Row(cells...)
	c.sizes, c.values = append(c.sizes, size), append(c.values, values)
}

// end prints the exponents, and returns an error for each figure that grows too fast.
func (c *curve) end() error {
	last := len(c.sizes) - 1
	if last < 1 {
		return nil
	}
	few, many := float64(c.sizes[0]), float64(c.sizes[last])
	most := exponent(few, many, few*math.Log2(few), many*math.Log2(many))
	cells := []string{"exponent"}
	for i, f := range c.figures {
		e := exponent(few, many, c.values[0][i], c.values[last][i])
		cell := fmt.Sprintf("%.2f", e)
		if f.judged && e > most {
			cell += ", " + c.Under(fmt.Sprintf("the exponent of %s by %s: %s", f.name, c.thing, cell), e, most, "")
		}
		cells = append(cells, cell)
	}
	c.Row(cells...)
	return c.Missed()
}

// exponent returns k for a figure that grows like the size to the power of k.
func exponent(few, many, before, after float64) float64 {
	return math.Log(after/before) / math.Log(many/few)
}
