package emulator_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/drmhub/drmhub/adapters/pallycon/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/adapters/twin/twintest"
)

// TestScenarios runs the files in testdata/scenarios. README.md in that folder says how to read
// them.
func TestScenarios(t *testing.T) {
	twintest.RunScenarios(t, func(t *testing.T, lines []string, values map[string]string) {
		s := &scenario{t: t, values: values, clock: twin.FrozenClock(at("2026-01-02 03:04:05"))}
		for _, line := range lines {
			if line = twintest.Expand(line, s.values); line[0] != '#' {
				s.step(line)
			}
		}
		s.wantEffects()
	})
}

// A scenario is one run of a scenario's lines.
type scenario struct {
	t       *testing.T
	values  map[string]string
	clock   *twin.Clock
	options emulator.Options
	empty   bool
	twin    *emulator.Emulator // nil until it is used
	path    string             // of the last request
	got     reply
	checks  int
	effects []string
	// anyEffects is whether the scenario is not about effects.
	anyEffects bool
}

// vendor returns the twin. It has the sites of demo, unless the scenario begins with "empty".
func (s *scenario) vendor() *emulator.Emulator {
	if s.twin != nil {
		return s.twin
	}
	s.options.Clock = s.clock
	s.twin = emulator.New(s.options)
	if !s.empty {
		s.twin = demo(s.options)
	}
	return s.twin
}

func (s *scenario) step(line string) {
	word, rest, _ := strings.Cut(line, " ")
	rest = strings.TrimSpace(rest)
	switch word {
	case "empty":
		s.empty = true
	case "options":
		s.read("{"+rest+"}", &s.options)
	case "zone":
		s.options.Assumptions.Zone = time.FixedZone("zone", s.number(rest)*3600)
	case "clock":
		s.clock.Set(at(rest))
	case "put":
		s.put(rest)
	case "GET", "POST", "PUT", "DELETE":
		s.request(word, rest)
	case "keep":
		s.values[rest] = s.got.field(rest)
	case "effects":
		s.anyEffects = true
	case "effect":
		s.effects = append(s.effects, rest)
	default:
		s.check(word, rest)
	}
}

// read reads YAML, where the keys are the names of fields in lower case.
func (s *scenario) read(text string, into any) {
	s.t.Helper()
	if err := yaml.Unmarshal([]byte(text), into); err != nil {
		s.t.Fatalf("%v in %s", err, text)
	}
}

func (s *scenario) number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

func decode[Row any](s *scenario, text string) (rows []Row) {
	s.read("["+text+"]", &rows)
	return rows
}

// put fills the twin, as in "Licenses DEMO {cid: a}, {cid: b}".
func (s *scenario) put(text string) {
	kind, rows, _ := strings.Cut(text, " ")
	site, ofSite, _ := strings.Cut(rows, " ")
	switch kind {
	case "Sites":
		s.vendor().PutSites(decode[emulator.Site](s, rows)...)
	case "SiteOrders":
		s.vendor().PutSiteOrders(decode[emulator.SiteOrder](s, rows)...)
	case "Members":
		s.vendor().PutMembers(decode[emulator.Member](s, rows)...)
	case "Licenses":
		s.vendor().PutLicenses(site, decode[emulator.License](s, ofSite)...)
	case "Packagings":
		s.vendor().PutPackagings(site, decode[emulator.Packaging](s, ofSite)...)
	case "Integration":
		s.vendor().PutIntegration(site, decode[emulator.Integration](s, ofSite)[0])
	default:
		s.t.Fatalf("nothing is called %q", kind)
	}
}

// request sends "/path?query", "/path {JSON}" or "/path as type/subtype body".
func (s *scenario) request(method, text string) {
	target, body, _ := strings.Cut(text, " ")
	contentType := ""
	if typed, ok := strings.CutPrefix(body, "as "); ok {
		contentType, body, _ = strings.Cut(typed, " ")
		contentType = strings.TrimPrefix(contentType, "-")
	} else if body != "" {
		contentType = "application/json;charset=UTF-8"
	}
	if !strings.HasPrefix(target, "/_twin/") && target != "/" {
		target = "/api/v2" + target
	}
	s.path, _, _ = strings.Cut(target, "?")
	r := request(s.t, method, target, contentType, body)
	s.got = reply{Reply: twintest.Send(s.t, twin.Transport(s.vendor()), r)}
	if s.got.Status == http.StatusOK {
		twintest.Decode(s.t, s.got.Text, &s.got)
	}
}

// check checks the last reply.
func (s *scenario) check(word, want string) {
	s.checks++
	text, got := strings.TrimSpace(s.got.Text), ""
	ok := s.got.Status == http.StatusOK
	switch word {
	case "=": // the data, and the count if there is one
		got = strings.TrimSpace(string(s.got.Data))
		if s.got.Count != nil {
			got += fmt.Sprint(" of ", *s.got.Count)
		}
		ok = ok && got == want && s.got.ErrorCode == "0000"
	case "rows": // a field of all rows, and the count
		field, values, _ := strings.Cut(want, " ")
		got = strings.TrimSpace(fmt.Sprint(s.got.rows(s.t, field), " of ", s.got.count()))
		ok = ok && got == values && s.got.ErrorCode == "0000"
	case "done": // what the guide calls the default response data
		ok = text == `{"_links":{"self":{"href":"http://service.pallycon.com`+s.path+`"}},"error_code":"0000"}`
	case "!": // a failure with a code and a part of a message
		code, message, _ := strings.Cut(want, " ")
		ok = ok && s.got.ErrorCode == code && strings.Contains(s.got.ErrorMessage, message) &&
			s.got.Data == nil && s.got.Count == nil
	case "status": // another status, and a part of the body
		status, part, _ := strings.Cut(want, " ")
		ok = s.got.Status == s.number(status) && strings.Contains(text, part)
	case "text": // the whole body, but for spaces in JSON
		twintest.SameJSON(s.t, s.path, text, want)
	case "says":
		ok = strings.Contains(text, want)
	case "lacks":
		ok = ok && s.got.ErrorCode == "0000" && !strings.Contains(text, want)
	default:
		s.t.Fatalf("no scenario has a line %q", word)
	}
	if !ok {
		s.t.Errorf("%s: %d %s %s\nwant %s %s", s.path, s.got.Status, text, got, word, want)
	}
}

// wantEffects demands the effects that the scenario names, in their order, and no other.
func (s *scenario) wantEffects() {
	var got []string
	for _, e := range s.vendor().Ledger().Effects() {
		got = append(got, fmt.Sprint(e.Request, " ", e.Kind, " ", e.Key, " ", e.Details))
	}
	if !s.anyEffects && strings.Join(got, "\n") != strings.Join(s.effects, "\n") {
		s.t.Errorf("effects\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(s.effects, "\n"))
	}
	if s.checks == 0 {
		s.t.Error("the scenario checks no reply")
	}
}
