package program

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drmhub/drmhub/adapters/catalog"
	"github.com/drmhub/drmhub/server/internal/app"
	"github.com/drmhub/drmhub/server/internal/cli"
	"github.com/drmhub/drmhub/server/internal/config"
	"github.com/drmhub/drmhub/server/internal/environment"
	"github.com/drmhub/drmhub/server/internal/logs"
)

// serving is what the flags of the server say.
type serving struct {
	file, grpcListen, httpListen string
	hosts                        []string
}

// serveCommand returns the root: without a command, the program is the server.
func serveCommand() *cobra.Command {
	s := &serving{}
	c := &cobra.Command{
		Use:   "drmhub",
		Short: "One API over the DRM vendors of a streaming service",
		Long: `drmhub is one API over the DRM vendors of a streaming service.
Without a command, it serves the vendors in a configuration file. Without a file, it runs the sandbox.`,
		Args: cli.NoArgs,
		RunE: s.run,
	}
	flags := c.Flags()
	configFlag(c, &s.file, "the configuration `file`; without it, the sandbox runs")
	flags.StringVar(&s.grpcListen, "grpc", "127.0.0.1:9090", "where the sandbox listens for gRPC, `host:port`")
	flags.StringVar(&s.httpListen, "http", "127.0.0.1:8080", "where the sandbox listens for REST, `host:port`")
	hostsFlag(c, &s.hosts, "the sandbox")
	return c
}

// configFlag adds the flag that names the server's configuration file.
func configFlag(c *cobra.Command, file *string, usage string) {
	c.Flags().StringVar(file, "config", os.Getenv(environment.Config), usage+" (or "+environment.Config+")")
	c.Flags().Lookup("config").DefValue = "" // The help is the same in every environment.
}

// hasConfiguration reports whether there is a configuration: a file, or the environment alone.
func hasConfiguration(file string) bool { return file != "" || len(config.Variables(os.Environ())) > 0 }

// hostsFlag adds the flag that names further hosts of a listener.
func hostsFlag(c *cobra.Command, hosts *[]string, of string) {
	c.Flags().StringArrayVar(hosts, "host", nil,
		"a further `name` by which callers reach "+of+", beside loopback and its address; may be repeated")
}

func (s *serving) run(c *cobra.Command, _ []string) error {
	ctx, out, errs := c.Context(), c.OutOrStdout(), c.ErrOrStderr()
	// The sandbox's twins outlive ctx, so that calls in flight can finish.
	twins, stopTwins := context.WithCancel(context.WithoutCancel(ctx))
	defer stopTwins()
	for _, name := range []string{"grpc", "http", "host"} {
		if hasConfiguration(s.file) && c.Flags().Changed(name) {
			return cli.Usagef("--grpc, --http and --host are for the sandbox: " +
				"set grpc.listen, http.listen and http.allowed_hosts in the configuration instead")
		}
	}
	cfg, running, err := s.configuration(twins)
	if err != nil {
		return err
	}
	a, err := app.Start(ctx, cfg, logs.New(errs, cfg.Log.Least(), logs.Format(cfg.Log.Format)))
	if err != nil {
		return err
	}
	if cfg.Audit.Stdout { // Standard output then holds audit events only.
		out = errs
	}
	keepLeastGarbage()
	fmt.Fprint(out, welcome(a.GRPCAddr(), a.HTTPURL(), running))
	return a.Serve(ctx)
}

// configuration returns the configuration in the file, or that of the sandbox with its twins.
func (s *serving) configuration(ctx context.Context) (*config.Config, []app.Twin, error) {
	if !hasConfiguration(s.file) {
		return app.Sandbox(ctx, s.grpcListen, s.httpListen, s.hosts...)
	}
	cfg, err := config.Read(s.file, kinds())
	return cfg, nil, err
}

// kinds returns the vendor sections that a configuration file may have.
func kinds() config.Kinds {
	kinds := config.Kinds{}
	for _, k := range catalog.Kinds {
		kinds[k.Name] = k.Settings
	}
	return kinds
}

// welcome returns the lines that say where the server listens and, in the sandbox, what to try.
func welcome(grpcAddr, restURL string, twins []app.Twin) string {
	var text strings.Builder
	fmt.Fprintf(&text, "drmhub is ready: the console on %[2]s/console/, gRPC on %[1]s, REST on %[2]s, "+
		"its description on %[2]s/docs\n", grpcAddr, restURL)
	if twins == nil {
		return text.String()
	}
	fmt.Fprintf(&text, `This is the sandbox, with a twin of each vendor inside. Open the console in a browser, or try:
  curl %[2]s/v1/vendors/-/sites
  curl '%[2]s/v1/vendors/-/sites/-/licenses?filter.userId=tester01&filter.status=FAILURE&pageSize=3'
  curl '%[2]s/v1/vendors/pallycon/sites/MOVI/licenses:explain?errorCode=7110&collectEvidence=true'
  %[3]s licenses list%[4]s --user-id tester01 --status FAILURE --limit 3
  go run github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.4 -plaintext %[1]s list
Each twin shows its requests, and takes orders for faults, below its admin path:
`, grpcAddr, restURL, self(), serverFlag(grpcAddr))
	for _, t := range twins {
		fmt.Fprintf(&text, "  %-9s %s/_twin/\n", t.Kind, t.URL)
	}
	return text.String()
}

// self returns how this program was called: by go run, or by its own name.
func self() string {
	if strings.Contains(filepath.ToSlash(os.Args[0]), "/go-build") {
		return "go run ./server"
	}
	return "drmhub"
}

// serverFlag returns the flag by which the client finds a server, if it needs one.
func serverFlag(grpcAddr string) string {
	if grpcAddr == "127.0.0.1:9090" {
		return ""
	}
	return " --server " + grpcAddr
}
