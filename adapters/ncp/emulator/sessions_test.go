package emulator_test

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/drmhub/drmhub/adapters/ncp/emulator"
	"github.com/drmhub/drmhub/adapters/twin"
	"github.com/drmhub/drmhub/adapters/twin/twintest"
)

// A session is a client's view of one emulator, line by line. testdata/sessions.txt holds all
// sessions. A line has one of these forms:
//
//	## title {"ReadyWhenOn":true}                a new emulator, with these assumptions
//	+1h                                          the clock advances
//	GET target body => 200 "a":1 | !"b"          the response contains "a":1 and lacks "b"
//	GET target body => 400 280003 part           a failure with this code, and a part of its message
//	POST+PUT body => 400 280003 part             the same for both calls that take a site
//	effects => siteEnabled id                    all effects in the ledger
//
// {demo} is the site that is on, and {new} the site that was created last.
type session struct {
	*emulator.Emulator
	clock *twin.Clock
}

func TestSessions(t *testing.T) {
	text, err := os.ReadFile("testdata/sessions.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, section := range strings.Split(string(text), "## ")[1:] {
		title, lines, _ := strings.Cut(strings.TrimSpace(section), "\n")
		title, settings, _ := strings.Cut(title, "{\"")
		t.Run(strings.TrimSpace(title), func(t *testing.T) {
			var assumed emulator.Assumptions
			if settings != "" {
				twintest.Decode(t, `{"`+settings, &assumed)
			}
			s := newSession(assumed)
			for line := range strings.Lines(lines) {
				s.run(t, strings.TrimSpace(line))
			}
		})
	}
}

func newSession(assumed emulator.Assumptions) session {
	e := newDemo(assumed)
	e.PutPolicies(emulator.Policy{PolicyID: 3, PolicyName: "three"})
	e.PutSites(emulator.Site{SiteID: "deleted", Status: "DELETED"}, emulator.Site{SiteID: "siteLog"},
		emulator.Site{SiteID: "a/b %"})
	return session{e, e.Clock()}
}

func (s session) run(t *testing.T, line string) {
	if pause, ok := strings.CutPrefix(line, "+"); ok {
		d, err := time.ParseDuration(pause)
		if err != nil {
			t.Fatal(err)
		}
		s.clock.Advance(d)
		return
	}
	sites := s.Sites()
	line = strings.NewReplacer("{demo}", demo, "{new}", sites[len(sites)-1].SiteID).Replace(line)
	sent, wanted, _ := strings.Cut(line, " =>")
	words := append(strings.SplitN(sent, " ", 3), "", "")
	switch wanted = strings.TrimSpace(wanted); words[0] {
	case "effects":
		if got := twintest.Effects(s.Ledger()); got != wanted {
			t.Errorf("the effects are %q, want %q", got, wanted)
		}
	case "POST+PUT":
		_, body, _ := strings.Cut(sent, " ")
		s.send(t, "POST", "/api/v1/sites", body, wanted)
		s.send(t, "PUT", "/api/v1/sites/"+demo, body, wanted)
	default:
		s.send(t, words[0], words[1], words[2], wanted)
	}
}

// send sends one request, and checks the response.
func (s session) send(t *testing.T, method, target, body, wanted string) {
	status, wanted, _ := strings.Cut(wanted, " ")
	code, err := strconv.Atoi(status)
	if err != nil {
		t.Fatalf("%s %s %s has no status: %v", method, target, body, err)
	}
	var got reply
	if path, ok := strings.CutPrefix(target, "/_twin/"); ok {
		got.Reply = twintest.Admin(t, s, method, path, body)
	} else {
		got = do(t, s, requestAt(t, s.clock.Now(), method, target, body))
	}
	failure, message, _ := strings.Cut(wanted, " ")
	switch _, err := strconv.Atoi(failure); {
	case err == nil && len(failure) == 3:
		wantRefusal(t, got, code, failure, message)
		return
	case err == nil:
		wantFailure(t, got, code, failure, message)
		return
	}
	if got.Status != code {
		t.Errorf("%s %s %s: %d %s, want %d", method, target, body, got.Status, got.Text, code)
	}
	for part := range strings.SplitSeq(wanted, " | ") {
		lacking, no := strings.CutPrefix(part, "!")
		if strings.Contains(got.Text, lacking) == no {
			t.Errorf("%s %s %s: %s, want %s", method, target, body, got.Text, part)
		}
	}
}
