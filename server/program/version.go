package program

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// version returns the version of the program: that of the module, or the commit it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return versionOf(info)
}

func versionOf(info *debug.BuildInfo) string {
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	text := info.Main.Version
	if text == "" {
		text = "(devel)"
	}
	const short = 12
	if commit := settings["vcs.revision"]; len(commit) > short && !strings.Contains(text, commit[:short]) {
		text += ", commit " + commit[:short]
	}
	if made := settings["vcs.time"]; made != "" {
		text += ", of " + made
	}
	if settings["vcs.modified"] == "true" {
		text += ", with changes"
	}
	return text
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of the program",
		Args:  noArgs,
		Run: func(c *cobra.Command, _ []string) {
			fmt.Fprintf(c.OutOrStdout(), "drmhub version %s\n%s, %s/%s\n",
				version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
		},
	}
}
