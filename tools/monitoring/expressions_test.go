package monitoring

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
)

var promQL = parser.NewParser(parser.Options{})

// series are the values of the labels of each metric.
type series map[string]map[string][]string

// add adds the series of a page of metrics, and returns how many there are.
func (s series) add(t *testing.T, page string) (n int) {
	t.Helper()
	for line := range strings.Lines(page) {
		at := strings.LastIndex(strings.TrimSpace(line), " ")
		if strings.HasPrefix(line, "#") || at < 0 {
			continue
		}
		of, err := promQL.ParseMetric(line[:at])
		if err != nil {
			t.Fatal(line, err)
		}
		n++
		s.see(of.Get(model.MetricNameLabel), of.Map())
	}
	return n
}

// see adds a series. Prometheus itself adds the labels job and instance.
func (s series) see(name string, of map[string]string) {
	if s[name] == nil {
		s[name] = map[string][]string{"job": {"drmhub"}, "instance": {"a"}}
	}
	for label, value := range of {
		if !slices.Contains(s[name][label], value) {
			s[name][label] = append(s[name][label], value)
		}
	}
}

// An expression is one of the dashboard or of the rules.
type expression struct {
	where, text string
	labels      []string // which the result must have
}

// variables are values of the dashboard's variables.
var variables = strings.NewReplacer("$__rate_interval", "5m", "$vendor", ".+", "$instance", ".+")

// check reports what the expression takes for granted and drmhub does not show.
func (s series) check(t *testing.T, e expression) {
	t.Helper()
	expr, err := promQL.ParseExpr(variables.Replace(e.text))
	if err != nil {
		t.Errorf("%s: %v", e.where, err)
		return
	}
	s.wantLabels(t, e, expr, e.labels)
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		switch n := n.(type) {
		case *parser.VectorSelector:
			for _, m := range n.LabelMatchers {
				matched := m.Name == model.MetricNameLabel || slices.ContainsFunc(s[n.Name][m.Name], m.Matches)
				if s[n.Name] != nil && !matched {
					t.Errorf("%s: no series of %s has %s", e.where, n.Name, m)
				}
			}
			if s[n.Name] == nil {
				t.Errorf("%s: there is no metric %s", e.where, n.Name)
			}
		case *parser.AggregateExpr:
			s.wantLabels(t, e, n.Expr, n.Grouping)
		case *parser.BinaryExpr:
			if n.VectorMatching != nil {
				s.wantLabels(t, e, n.LHS, n.VectorMatching.MatchingLabels)
				s.wantLabels(t, e, n.RHS, n.VectorMatching.MatchingLabels)
				s.wantLabels(t, e, n, n.VectorMatching.Include)
			}
		}
		return nil
	})
}

// wantLabels demands that a metric of an expression has these labels.
func (s series) wantLabels(t *testing.T, e expression, expr parser.Expr, want []string) {
	t.Helper()
	for _, label := range want {
		found := false
		parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
			if v, ok := n.(*parser.VectorSelector); ok && (s[v.Name] == nil || s[v.Name][label] != nil) {
				found = true // check reports an unknown metric.
			}
			return nil
		})
		if !found {
			t.Errorf("%s: no metric of %s has the label %s", e.where, expr, label)
		}
	}
}

func TestEveryExpressionIsOfAMetricThatDrmhubShows(t *testing.T) {
	program, known := build(t), series{}
	checkCommands(t, program)
	known.see("up", nil)
	page := exerciseSandbox(t, program)
	all := known.add(t, page)
	own := len(regexp.MustCompile(`(?m)^(drmhub|db_client)_`).FindAllString(page, -1))
	t.Logf("%d series, %d of them of the state of drmhub", all, own)
	if all >= 2000 || own >= 500 {
		t.Errorf("a scrape has %d series, %d of them of the state of drmhub", all, own)
	}
	other := exerciseServer(t, program)
	known.add(t, other)
	checkMetrics(t, page+other)
	for _, r := range rules(t) {
		if r.Record != "" {
			known.see(r.Record, nil)
		}
	}
	for _, r := range rules(t) {
		known.check(t, expression{
			where: r.Alert + r.Record, text: r.Expr,
			labels: labelsIn(r.Annotations["summary"] + r.Annotations["description"]),
		})
	}
	d := readDashboard(t)
	for _, v := range d.Templating.List {
		if query := regexp.MustCompile(`^label_values\((.+), (\w+)\)$`).FindStringSubmatch(v.Definition); query != nil {
			known.check(t, expression{"the variable " + v.Name, query[1], []string{query[2]}})
		} else if v.Type != "datasource" {
			t.Errorf("the variable %s has the definition %q", v.Name, v.Definition)
		}
	}
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			known.check(t, expression{"the panel " + p.Title, target.Expr, labelsIn(target.LegendFormat)})
		}
	}
}
