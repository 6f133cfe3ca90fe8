package program

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/drmhub/drmhub/server/internal/cli"
)

// The help is written here, and not by templates: package text/template looks methods up by their
// names while the program runs, which keeps every exported method of every type in the program.

// helpColumns is the width of the lines of a help.
const helpColumns = 110

// printHelp prints what a command does, and how to use it.
func printHelp(c *cobra.Command, _ []string) {
	out := c.OutOrStdout()
	if text := cmp.Or(c.Long, c.Short); text != "" {
		fmt.Fprintf(out, "%s\n\n", trimEnd(wrappedText(text)))
	}
	if c.Runnable() || c.HasSubCommands() {
		fmt.Fprint(out, c.UsageString())
	}
}

// printUsage prints how to use a command: its commands and its flags.
func printUsage(c *cobra.Command) error {
	out := c.OutOrStderr()
	fmt.Fprint(out, "Usage:")
	if c.Runnable() {
		fmt.Fprint(out, "\n  ", c.UseLine())
	}
	if c.HasAvailableSubCommands() {
		fmt.Fprintf(out, "\n  %s [command]", c.CommandPath())
	}
	if len(c.Aliases) > 0 {
		fmt.Fprint(out, "\n\nAliases:\n  ", c.NameAndAliases())
	}
	if c.HasExample() {
		fmt.Fprint(out, "\n\nExamples:\n", c.Example)
	}
	if c.HasAvailableSubCommands() {
		printCommands(out, c)
	}
	printFlags(out, "Flags:", c.LocalFlags())
	printFlags(out, "Flags of the client:", c.InheritedFlags())
	if c.HasAvailableSubCommands() {
		fmt.Fprintf(out, "\n\nUse \"%s [command] --help\" for more information about a command.", c.CommandPath())
	}
	_, err := fmt.Fprintln(out)
	return err
}

// printCommands prints the commands of a command, by their groups.
func printCommands(out io.Writer, c *cobra.Command) {
	groups := c.Groups()
	if len(groups) == 0 {
		groups = []*cobra.Group{{Title: "Available Commands:"}}
	}
	for _, group := range groups {
		fmt.Fprint(out, "\n\n", group.Title)
		for _, sub := range c.Commands() {
			if sub.GroupID == group.ID && (sub.IsAvailableCommand() || sub.Name() == "help") {
				fmt.Fprintf(out, "\n  %-*s %s", sub.NamePadding(), sub.Name(), sub.Short)
			}
		}
	}
}

// printFlags prints the flags that are not hidden, if there are any.
func printFlags(out io.Writer, title string, flags *pflag.FlagSet) {
	if flags.HasAvailableFlags() {
		fmt.Fprintf(out, "\n\n%s\n%s", title, trimEnd(flags.FlagUsagesWrapped(helpColumns)))
	}
}

func trimEnd(text string) string { return strings.TrimRightFunc(text, unicode.IsSpace) }

// wrappedText returns a text in lines that fit. It leaves lines alone that begin with a space.
func wrappedText(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		for len(line) > helpColumns && line[0] != ' ' {
			end := strings.LastIndexByte(line[:helpColumns], ' ')
			if end < 0 {
				break
			}
			out.WriteString(line[:end] + "\n")
			line = line[end+1:]
		}
		out.WriteString(line)
	}
	return out.String()
}

// helpCommand replaces cobra's, which takes a wrong name for a success.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Print the help of a command",
		RunE: func(c *cobra.Command, args []string) error {
			found, rest, err := c.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return cli.Usagef("there is no command %q\nSee: %s --help", strings.Join(args, " "), c.Root().Name())
			}
			found.InitDefaultHelpFlag()
			return found.Help()
		},
	}
}
