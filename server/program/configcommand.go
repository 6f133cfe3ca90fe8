package program

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/drmhub/drmhub/server/internal/app"
	"github.com/drmhub/drmhub/server/internal/cli"
	"github.com/drmhub/drmhub/server/internal/config"
	"github.com/drmhub/drmhub/server/internal/environment"
)

func configCommand() *cobra.Command {
	return cli.Group(&cobra.Command{Use: "config", Short: "Check, print and describe the configuration of a server"},
		configCheckCommand(), configPrintCommand(), configSchemaCommand())
}

// connectTime bounds how long all connections of a configuration are tried.
const connectTime = 30 * time.Second

const configCheckHelp = `check reads a configuration file as the server does, and prints all mistakes at once, each with
its line. The file is the argument, or DRMHUB_CONFIG. Without a file, it reads the environment alone.

With --connect, it also tries each vendor account by one cheap read, the key sets of tokens, the identity
provider, the certificates and the store. It changes nothing.`

func configCheckCommand() *cobra.Command {
	connect := false
	c := &cobra.Command{
		Use:   "check [FILE]",
		Short: "Fail unless a configuration file is right",
		Long:  configCheckHelp,
		Args:  cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			file, err := configFile(c, args)
			if err != nil {
				return err
			}
			cfg, err := config.Read(file, kinds())
			if err != nil {
				return err
			}
			if connect {
				ctx, cancel := context.WithTimeout(c.Context(), connectTime)
				defer cancel()
				if err := tryConnections(ctx, cfg, c.OutOrStdout()); err != nil {
					return err
				}
			}
			fmt.Fprintf(c.OutOrStdout(), "%s has no mistake.\n", cmp.Or(file, "The environment"))
			return nil
		},
	}
	c.Flags().BoolVar(&connect, "connect", false, "also try the vendors, the key sets and what else the file names")
	return c
}

// configFile returns the configuration file that a command line names, or "" if the environment has
// it all.
func configFile(c *cobra.Command, args []string) (string, error) {
	if len(args) == 0 && os.Getenv(environment.Config) != "" {
		args = []string{os.Getenv(environment.Config)}
	}
	switch len(args) {
	case 0:
		if hasConfiguration("") {
			return "", nil
		}
		return "", cli.Usagef("%s needs a file, such as drmhub.yaml\nSee: %[1]s --help", c.CommandPath())
	case 1:
		return args[0], nil
	}
	return "", cli.Usagef("%s takes one file, and %q is left over\nSee: %[1]s --help", c.CommandPath(), args[1])
}

// tryConnections prints a line for each connection, and fails unless all are there.
func tryConnections(ctx context.Context, cfg *config.Config, out io.Writer) error {
	found, err := app.Connections(ctx, cfg)
	if err != nil {
		return err
	}
	const gap = 2
	w := tabwriter.NewWriter(out, 0, 0, gap, ' ', 0)
	failed := 0
	for _, c := range found {
		said, note := "ok", c.Note
		if c.Err != nil {
			failed++
			said, note = "failed", c.Err.Error()
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", c.Name, said, c.Took.Round(time.Millisecond), cli.Clean(note))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d connections failed", failed, len(found))
	}
	return nil
}
