package main

import (
	"os"
	"os/exec"
	"path"
	"regexp"
	"strings"
	"testing"
)

// The guides name files and tests, which move.
func TestGuidesNameWhatExists(t *testing.T) {
	quoted := regexp.MustCompile("`([a-z.]+/[\\w./-]*)`")
	tests := regexp.MustCompile("-run '?([\\w|/^$]+)|`((?:Test|Fuzz)[A-Z]\\w*)`")
	guides := []string{
		"ARCHITECTURE.md", "CONTRIBUTING.md", "README.md", "docs/journal.md", "docs/security.md", "docs/clients.md",
	}
	for _, guide := range guides {
		text, err := os.ReadFile("../../" + guide)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range quoted.FindAllStringSubmatch(string(text), -1) {
			folder, _, _ := strings.Cut(m[1], "/")
			if _, err := os.Stat("../../" + folder); err != nil {
				continue // It is not a path of the repository.
			}
			if _, err := os.Stat("../../" + m[1]); err != nil {
				t.Errorf("%s names %s, which does not exist", guide, m[1])
			}
		}
		for _, m := range tests.FindAllStringSubmatch(string(text), -1) {
			for name := range strings.SplitSeq(m[1]+m[2], "|") {
				name, _, _ = strings.Cut(strings.Trim(name, "^$"), "/")
				if m[2] != "" { // -run takes the beginning of a name
					name += "("
				}
				grep := exec.CommandContext(t.Context(), "git", "grep", "-q", "^func "+name, "--", "*_test.go")
				grep.Dir = path.Join("..", "..")
				if grep.Run() != nil {
					t.Errorf("%s names the test %s, which does not exist", guide, name)
				}
			}
		}
	}
}
