package program

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/drmhub/drmhub/server/internal/buildinfo"
	"github.com/drmhub/drmhub/server/internal/cli"
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of the program",
		Args:  cli.NoArgs,
		Run:   func(c *cobra.Command, _ []string) { fmt.Fprintln(c.OutOrStdout(), buildinfo.Read()) },
	}
}
