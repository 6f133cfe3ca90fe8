package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// durationPattern matches the lengths of time that time.ParseDuration accepts and that are not
// negative.
const durationPattern = `^[+]?(0|(([0-9]+([.][0-9]*)?|[.][0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$`

// A bound is what the tag range says: from least to most, each of them text or "".
type bound struct {
	zero        bool // 0 is within, too
	above       bool // least itself is not within
	least, most string
}

func parseBound(tag string) (b bound) {
	tag, b.zero = strings.CutPrefix(tag, "0|")
	tag, b.above = strings.CutPrefix(tag, ">")
	b.least, b.most, _ = strings.Cut(tag, "..")
	return b
}

// boundsSchema adds the bounds of a value to its schema.
func (k *Setting) boundsSchema(s map[string]any, tag string) {
	b := parseBound(tag)
	switch kind := k.Kind(); kind {
	case "duration":
		outside := []any{map[string]any{"type": "string", "pattern": strings.Join(b.outside(), "|")}}
		if b.above || length(b.least) > 0 && !b.zero {
			outside = append(outside, map[string]any{"const": 0})
		}
		s["not"] = map[string]any{"anyOf": outside}
	case "list", "text":
		unit := map[string]string{"list": "Items", "text": "Length"}[kind]
		b.add(s, "min"+unit, "max"+unit)
	default:
		least := "minimum"
		if b.above {
			least = "exclusiveMinimum"
		}
		b.add(s, least, "maximum")
	}
}

func (b bound) add(s map[string]any, least, most string) {
	for key, text := range map[string]string{least: b.least, most: b.most} {
		if n, err := strconv.Atoi(text); err == nil {
			s[key] = n
		}
	}
}

// units are those of a length of time, as patterns match them.
var units = []struct {
	name string
	size time.Duration
}{
	{"ns", 1}, {"(us|µs|μs)", time.Microsecond}, {"ms", time.Millisecond}, {"s", time.Second}, {"m", time.Minute},
	{"h", time.Hour},
}

// outside returns patterns of lengths of time that are not within the bounds. They match none that
// is within, and most that are outside and have a single unit.
func (b bound) outside() (patterns []string) {
	least, most := length(b.least), length(b.most)
	if b.above || least > 0 && !b.zero {
		patterns = append(patterns, "^[^1-9]*$")
	}
	add := func(numbers []string, unit string) {
		if len(numbers) > 0 {
			patterns = append(patterns, "^[+]?0*("+strings.Join(numbers, "|")+")([.][0-9]*)?"+unit+"$")
		}
	}
	for _, u := range units {
		if n := least / u.size; n > 0 {
			add(below(n), u.name)
		}
		if most > 0 {
			add(above(most/u.size), u.name)
		}
		if n := most / u.size; n > 0 && most%u.size == 0 {
			patterns = append(patterns, fmt.Sprintf("^[+]?0*%d[.][0-9]*[1-9][0-9]*%s$", n, u.name))
		}
	}
	return patterns
}

// length returns a length of time; "" is 0.
func length(text string) time.Duration {
	d, _ := time.ParseDuration(text)
	return d
}

// below returns patterns of the whole numbers from 1 to n-1.
func below(n time.Duration) (patterns []string) {
	digits := strconv.Itoa(int(n))
	if len(digits) > 1 {
		patterns = append(patterns, fmt.Sprintf("[1-9][0-9]{0,%d}", len(digits)-2))
	}
	for i, digit := range digits {
		least := '0'
		if i == 0 {
			least = '1'
		}
		if digit > least {
			patterns = append(patterns, fmt.Sprintf("%s[%c-%c][0-9]{%d}", digits[:i], least, digit-1, len(digits)-i-1))
		}
	}
	return patterns
}

// above returns patterns of the whole numbers from n+1.
func above(n time.Duration) []string {
	digits := strconv.Itoa(int(n))
	patterns := []string{fmt.Sprintf("[1-9][0-9]{%d,}", len(digits))}
	for i, digit := range digits {
		if digit < '9' {
			patterns = append(patterns, fmt.Sprintf("%s[%c-9][0-9]{%d}", digits[:i], digit+1, len(digits)-i-1))
		}
	}
	return patterns
}
