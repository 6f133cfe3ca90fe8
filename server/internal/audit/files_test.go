package audit_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/drmhub/drmhub/server/internal/audit"
	"github.com/drmhub/drmhub/server/internal/store"
)

func TestVerifyFilesFindsTheFirstDamage(t *testing.T) {
	db := open(t, store.Memory)
	a, b := grow(t, db, "a"), grow(t, db, "b")
	changed := slices.Clone(b)
	changed[2].Subject = "x"
	stray, forged := audit.Event{Chain: "b", Subject: "x"}, forge(t, make([]audit.Event, 3)...)[2]
	for name, c := range map[string]struct {
		events []audit.Event
		want   string
	}{
		"nothing":                              {b, "b 5"},
		"another order":                        {[]audit.Event{b[2], b[0], b[4], b[3], b[1]}, "b 5"},
		"an event that was changed":            {changed, "b 5 changed 3"},
		"one gone":                             {slices.Delete(slices.Clone(b), 2, 3), "b 4 missing 3"},
		"the first gone":                       {b[1:], "b 4 missing 1"},
		"one twice":                            {append(slices.Clone(b), b[2]), "b 6 inserted 3"},
		"one twice before its turn":            {[]audit.Event{b[0], b[2], b[2], b[1], b[3], b[4]}, "b 6 inserted 3"},
		"another one in the same place":        {append(slices.Clone(b), changed[2]), "b 6 inserted 3"},
		"one before the first":                 {append([]audit.Event{stray}, b...), "b 6 inserted 0"},
		"one in the place of another":          {[]audit.Event{b[0], b[1], forged, b[3], b[4]}, "b 5 inserted 3"},
		"the last ones, which no one can tell": {b[:3], "b 3"},
	} {
		chains, err := audit.VerifyFiles(written(t, append(slices.Clone(a), c.events...)...))
		if err != nil || said(chains) != "a 5\n"+c.want+"\n" {
			t.Errorf("%s: %s, %v, want %s", name, said(chains), err, c.want)
		}
		if last := c.events[len(c.events)-1]; last.Position == 5 && chains[1].Head != b[4].Hash {
			t.Errorf("%s: the head is %s", name, chains[1].Head)
		}
	}
}

func TestAChainMayGoOnInTheNextFile(t *testing.T) {
	events := grow(t, open(t, store.Memory), "a")
	first, second := written(t, events[:2]...), written(t, events[2:]...)
	if chains, err := audit.VerifyFiles(first, second); err != nil || said(chains) != "a 5\n" {
		t.Errorf("%s, %v", said(chains), err)
	}
	if chains, err := audit.VerifyFiles(second); err != nil || said(chains) != "a 3 missing 1\n" {
		t.Errorf("without the first file: %s, %v", said(chains), err)
	}
	absent := filepath.Join(t.TempDir(), "absent.jsonl")
	if chains, err := audit.VerifyFiles(absent, first, second); err == nil || said(chains) != "a 5\n" {
		t.Errorf("beside a file that is not there: %s, %v", said(chains), err)
	}
}

func TestLinesThatAreNoEvents(t *testing.T) {
	events := grow(t, open(t, store.Memory), "a")
	line, err := os.ReadFile(written(t, events[0]))
	if err != nil {
		t.Fatal(err)
	}
	whole := strings.TrimSpace(string(line))
	for _, bad := range []string{
		"hello", "{}", "[]", "null", whole[:20], whole + whole, `{"chain":"a","position":"1"}`,
		strings.Replace(whole, `"subject"`, `"Subject"`, 1),
		strings.Replace(whole, `"subject":"s"`, `"subject":"mallory","subject":"s"`, 1),
		strings.Replace(whole, `{`, `{"more":1,`, 1),
		strings.Repeat("x", 2<<20),
	} {
		path := written(t, events...)
		file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.WriteString(bad + "\n"); err != nil {
			t.Fatal(err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
		chains, err := audit.VerifyFiles(path)
		if err == nil || !strings.Contains(err.Error(), "audit.jsonl") || said(chains) != "a 5\n" {
			t.Errorf("%.100s: %s, %v", bad, said(chains), err)
		}
	}
}
