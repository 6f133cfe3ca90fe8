package app_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
)

// TestCallers runs the rows of testdata/callers.txt over both faces. A row is a paragraph: its
// name, the caller and its call, what expect reads, and lines that begin with "not" or "asks".
func TestCallers(t *testing.T) {
	h := start(t, guarded, allVendors)
	root := h.as(t, everything)
	past := root.history(t)
	_, offl, err := root.either(t, parse(`EnableSite {"name":"vendors/acme/sites/OFFL"}`), true)
	if err != nil {
		t.Fatal(err)
	}
	_, account, err := root.either(t, parse(`CreateDrmAccount {"parent":"vendors/telecomx","drmAccount":
		{"customer":"`+business+`","username":"made-by-root"},"requestId":"`+uuid.NewString()+`"}`), false)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := testdata.ReadFile("testdata/callers.txt")
	paragraphs := strings.Split(strings.TrimSpace(strings.NewReplacer(
		"$done", past.done, "$failed", past.failed, "$open", past.open, "$id", past.doneID, "$offl", offl,
		"$account", account, "$business", business,
	).Replace(string(text))), "\n\n")
	callers := map[string]*testServer{}
	for line := range strings.Lines(paragraphs[1]) {
		name, claims, _ := strings.Cut(line, " ")
		callers[name] = h.as(t, claims)
	}
	for _, paragraph := range paragraphs[2:] {
		lines := strings.Split(paragraph, "\n")
		who, text, _ := strings.Cut(lines[1], ": ")
		c := expect(parse(text), lines[2])
		t.Run(who+" "+c.name+strings.TrimPrefix(lines[0], "#"), func(t *testing.T) {
			before := h.effects()
			callers[who].row(t, c, lines[3:])
			if n := h.effects() - before; n != 0 {
				t.Errorf("%d changes", n)
			}
		})
	}
}

// row makes the call of a row over both faces.
func (h *testServer) row(t *testing.T, c rpcCase, more []string) {
	t.Helper()
	others := slices.Collect(maps.Keys(h.twins))
	var hidden []string
	for _, line := range more {
		switch words := strings.Fields(line); words[0] {
		case "not":
			hidden = words[1:]
		case "asks":
			others = slices.DeleteFunc(others, func(id string) bool { return slices.Contains(words, id) })
		default:
			t.Fatalf("no such line: %s", line)
		}
	}
	before := h.asked(others)
	c.check(t, h, h)
	_, text := h.whole(t, c.call)
	for _, word := range hidden {
		if strings.Contains(text, word) {
			t.Errorf("the answer holds %s: %s", word, text)
		}
	}
	if n := h.asked(others) - before; n != 0 {
		t.Errorf("%q were asked %d times", others, n)
	}
}
