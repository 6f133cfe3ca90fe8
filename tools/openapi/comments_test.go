package main

import "testing"

func TestCommentsKeepParagraphsAndLists(t *testing.T) {
	c := contractOf(t, `
		// Shelf holds
		// books.
		//
		// It is one of:
		// - a wooden one,
		// - a metal one.
		message Shelf {}
		message Bare {}
	`)
	want := "Shelf holds books.\n\nIt is one of:\n- a wooden one,\n- a metal one."
	if got := comment(c.message(t, "Shelf")); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := comment(c.message(t, "Bare")); got != "" {
		t.Errorf("a message without a comment got %q", got)
	}
}

func TestSummaryIsTheFirstSentence(t *testing.T) {
	for text, want := range map[string]string{
		"Lists sites.":                      "Lists sites",
		"Lists sites. Each comes once.":     "Lists sites",
		"Lists sites, v1.2 ones too. Each.": "Lists sites, v1.2 ones too",
		"Lists sites.\n\nEach comes once.":  "Lists sites",
		"":                                  "",
	} {
		if got := firstSentence(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
