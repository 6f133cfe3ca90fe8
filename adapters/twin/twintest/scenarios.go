package twintest

import (
	"encoding/base64"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// RunScenarios runs the scenarios of all files testdata/scenarios/*.txt. What a line means is up to
// run, which is called with the lines of one scenario. A file looks so:
//
//	# A comment. A line that ends in a backslash goes on in the next one.
//	let site = vendors/acme/sites/DEMO
//	let key = base64 key.der
//
//	== the title of a scenario
//	a line about $site, with the content of a file in $key, and with cell $1 and cell $a
//	| cell | cell
//	| cell | cell
//	& cell | cell
//
// A scenario with rows runs once for each row that begins with |. If rows begin with &, it runs for
// each pair of rows. Cells that a row lacks are empty. A $name without a value stays, and
// [Expand] can replace it with values. Lines that are empty then are left out.
func RunScenarios(t *testing.T, run func(t *testing.T, lines []string, values map[string]string)) {
	files, err := filepath.Glob("testdata/scenarios/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		head, body, _ := strings.Cut(continued.ReplaceAllString(testdata(t, file), ""), "\n== ")
		values := readValues(t, head)
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			for scenario := range strings.SplitSeq(body, "\n== ") {
				runScenario(t, scenario, values, run)
			}
		})
	}
}

// runScenario runs one scenario with each row of its table.
func runScenario(
	t *testing.T, scenario string, values map[string]string,
	run func(t *testing.T, lines []string, values map[string]string),
) {
	title, text, _ := strings.Cut(scenario, "\n")
	t.Run(title, func(t *testing.T) {
		for _, r := range expandRows(text, values) {
			t.Run(r.row, func(t *testing.T) { run(t, r.lines, maps.Clone(values)) })
		}
	})
}

var (
	continued = regexp.MustCompile(`\\\n\s*`)
	reference = regexp.MustCompile(`\$\w+`)
)

func testdata(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// readValues reads the lines that begin with let.
func readValues(t *testing.T, head string) map[string]string {
	values := map[string]string{}
	for line := range strings.Lines(head) {
		name, value, ok := strings.Cut(strings.TrimPrefix(line, "let "), " = ")
		if !ok || !strings.HasPrefix(line, "let ") {
			continue
		}
		values[name] = Expand(strings.TrimSpace(value), values)
		if file, ok := strings.CutPrefix(values[name], "base64 "); ok {
			values[name] = base64.StdEncoding.EncodeToString([]byte(testdata(t, "testdata/"+file)))
		}
	}
	return values
}

// A scenarioRun is a scenario with one row of its table.
type scenarioRun struct {
	row   string
	lines []string
}

// expandRows returns the runs of a scenario.
func expandRows(text string, values map[string]string) []scenarioRun {
	var lines, rows, others []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#':
		case line[0] == '|':
			rows = append(rows, line[1:])
		case line[0] == '&':
			others = append(others, line[1:])
		default:
			lines = append(lines, line)
		}
	}
	if rows == nil {
		rows = []string{""}
	}
	if others == nil {
		others = []string{""}
	}
	var runs []scenarioRun
	for _, row := range rows {
		for _, other := range others {
			given := maps.Clone(values)
			maps.Copy(given, cells(row, "123456789"))
			maps.Copy(given, cells(other, "abcdefghi"))
			runs = append(runs, scenarioRun{strings.TrimSpace(row + other), expandLines(lines, given)})
		}
	}
	return runs
}

// expandLines puts values in the place of each $name, also in values. It leaves empty lines out.
func expandLines(lines []string, values map[string]string) (all []string) {
	for _, line := range lines {
		if line = Expand(Expand(line, values), values); line != "" {
			all = append(all, line)
		}
	}
	return all
}

// cells returns the cells of a row by these names of one letter.
func cells(row, names string) map[string]string {
	values := map[string]string{}
	texts := strings.Split(row, "|")
	for i, name := range strings.Split(names, "") {
		values[name] = ""
		if i < len(texts) {
			values[name] = strings.TrimSpace(texts[i])
		}
	}
	return values
}

// Expand puts values in the place of $name. A name without a value stays.
func Expand(text string, values map[string]string) string {
	return reference.ReplaceAllStringFunc(text, func(name string) string {
		if value, ok := values[name[1:]]; ok {
			return value
		}
		return name
	})
}
