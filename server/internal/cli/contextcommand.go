package cli

import (
	"cmp"
	"fmt"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

const contextHelp = `A context names a server, and where the client's token comes from. The file of contexts holds
no token.

  drmhub context set prod --server drmhub.example:9090 --token-command "vault read -field=token drmhub/token"
  drmhub context use prod

The commands of the client then call this server. --context and DRMHUB_CONTEXT choose another context for
one call. --server and DRMHUB_SERVER name a server without a context.`

func contextCommand() *cobra.Command {
	return Group(&cobra.Command{Use: "context", Short: "Which server the client calls, and by which identity",
		Long: contextHelp}, contextListCommand(), contextUseCommand(), contextSetCommand())
}

func contextListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the contexts",
		Args:  NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			all, err := readContexts()
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, columnGap, ' ', 0)
			for _, name := range all.names() {
				mark := ""
				if name == all.Current {
					mark = "\tcurrent"
				}
				fmt.Fprintf(w, "%s\t%s%s\n", name, cmp.Or(all.Contexts[name].Server, defaultServer), mark)
			}
			return w.Flush()
		},
	}
}

func contextUseCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "use NAME",
		Short:             "Make a context the current one",
		Args:              oneName,
		ValidArgsFunction: completeContexts,
		RunE: func(c *cobra.Command, args []string) error {
			all, err := readContexts()
			if err != nil {
				return err
			}
			kept, err := all.named(args[0])
			if err != nil {
				return err
			}
			all.Current = args[0]
			if err := all.write(); err != nil {
				return err
			}
			fmt.Fprintf(c.ErrOrStderr(), "The client now calls %s.\n", cmp.Or(kept.Server, defaultServer))
			return nil
		},
	}
}

func contextSetCommand() *cobra.Command {
	s := &settings{}
	c := &cobra.Command{
		Use:               "set NAME",
		Short:             "Make a context, or replace it",
		Args:              oneName,
		ValidArgsFunction: completeContexts,
		RunE: func(c *cobra.Command, args []string) error {
			kept := *s
			if c.Flags().Changed("plaintext") {
				kept.Plaintext = &s.plaintext
			}
			if kept.TokenFile != "" && kept.TokenCommand != "" {
				return Usagef("use either --token-file or --token-command")
			}
			// A context is used in any folder.
			for _, file := range []*string{&kept.TokenFile, &kept.TLSCA, &kept.TLSCert, &kept.TLSKey} {
				if whole, err := filepath.Abs(*file); err == nil && *file != "" {
					*file = whole
				}
			}
			all, err := readContexts()
			if err != nil {
				return err
			}
			all.Contexts[args[0]] = &kept
			all.Current = cmp.Or(all.Current, args[0])
			return all.write()
		},
	}
	s.addFlags(c)
	return c
}

// oneName demands one argument, a name without blanks.
func oneName(c *cobra.Command, args []string) error {
	if len(args) != 1 || args[0] == "" || strings.ContainsAny(args[0], " \t\r\n") {
		return Usagef("%s needs one name\nSee: %[1]s --help", c.CommandPath())
	}
	return nil
}
