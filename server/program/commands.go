package program

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drmhub/drmhub/adapters/catalog"
	"github.com/drmhub/drmhub/server/internal/app"
	"github.com/drmhub/drmhub/server/internal/cli"
	"github.com/drmhub/drmhub/server/internal/logs"
)

func emulateCommand() *cobra.Command {
	var listen string
	var seed uint64
	var hosts []string
	c := &cobra.Command{
		Use:     "emulate VENDOR",
		Short:   "Run the twin of one vendor",
		Example: "  drmhub emulate pallycon --listen 127.0.0.1:7001 --seed 1",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cli.Usagef("emulate needs a vendor, such as: %s pallycon", c.CommandPath())
			}
			if !slices.Contains(twins(), args[0]) {
				return cli.Usagef("there is no twin of %q: use one of %s", args[0], strings.Join(twins(), ", "))
			}
			return cli.NoArgs(c, args[1:])
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return twins(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, args []string) error {
			log := logs.New(c.ErrOrStderr(), slog.LevelInfo, "")
			return app.Emulate(c.Context(), log, args[0], listen, seed, func(addr string) {
				const said = "The twin of %s listens on http://%s; its admin path is http://%[2]s/_twin/\n"
				fmt.Fprintf(c.OutOrStdout(), said, args[0], addr)
			}, hosts...)
		},
	}
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:7001", "where the twin listens, `host:port`")
	c.Flags().Uint64Var(&seed, "seed", 1, "the seed `number` of its data")
	hostsFlag(c, &hosts, "the twin")
	return c
}

// twins returns the names of the vendors that have a twin.
func twins() []string {
	var names []string
	for _, k := range catalog.Kinds {
		names = append(names, k.Name)
	}
	return names
}

func auditCommand() *cobra.Command {
	var file string
	var lines []string
	verify := &cobra.Command{
		Use:   "verify",
		Short: "Fail unless the audit trail is whole",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return cli.Usagef("%q is not a flag: write --file %[1]s or --config %[1]s", args[0])
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case lines != nil && c.Flags().Changed("config"):
				return cli.Usagef("use either --config or --file")
			case lines != nil:
				return app.VerifyAuditFiles(lines, c.OutOrStdout())
			case !hasConfiguration(file):
				return cli.Usagef("verify needs --config (or DRMHUB_CONFIG) with a store, or --file with audit events")
			}
			return app.VerifyAudit(c.Context(), file, c.OutOrStdout())
		},
	}
	configFlag(verify, &file, "the configuration `file` that names the store")
	verify.Flags().StringArrayVar(&lines, "file", nil,
		"a `file` of audit events as JSON lines, instead of the store; may be repeated, oldest first")
	return cli.Group(&cobra.Command{Use: "audit", Short: "Check the audit trail"}, verify)
}
