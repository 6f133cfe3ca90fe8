package cli

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/drmhub/drmhub/server/internal/buildinfo"
)

// client is what the flags say of the server, of the identity and of the output.
type client struct {
	settings
	context string
	output  string
	timeout time.Duration
	retries int
}

// clientFlags are the flags of every command of the client. No field of a request takes their
// names.
var clientFlags = []string{
	"help", "server", "context", "token-file", "token-command", "plaintext", "tls-ca", "tls-cert", "tls-key",
	"tls-server-name", "output", "timeout", "retries", "json", "all", "limit",
}

const (
	defaultServer  = "localhost:9090"
	defaultPort    = "9090"
	defaultTimeout = time.Minute
	defaultRetries = 3
	// maxMessage bounds a response, in bytes. A page of 1000 rows is smaller.
	maxMessage = 64 << 20
	// connectTime bounds how long a server may take to accept a connection.
	connectTime = 10 * time.Second
)

func (l *client) addFlags(c *cobra.Command) {
	flags := c.PersistentFlags()
	l.settings.addFlags(c)
	flags.StringVar(&l.context, "context", "", "the context with server and identity, by `name` (or DRMHUB_CONTEXT)")
	flags.StringVarP(&l.output, "output", "o", "", "the `format`: "+strings.Join(formats, ", ")+
		". The default is table on a terminal, and tsv elsewhere")
	flags.DurationVar(&l.timeout, "timeout", defaultTimeout, "how long one call may take; a stream has no limit")
	flags.IntVar(&l.retries, "retries", defaultRetries, "how `often` a call that may safely be repeated is repeated")
	_ = c.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp))
	_ = c.RegisterFlagCompletionFunc("context", completeContexts)
}

// A session is a connection to a server.
type session struct {
	cmd     *cobra.Command
	conn    *grpc.ClientConn
	address string
	errs    io.Writer
	timeout time.Duration
	retries int
	sent    bool // a request may have reached the server
}

// open returns the printer and the session that the flags ask for. The caller closes the session.
func (l *client) open(c *cobra.Command) (*printer, *session, error) {
	p, err := l.printer(c)
	if err != nil {
		return nil, nil, err
	}
	s, err := l.dial(c)
	return p, s, err
}

// dial returns a session with the server that flags, environment and context name. It does not
// connect.
func (l *client) dial(c *cobra.Command) (*session, error) {
	switch {
	case l.timeout <= 0:
		return nil, Usagef("--timeout must be more than 0s")
	case l.retries < 0:
		return nil, Usagef("--retries must be at least 0")
	}
	to, err := l.resolve(c)
	if err != nil {
		return nil, err
	}
	transport, err := to.transport()
	if err != nil {
		return nil, err
	}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage)),
		grpc.WithUserAgent("drmhub/" + buildinfo.Read().Version),
		grpc.WithDisableRetry(), // The session repeats calls itself.
	}
	if identity := to.identity(); identity != nil {
		options = append(options, grpc.WithPerRPCCredentials(identity))
	}
	conn, err := grpc.NewClient(to.Server, options...)
	if err != nil {
		return nil, Usagef("%q is not the address of a server, such as %s: %w", to.Server, defaultServer, err)
	}
	return &session{
		cmd: c, conn: conn, address: to.Server, errs: c.ErrOrStderr(), timeout: l.timeout, retries: l.retries,
	}, nil
}

func (s *session) close() { _ = s.conn.Close() }

// connect blocks until there is a connection. If it fails, nothing was sent over it.
func (s *session) connect(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	s.conn.Connect()
	for state := s.conn.GetState(); state != connectivity.Ready; state = s.conn.GetState() {
		if state != connectivity.TransientFailure {
			if !s.conn.WaitForStateChange(ctx, state) {
				return fmt.Errorf("%s does not respond: %w", s.address, ctx.Err())
			}
			continue
		}
		// Only the error of a call says why.
		if _, err := healthpb.NewHealthClient(s.conn).Check(ctx, &healthpb.HealthCheckRequest{}); err != nil {
			return fmt.Errorf("there is no connection to %s: %s", s.address, connectionProblem(err))
		}
	}
	return nil
}

// connectionProblem returns the cause in the text of gRPC's error.
func connectionProblem(err error) string {
	text := status.Convert(err).Message()
	if i := strings.LastIndex(text, `desc = "`); i >= 0 {
		text = strings.TrimSuffix(text[i+len(`desc = "`):], `"`)
	}
	return Clean(text)
}

// isLoopback reports whether an address is on this machine.
func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
