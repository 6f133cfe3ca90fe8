package program

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/drmhub/drmhub/server/internal/cli"
)

// manCommand writes the manual. Package cobra/doc could, but brings modules of its own.
func manCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "man DIR",
		Short: "Write the manual pages into a folder",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return cli.Usagef("%s needs one folder", c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			const forAll = 0o755
			if err := os.MkdirAll(args[0], forAll); err != nil {
				return fmt.Errorf("the folder cannot be made: %w", err)
			}
			return writeManual(c.Root(), args[0])
		},
	}
}

// writeManual writes the page of a command, and those of its commands.
func writeManual(c *cobra.Command, dir string) error {
	const forAll = 0o644
	name := filepath.Join(dir, strings.ReplaceAll(c.CommandPath(), " ", "-")+".1")
	if err := os.WriteFile(name, []byte(manPage(c)), forAll); err != nil {
		return fmt.Errorf("the page cannot be written: %w", err)
	}
	for _, sub := range c.Commands() {
		if err := writeManual(sub, dir); err != nil {
			return err
		}
	}
	return nil
}

// manPage returns the page of a command in roff.
func manPage(c *cobra.Command) string {
	var page strings.Builder
	section := func(title string) { fmt.Fprintf(&page, ".SH %s\n", title) }
	name := strings.ReplaceAll(c.CommandPath(), " ", "-")
	fmt.Fprintf(&page, ".TH %q 1\n", strings.ToUpper(name))
	section("NAME")
	fmt.Fprintf(&page, "%s \\- %s\n", roff(name), roff(c.Short))
	section("SYNOPSIS")
	fmt.Fprintf(&page, ".B %s\n", roff(c.UseLine()))
	section("DESCRIPTION")
	for paragraph := range strings.SplitSeq(c.Long, "\n\n") {
		fmt.Fprintf(&page, ".PP\n%s\n", roff(paragraph))
	}
	for _, list := range []struct {
		title string
		flags *pflag.FlagSet
	}{{"OPTIONS", c.NonInheritedFlags()}, {"OPTIONS OF THE CLIENT", c.InheritedFlags()}} {
		if !list.flags.HasAvailableFlags() {
			continue
		}
		section(list.title)
		list.flags.VisitAll(func(f *pflag.Flag) {
			value, usage := pflag.UnquoteUsage(f)
			fmt.Fprintf(&page, ".TP\n.B %s\n%s\n", roff("--"+strings.TrimSpace(f.Name+" "+value)), roff(usage))
		})
	}
	if c.Example != "" {
		section("EXAMPLES")
		fmt.Fprintf(&page, ".nf\n%s\n.fi\n", roff(c.Example))
	}
	if c.HasAvailableSubCommands() {
		section("COMMANDS")
		for _, sub := range c.Commands() {
			fmt.Fprintf(&page, ".TP\n.B %s\n%s\n", roff(sub.Name()), roff(sub.Short))
		}
	}
	return page.String()
}

// roff returns text that roff prints as it is.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
