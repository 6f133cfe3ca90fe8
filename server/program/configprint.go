package program

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/drmhub/drmhub/server/internal/cli"
	"github.com/drmhub/drmhub/server/internal/config"
)

func configPrintCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "print [FILE]",
		Short: "Print a configuration with its defaults, without secrets",
		Long: "print reads a configuration file, and prints it with all defaults and with the keys from the " +
			"environment.\nSecrets are [redacted]. The file is the argument, or DRMHUB_CONFIG.",
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			file, err := configFile(c, args)
			if err != nil {
				return err
			}
			cfg, err := config.Read(file, kinds())
			if err != nil {
				return err
			}
			return config.Print(c.OutOrStdout(), cfg)
		},
	}
}

func configSchemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of configuration files, for editors",
		Long:  "schema prints the JSON Schema of configuration files. Editors complete and check keys by it.",
		Args:  cli.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			schema, err := config.Schema(kinds())
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "%s\n", schema)
			return err
		},
	}
}
