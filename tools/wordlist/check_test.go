package main

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	words, err := parseWords(wordsFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		file  string
		lines []int
	}{
		{"sample.go", []int{17, 3, 5, 8, 10}},
		{"sample.md", []int{1, 7}},
		{"sample.proto", []int{5, 3, 6}},
		{"sample.sh", []int{3, 1, 2}},
	} {
		t.Run(c.file, func(t *testing.T) {
			text, err := os.ReadFile("testdata/" + c.file)
			if err != nil {
				t.Fatal(err)
			}
			var lines []int
			for _, f := range check(words, c.file, string(text)) {
				lines = append(lines, f.line)
			}
			if !slices.Equal(lines, c.lines) {
				t.Errorf("check(%s) finds lines %v, want %v", c.file, lines, c.lines)
			}
		})
	}
}

func TestWithin(t *testing.T) {
	for _, c := range []struct {
		file, folder string
		want         bool
	}{
		{"adapters/ncp/a.go", "adapters", true},
		{"adapters/ncp/a.go", "./adapters/ncp/", true},
		{"adapters/ncp/a.go", ".", true},
		{"adapters/ncp/a.go", "adapters/nc", false},
		{"README.md", "README.md", true},
	} {
		if got := within(c.file, c.folder); got != c.want {
			t.Errorf("within(%q, %q) = %t, want %t", c.file, c.folder, got, c.want)
		}
	}
}

func TestInFolders(t *testing.T) {
	files := []string{"README.md", "adapters/ncp/a.go", "adapters/ncp/b.go", "server/main.go"}
	got, err := inFolders(slices.Clone(files), []string{"adapters", "README.md"})
	if want := files[:3]; err != nil || !slices.Equal(got, want) {
		t.Errorf("inFolders returns %q, %v, want %q", got, err, want)
	}
	_, err = inFolders(files, []string{"adapters", "nosuch"})
	if err == nil || !strings.Contains(err.Error(), "nosuch") {
		t.Errorf("for a folder without a file, inFolders returns the error %v", err)
	}
}
