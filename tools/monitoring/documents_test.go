// Package monitoring tests the dashboard and the alerts in deploy, also against the metrics of a
// running drmhub.
package monitoring

import (
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const (
	rulesFile     = "../../deploy/prometheus/drmhub.rules.yaml"
	testsFile     = "../../deploy/prometheus/drmhub.rules.test.yaml"
	dashboardFile = "../../deploy/grafana/drmhub.json"
	runbookFile   = "../../docs/runbook.md"
	metricsFile   = "../../docs/metrics.md"
)

type rule struct {
	Record, Alert, Expr, For string
	Labels, Annotations      map[string]string
}

// read reads a file of YAML. JSON is YAML too.
func read[T any](t *testing.T, file string) (into T) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err == nil {
		err = yaml.Unmarshal(text, &into)
	}
	if err != nil {
		t.Fatal(err)
	}
	return into
}

func rules(t *testing.T) (all []rule) {
	t.Helper()
	type file struct{ Groups []struct{ Rules []rule } }
	for _, g := range read[file](t, rulesFile).Groups {
		all = append(all, g.Rules...)
	}
	return all
}

var template = regexp.MustCompile(`\$labels\.(\w+)|\{\{(\w+)\}\}`)

// labelsIn returns the labels that a text shows by a template.
func labelsIn(text string) (all []string) {
	for _, m := range template.FindAllStringSubmatch(text, -1) {
		all = append(all, m[1]+m[2])
	}
	return all
}

// A panel is a part of the dashboard.
type panel struct {
	ID         int
	Type       string
	Title      string
	Datasource map[string]string
	Targets    []struct {
		Expr         string
		LegendFormat string
		Datasource   map[string]string
	}
}

type dashboard struct {
	UID        string
	Title      string
	Panels     []panel
	Templating struct {
		List []struct{ Name, Type, Definition string }
	}
}

func readDashboard(t *testing.T) (d dashboard) {
	t.Helper()
	text, err := os.ReadFile(dashboardFile)
	if err == nil {
		err = json.Unmarshal(text, &d)
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestDashboard checks that a Grafana without plugins shows the dashboard, whatever its data source
// is called.
func TestDashboard(t *testing.T) {
	d, seen := readDashboard(t), map[int]bool{}
	if d.UID != "drmhub" || d.Title == "" {
		t.Errorf("the dashboard has the uid %q and the title %q", d.UID, d.Title)
	}
	for _, p := range d.Panels {
		if seen[p.ID] || p.ID == 0 {
			t.Errorf("the panel %s has the id %d, as another one", p.Title, p.ID)
		}
		seen[p.ID] = true
		if !slices.Contains([]string{"row", "timeseries", "stat", "table", "state-timeline", "bargauge"}, p.Type) {
			t.Errorf("the panel %s is a %s", p.Title, p.Type)
		}
		if p.Type != "row" && (len(p.Targets) == 0 || p.Datasource["uid"] != "${datasource}") {
			t.Errorf("the panel %s has %d queries of the source %q", p.Title, len(p.Targets), p.Datasource["uid"])
		}
		for _, target := range p.Targets {
			if target.Datasource != nil && target.Datasource["uid"] != "${datasource}" {
				t.Errorf("a query of the panel %s has the source %q", p.Title, target.Datasource["uid"])
			}
		}
	}
}

// TestAlerts checks that each alert says what to do, and that tests of promtool fire it and do not.
func TestAlerts(t *testing.T) {
	text, err := os.ReadFile(runbookFile)
	if err != nil {
		t.Fatal(err)
	}
	type file struct {
		Tests []struct {
			AlertRuleTest []struct {
				Alertname string
				ExpAlerts []any `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		}
	}
	fires := map[string][]bool{}
	for _, tt := range read[file](t, testsFile).Tests {
		for _, a := range tt.AlertRuleTest {
			fires[a.Alertname] = append(fires[a.Alertname], len(a.ExpAlerts) > 0)
		}
	}
	for _, r := range rules(t) {
		if r.Alert == "" {
			continue
		}
		if r.For == "" || !slices.Contains([]string{"page", "ticket"}, r.Labels["severity"]) ||
			r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
			t.Errorf("%s lacks a time, a severity, a summary or a description", r.Alert)
		}
		_, anchor, _ := strings.Cut(r.Annotations["runbook_url"], "docs/runbook.md#")
		title := `(?ims)^## ` + strings.ReplaceAll(anchor, "-", " ")
		section := regexp.MustCompile(title + `$(.*?)(^## |\z)`).FindString(string(text))
		for _, part := range []string{r.Alert, "**Users notice**", "**Look**", "**Do**", "**Do not**"} {
			if anchor == "" || !strings.Contains(section, part) {
				t.Errorf("%s: the section %q of the runbook has no %s", r.Alert, anchor, part)
			}
		}
		if !slices.Contains(fires[r.Alert], true) || !slices.Contains(fires[r.Alert], false) {
			t.Errorf("%s lacks a test that fires it, or one that does not", r.Alert)
		}
	}
}

// checkCommands checks that the program has each command in the runbook, with its flags.
func checkCommands(t *testing.T, program string) {
	t.Helper()
	text, err := os.ReadFile(runbookFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("`drmhub ([^`]+)`").FindAllStringSubmatch(string(text), -1) {
		var words, flags []string
		for word := range strings.FieldsSeq(m[1]) {
			switch {
			case strings.HasPrefix(word, "--"):
				flags = append(flags, word)
			case word == strings.ToLower(word):
				words = append(words, word)
			}
		}
		help, err := exec.CommandContext(t.Context(), program, append(words, "--help")...).Output()
		for _, part := range append(flags, "drmhub "+strings.Join(words, " ")+" ") {
			if err != nil || !strings.Contains(string(help), part) {
				t.Errorf("the runbook has the command %q, whose help has no %q: %v", m[1], part, err)
			}
		}
	}
}

// checkMetrics checks that the page of metrics has all of drmhub's own, and no other.
func checkMetrics(t *testing.T, shown string) {
	t.Helper()
	text, err := os.ReadFile(metricsFile)
	if err != nil {
		t.Fatal(err)
	}
	names := func(pattern, text string) (all []string) {
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
			all = append(all, m[1])
		}
		slices.Sort(all)
		return slices.Compact(all)
	}
	inPage, inServer := names("(?m)^\\| `(drmhub_\\w+)` ", string(text)), names(`(?m)^# TYPE (drmhub_\w+) `, shown)
	for _, name := range append(inPage, inServer...) {
		if !slices.Contains(inPage, name) || !slices.Contains(inServer, name) {
			t.Errorf("%s is only in docs/metrics.md, or only in the metrics", name)
		}
	}
}
