// Package program is drmhub's command line.
//
//	drmhub                                     runs the sandbox with a twin of every vendor
//	drmhub --config drmhub.yaml                serves the vendors in the file, or in the file in DRMHUB_CONFIG
//	drmhub emulate pallycon --listen 127.0.0.1:7001 --seed 1
//	                                           runs the twin of one vendor
//	drmhub health                              fails unless the server on this machine takes calls
//	drmhub audit verify --config drmhub.yaml   fails unless the audit trail in the file's store is whole
//	drmhub audit verify --file audit.jsonl     does the same for files of audit events, oldest first
//	drmhub keygen --out k2.pem                 makes a key that signs tokens
//	drmhub token --key k2.pem --kid k2 --subject billing --roles viewer --config drmhub.yaml
//	                                           signs a token for a machine
//	drmhub version                             says which version this is
package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	_ "time/tzdata" // the vendors' time zones, on machines that have none

	"github.com/spf13/cobra"
)

// The exit codes are part of the program's public face.
const (
	exitFailed = 1
	exitUsage  = 2
)

// Main runs the program, and ends the process.
func Main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(exitCode(err))
	}
}

// run runs a command.
func run(ctx context.Context, args []string, out, errs io.Writer) error {
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(errs)
	return root.ExecuteContext(ctx)
}

// usageError is a mistake on the command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func exitCode(err error) int {
	if usage := (usageError{}); errors.As(err, &usage) {
		return exitUsage
	}
	return exitFailed
}

// newRoot returns all commands.
func newRoot() *cobra.Command {
	root := serveCommand()
	root.SilenceErrors, root.SilenceUsage = true, true // Main prints the error, once.
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usagef("%w\nSee: %s --help", err, c.CommandPath())
	})
	root.AddCommand(
		emulateCommand(), healthCommand(), auditCommand(), keygenCommand(), tokenCommand(), versionCommand())
	root.SetHelpCommand(helpCommand())
	root.InitDefaultVersionFlag()
	return root
}

// helpCommand replaces cobra's, which takes a wrong name for a success.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Print the help of a command",
		RunE: func(c *cobra.Command, args []string) error {
			found, rest, err := c.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return usagef("there is no command %q\nSee: %s --help", strings.Join(args, " "), c.Root().Name())
			}
			found.InitDefaultHelpFlag()
			return found.Help()
		},
	}
}

// noArgs refuses words that are left over, and suggests the command that was meant.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if !c.HasAvailableSubCommands() {
		return usagef("%s has no argument %q\nSee: %[1]s --help", c.CommandPath(), args[0])
	}
	c.SuggestionsMinimumDistance = 2
	text := fmt.Sprintf("%s has no command %q", c.CommandPath(), args[0])
	if meant := c.SuggestionsFor(args[0]); len(meant) > 0 {
		text += ": did you mean " + strings.Join(meant, " or ") + "?"
	}
	return usagef("%s\nSee: %s --help", text, c.CommandPath())
}

// group returns a command that only has commands of its own.
func group(c *cobra.Command, commands ...*cobra.Command) *cobra.Command {
	c.AddCommand(commands...)
	c.Args = noArgs
	c.RunE = func(c *cobra.Command, _ []string) error {
		var names []string
		for _, sub := range c.Commands() {
			names = append(names, sub.Name())
		}
		return usagef("%s needs a command: %s\nSee: %[1]s --help", c.CommandPath(), strings.Join(names, ", "))
	}
	return c
}
