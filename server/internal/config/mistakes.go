package config

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Mistake is a value in the configuration that cannot be used, or one that is missing.
type Mistake struct {
	// File is the configuration file as it was named. Line is the line in it, from 1. A missing key
	// has the line of its section.
	File string
	Line int
	// Variable is the environment variable that holds the value, or "". Then there is no line.
	Variable string
	// Path is the key, such as vendors[1].id, or "" for the file as a whole.
	Path string
	// Text is what is wrong and what to do. It never quotes a value, which may be a misplaced
	// secret.
	Text string
}

// String shows the mistake on one line, in the form that editors can jump to.
func (m Mistake) String() string {
	where := fmt.Sprintf("%s:%d", m.File, m.Line)
	switch {
	case m.Variable != "":
		where = m.Variable
	case m.File == "":
		where = "environment"
	}
	if m.Path == "" {
		return fmt.Sprintf("%s: %s", where, m.Text)
	}
	return fmt.Sprintf("%s: %s: %s", where, m.Path, m.Text)
}

// Errors are all the mistakes of a file, in the order of their lines.
type Errors []Mistake

// Error lists the mistakes, one a line.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, mistake := range e {
		lines[i] = mistake.String()
	}
	return strings.Join(lines, "\n")
}

func (e Errors) sorted() Errors {
	slices.SortStableFunc(e, func(a, b Mistake) int {
		return cmp.Or(a.Line-b.Line, strings.Compare(a.Variable, b.Variable), strings.Compare(a.Path, b.Path))
	})
	return e
}

// plainKey matches the keys that may be shown. In flow style, `key:value` without the space is one
// key, and the value may be a secret.
var plainKey = regexp.MustCompile(`^[A-Za-z0-9_-]{1,40}$`)
