package program

import (
	"github.com/spf13/cobra"

	"github.com/drmhub/drmhub/server/internal/cli"
)

const completionHelp = `completion prints a script by which a shell completes commands, flags and values with the
Tab key. Names of resources are asked of the server.

  bash:        source <(drmhub completion bash)
  zsh:         drmhub completion zsh > "${fpath[1]}/_drmhub"
  fish:        drmhub completion fish > ~/.config/fish/completions/drmhub.fish
  PowerShell:  drmhub completion powershell | Out-String | Invoke-Expression`

var shells = []string{"bash", "zsh", "fish", "powershell"}

func completionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print the completion script of a shell: bash, zsh, fish or powershell",
		Long:  completionHelp,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return cli.Usagef("%s needs one shell: bash, zsh, fish or powershell", c.CommandPath())
			}
			return nil
		},
		ValidArgs: shells,
		RunE: func(c *cobra.Command, args []string) error {
			root, out := c.Root(), c.OutOrStdout()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(out, true)
			case "zsh":
				return root.GenZshCompletion(out)
			case "fish":
				return root.GenFishCompletion(out, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(out)
			}
			return cli.Usagef("there is no completion for %q: use bash, zsh, fish or powershell", args[0])
		},
	}
}
