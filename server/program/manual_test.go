package program

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// TestTheManualHasEveryCommand also checks that no two commands have one name.
func TestTheManualHasEveryCommand(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "man")
	if _, err := ran(t, "man", dir); err != nil {
		t.Fatal(err)
	}
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		page, err := os.ReadFile(filepath.Join(dir, strings.ReplaceAll(c.CommandPath(), " ", "-")+".1"))
		if err != nil || !strings.Contains(string(page), roff(c.Short)) || c.Short == "" {
			t.Errorf("the page of %s: %v\n%s", c.CommandPath(), err, page)
		}
		c.NonInheritedFlags().VisitAll(func(f *pflag.Flag) {
			if !strings.Contains(string(page), roff("--"+f.Name)) {
				t.Errorf("the page of %s lacks --%s", c.CommandPath(), f.Name)
			}
		})
		names := map[string]bool{}
		for _, sub := range c.Commands() {
			if names[sub.Name()] {
				t.Errorf("%s has two commands %s", c.CommandPath(), sub.Name())
			}
			names[sub.Name()] = true
			walk(sub)
		}
	}
	walk(newRoot())
}

func TestEveryShellHasACompletion(t *testing.T) {
	for _, shell := range shells {
		if script, err := ran(t, "completion", shell); err != nil || !strings.Contains(script, "drmhub") {
			t.Errorf("%s: %v\n%s", shell, err, script)
		}
	}
	for line, want := range map[string]string{"emulate p": "pallycon", "completion ": "bash", "sites dis": "disable"} {
		said, err := ran(t, append([]string{cobra.ShellCompNoDescRequestCmd}, strings.Split(line, " ")...)...)
		if err != nil || !strings.Contains(said, want+"\n") {
			t.Errorf("%q: %v, %s", line, err, said)
		}
	}
}
