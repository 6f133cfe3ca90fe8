package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// The exit codes of the program.
const (
	ExitFailed         = 1 // the call, or the command, failed
	ExitUsage          = 2 // the command line is wrong, and nothing was done
	ExitOutcomeUnknown = 3 // a change may have been made
)

type exitError struct {
	error
	code int
}

func (e exitError) Unwrap() error { return e.error }

// Usagef returns the error of a wrong command line.
func Usagef(format string, args ...any) error {
	return exitError{fmt.Errorf(format, args...), ExitUsage}
}

// ExitCode returns the exit code of an error.
func ExitCode(err error) int {
	if e := (exitError{}); errors.As(err, &e) {
		return e.code
	}
	return ExitFailed
}

// NoArgs refuses words that are left over, and suggests the command that was meant.
func NoArgs(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if !c.HasAvailableSubCommands() {
		return Usagef("%s has no argument %q\nSee: %[1]s --help", c.CommandPath(), args[0])
	}
	c.SuggestionsMinimumDistance = 2
	text := fmt.Sprintf("%s has no command %q", c.CommandPath(), args[0])
	if meant := c.SuggestionsFor(args[0]); len(meant) > 0 {
		text += ": did you mean " + strings.Join(meant, " or ") + "?"
	}
	return Usagef("%s\nSee: %s --help", text, c.CommandPath())
}

// Group returns a command that only has commands of its own.
func Group(c *cobra.Command, commands ...*cobra.Command) *cobra.Command {
	c.AddCommand(commands...)
	c.Args = NoArgs
	c.RunE = func(c *cobra.Command, _ []string) error {
		var names []string
		for _, sub := range c.Commands() {
			names = append(names, sub.Name())
		}
		return Usagef("%s needs a command: %s\nSee: %[1]s --help", c.CommandPath(), strings.Join(names, ", "))
	}
	return c
}
