// Command server runs drmhub.
//
//	server                                     runs the sandbox with a twin of every vendor
//	server --config drmhub.yaml                serves the vendors in the file, or in the file in DRMHUB_CONFIG
//	server emulate pallycon --listen 127.0.0.1:7001 --seed 1
//	                                           runs the twin of one vendor
//	server health                              fails unless the server on this machine takes calls
//	server audit verify --config drmhub.yaml   fails unless the audit trail in the file's store is whole
//	server audit verify --file audit.jsonl     does the same for files of audit events, oldest first
//	server keygen --out k2.pem                 makes a key that signs tokens
//	server token --key k2.pem --kid k2 --subject billing --roles viewer --config drmhub.yaml
//	                                           signs a token for a machine
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
	_ "time/tzdata" // the vendors' time zones, on machines that have none

	"github.com/drmhub/drmhub/adapters/catalog"
	"github.com/drmhub/drmhub/server/internal/app"
	"github.com/drmhub/drmhub/server/internal/config"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// commands is the start of the program's help. A command's own flags are in its own help.
const commands = `Usage:
  server [flags]           run the sandbox, or serve the vendors in a configuration file
  server emulate VENDOR    run the twin of one vendor
  server health            fail unless the server on this machine takes calls
  server audit verify      fail unless the audit trail is whole
  server keygen            make a key that signs tokens
  server token             sign a token for a machine
Each command lists its flags with -h, as in: server emulate pallycon -h

Flags of server:
`

func run(ctx context.Context, args []string, out, errs io.Writer) error {
	if len(args) > 0 && args[0] == "emulate" {
		return emulate(ctx, args[1:], out, errs)
	}
	if len(args) > 0 && args[0] == "health" {
		return health(ctx, args[1:], errs)
	}
	if len(args) > 0 && args[0] == "audit" {
		return verifyAudit(ctx, args[1:], out, errs)
	}
	if len(args) > 0 && args[0] == "keygen" {
		return keygen(args[1:], out, errs)
	}
	if len(args) > 0 && args[0] == "token" {
		return signToken(ctx, args[1:], out, errs)
	}
	flags := flag.NewFlagSet("server", flag.ContinueOnError)
	flags.SetOutput(errs)
	flags.Usage = func() {
		fmt.Fprint(errs, commands)
		flags.PrintDefaults()
	}
	const usage = "the configuration `file`; without it, the sandbox runs"
	file := flags.String("config", os.Getenv("DRMHUB_CONFIG"), usage)
	grpcListen := flags.String("grpc", "127.0.0.1:9090", "where the sandbox listens for gRPC, `host:port`")
	httpListen := flags.String("http", "127.0.0.1:8080", "where the sandbox listens for REST, `host:port`")
	hosts := hostsFlag(flags, "the sandbox")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unknown command %q: use emulate, health, audit, keygen or token, "+
			"or none to run the server", flags.Arg(0))
	}
	// The sandbox's twins outlive ctx, so that calls in flight can finish.
	twins, stopTwins := context.WithCancel(context.WithoutCancel(ctx))
	defer stopTwins()
	cfg, running, err := configuration(twins, *file, *grpcListen, *httpListen, *hosts)
	if err != nil {
		return err
	}
	if *file != "" && (isSet(flags, "grpc") || isSet(flags, "http") || isSet(flags, "host")) {
		return errors.New("--grpc, --http and --host are for the sandbox: " +
			"set grpc.listen, http.listen and http.allowed_hosts in the configuration file instead")
	}
	a, err := app.Start(ctx, cfg, slog.New(slog.NewTextHandler(errs, nil)))
	if err != nil {
		return err
	}
	if cfg.Audit.Stdout { // Standard output then holds audit events only.
		out = errs
	}
	fmt.Fprint(out, welcome(a.GRPCAddr(), a.HTTPURL(), running))
	return a.Serve(ctx)
}

// hostsFlag adds the flag that names further hosts of a listener.
func hostsFlag(flags *flag.FlagSet, of string) *[]string {
	hosts := new([]string)
	usage := "a further `name` by which callers reach " + of + ", beside loopback and its address; may be repeated"
	flags.Func("host", usage, func(host string) error {
		*hosts = append(*hosts, host)
		return nil
	})
	return hosts
}

func isSet(flags *flag.FlagSet, name string) bool {
	set := false
	flags.Visit(func(f *flag.Flag) { set = set || f.Name == name })
	return set
}

// configuration returns the configuration in the file, or that of the sandbox with its twins.
func configuration(
	ctx context.Context, file, grpcListen, httpListen string, hosts []string,
) (*config.Config, []app.Twin, error) {
	if file == "" {
		return app.Sandbox(ctx, grpcListen, httpListen, hosts...)
	}
	kinds := config.Kinds{}
	for _, k := range catalog.Kinds {
		kinds[k.Name] = k.Settings
	}
	cfg, err := config.Read(file, kinds)
	return cfg, nil, err
}

// welcome returns the lines that say where the server listens and, in the sandbox, what to try.
func welcome(grpcAddr, restURL string, twins []app.Twin) string {
	var text strings.Builder
	fmt.Fprintf(&text, "drmhub is ready: gRPC on %s, REST on %s, its description on %[2]s/docs\n",
		grpcAddr, restURL)
	if twins == nil {
		return text.String()
	}
	fmt.Fprintf(&text, `This is the sandbox, with a twin of each vendor inside. Try:
  curl %[2]s/v1/vendors/-/sites
  curl '%[2]s/v1/vendors/-/sites/-/licenses?filter.userId=tester01&filter.status=FAILURE&pageSize=3'
  go run github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.4 -plaintext %[1]s list
Each twin shows its requests, and takes orders for faults, below its admin path:
`, grpcAddr, restURL)
	for _, t := range twins {
		fmt.Fprintf(&text, "  %-9s %s/_twin/\n", t.Kind, t.URL)
	}
	return text.String()
}

func emulate(ctx context.Context, args []string, out, errs io.Writer) error {
	flags := flag.NewFlagSet("server emulate", flag.ContinueOnError)
	flags.SetOutput(errs)
	listen := flags.String("listen", "127.0.0.1:7001", "where the twin listens, `host:port`")
	seed := flags.Uint64("seed", 1, "the seed `number` of its data")
	hosts := hostsFlag(flags, "the twin")
	if len(args) == 0 {
		return errors.New("emulate needs a vendor, such as: server emulate pallycon")
	}
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	return app.Emulate(ctx, args[0], *listen, *seed, func(addr string) {
		fmt.Fprintf(out, "The twin of %s listens on http://%s; its admin path is http://%[2]s/_twin/\n", args[0], addr)
	}, *hosts...)
}

func verifyAudit(ctx context.Context, args []string, out, errs io.Writer) error {
	if len(args) == 0 || args[0] != "verify" {
		return errors.New("audit needs a command: server audit verify")
	}
	flags := flag.NewFlagSet("server audit verify", flag.ContinueOnError)
	flags.SetOutput(errs)
	file := flags.String("config", os.Getenv("DRMHUB_CONFIG"), "the configuration `file` that names the store")
	var lines []string
	const usage = "a `file` of audit events as JSON lines, instead of the store; may be repeated, oldest first"
	flags.Func("file", usage, func(path string) error {
		lines = append(lines, path)
		return nil
	})
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("%q is not a flag: write --file %[1]s or --config %[1]s", flags.Arg(0))
	case lines != nil && isSet(flags, "config"):
		return errors.New("use either --config or --file")
	case lines != nil:
		return app.VerifyAuditFiles(lines, out)
	case *file == "":
		return errors.New("verify needs --config (or DRMHUB_CONFIG) with a store, or --file with audit events")
	}
	return app.VerifyAudit(ctx, *file, out)
}

// healthTime bounds how long a server may take to say that it is ready.
const healthTime = 3 * time.Second

// health asks a running server whether it takes calls. It serves as the health check of an image that
// has no shell.
func health(ctx context.Context, args []string, errs io.Writer) error {
	flags := flag.NewFlagSet("server health", flag.ContinueOnError)
	flags.SetOutput(errs)
	url := flags.String("url", "http://127.0.0.1:8080", "the `URL` of the server's REST face")
	if err := flags.Parse(args); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, healthTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, *url+"/readyz", nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s returns %s", req.URL, res.Status)
	}
	return nil
}
