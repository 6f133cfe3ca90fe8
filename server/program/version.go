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

// versionFlag adds --version to the root. cobra's own flag prints more than the version, or a
// template.
func versionFlag(root *cobra.Command) {
	asked := root.Flags().BoolP("version", "v", false, "version for drmhub")
	serve := root.RunE
	root.RunE = func(c *cobra.Command, args []string) error {
		if !*asked {
			return serve(c, args)
		}
		_, err := fmt.Fprintln(c.OutOrStdout(), buildinfo.Read())
		return err
	}
}
