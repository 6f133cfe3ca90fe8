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
//	drmhub sites list                          calls a running server: package cli has these commands
package program

import (
	"context"
	"fmt"
	"io"
	"os"
	_ "time/tzdata" // the vendors' time zones, on machines that have none

	"github.com/spf13/cobra"

	"github.com/drmhub/drmhub/server/internal/app"
	"github.com/drmhub/drmhub/server/internal/cli"
)

// Main runs the program, and ends the process.
func Main() {
	limitGarbage()
	ctx, stop := app.NotifyStop(context.Background())
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(cli.ExitCode(err))
	}
}

// run runs a command.
func run(ctx context.Context, args []string, out, errs io.Writer) error {
	root, to := newServer(), &output{Writer: out}
	if !serves(args) {
		root = newRoot()
	}
	root.SetArgs(args)
	root.SetOut(to)
	root.SetErr(errs)
	c, err := root.ExecuteContextC(ctx)
	if err == nil && c.HasParent() { // The server needs no reader.
		err = to.err
	}
	return err
}

// An output is standard output. It keeps the first error of a write, since few commands look at it.
type output struct {
	io.Writer
	err error
}

// Write writes.
func (o *output) Write(p []byte) (int, error) {
	n, err := o.Writer.Write(p)
	if o.err == nil {
		o.err = err
	}
	return n, err
}

// Stat returns what the output is, such as a terminal.
func (o *output) Stat() (os.FileInfo, error) {
	if file, ok := o.Writer.(*os.File); ok {
		return file.Stat()
	}
	return nil, os.ErrInvalid
}

// serves reports whether the arguments run the server: they name no command, and ask for no help.
func serves(args []string) bool {
	flags := serveCommand().Flags()
	flags.SetOutput(io.Discard)
	return flags.Parse(args) == nil && flags.NArg() == 0
}

// newServer returns the server without any other command. The client's commands are made from the
// whole contract with its comments, which takes time and memory that a server does not need.
func newServer() *cobra.Command {
	root := serveCommand()
	root.SilenceErrors, root.SilenceUsage = true, true // Main prints the error, once.
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return cli.Usagef("%w\nSee: %s --help", err, c.CommandPath())
	})
	return root
}

// newRoot returns all commands.
func newRoot() *cobra.Command {
	root := newServer()
	root.AddGroup(
		&cobra.Group{ID: serverGroup, Title: "Commands beside the server:"},
		&cobra.Group{ID: cli.GroupID, Title: "Commands of the client, which call a running server:"},
	)
	for _, c := range []*cobra.Command{
		emulateCommand(), healthCommand(), configCommand(), auditCommand(), keygenCommand(), tokenCommand(),
		versionCommand(), completionCommand(), manCommand(),
	} {
		c.GroupID = serverGroup
		root.AddCommand(c)
	}
	root.AddCommand(cli.Commands()...)
	root.SetHelpCommand(helpCommand())
	root.SetHelpCommandGroupID(serverGroup)
	versionFlag(root)
	root.SetHelpFunc(printHelp)
	root.SetUsageFunc(printUsage)
	return root
}

const serverGroup = "server"
