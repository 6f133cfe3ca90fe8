package cli

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/drmhub/drmhub/server/internal/environment"
)

// settings say which server to call, and by which identity. They are also what a context keeps, so
// they hold no secret.
type settings struct {
	Server        string `json:"server,omitempty"`
	TokenFile     string `json:"token_file,omitempty"`
	TokenCommand  string `json:"token_command,omitempty"`
	Plaintext     *bool  `json:"plaintext,omitempty"`
	TLSCA         string `json:"tls_ca,omitempty"`
	TLSCert       string `json:"tls_cert,omitempty"`
	TLSKey        string `json:"tls_key,omitempty"`
	TLSServerName string `json:"tls_server_name,omitempty"`

	plaintext bool   // the flag
	token     string // the token itself, which only the environment holds
}

func (s *settings) addFlags(c *cobra.Command) {
	flags := c.PersistentFlags()
	flags.StringVar(&s.Server, "server", "",
		"the gRPC `address` of the server, by default "+defaultServer+" (or "+environment.Server+")")
	flags.StringVar(&s.TokenFile, "token-file", "", "the `file` with the token (or "+
		environment.BearerFile+"; "+environment.Bearer+" holds a token itself)")
	flags.StringVar(&s.TokenCommand, "token-command", "", "the `command` that prints the token")
	flags.BoolVar(&s.plaintext, "plaintext", false,
		"call without TLS; the default is TLS, except for a server on this machine")
	flags.StringVar(&s.TLSCA, "tls-ca", "", "the `file` of authorities to trust, in PEM, instead of the system's")
	flags.StringVar(&s.TLSCert, "tls-cert", "", "the `file` of the client's certificate, in PEM")
	flags.StringVar(&s.TLSKey, "tls-key", "", "the `file` of the client's private key, in PEM")
	flags.StringVar(&s.TLSServerName, "tls-server-name", "",
		"the `name` in the server's certificate, if not that in the address")
}

// resolve returns the settings for a call. The first of these decides about the server: --server,
// --context, DRMHUB_SERVER, DRMHUB_CONTEXT, the current context, the default. So a server that is
// named without its context never gets the context's token. Flags for identity and TLS, and then
// the variables for a token, come before the context's.
func (l *client) resolve(c *cobra.Command) (*settings, error) {
	to := &settings{}
	named := cmp.Or(l.context, os.Getenv(environment.Context))
	switch {
	case l.Server != "" && l.context != "":
		return nil, Usagef("use either --server or --context")
	case l.Server != "":
		to.Server = l.Server
	case l.context == "" && os.Getenv(environment.Server) != "":
		to.Server = os.Getenv(environment.Server)
	default:
		kept, err := contextNamed(named)
		if err != nil {
			return nil, err
		}
		to = kept
	}
	to.Server = cmp.Or(to.Server, defaultServer)
	if strings.Contains(to.Server, "://") {
		return nil, Usagef("%q is a URL: write host:port of gRPC, such as %s", to.Server, defaultServer)
	}
	if _, _, err := net.SplitHostPort(to.Server); err != nil {
		to.Server = net.JoinHostPort(strings.Trim(to.Server, "[]"), defaultPort)
	}
	if c.Flags().Changed("plaintext") {
		to.Plaintext = &l.plaintext
	}
	to.TLSCA = cmp.Or(l.TLSCA, to.TLSCA)
	if l.TLSCert != "" || l.TLSKey != "" {
		to.TLSCert, to.TLSKey = l.TLSCert, l.TLSKey
	}
	to.TLSServerName = cmp.Or(l.TLSServerName, to.TLSServerName)
	switch token, file := os.Getenv(environment.Bearer), os.Getenv(environment.BearerFile); {
	case l.TokenFile != "" || l.TokenCommand != "":
		to.TokenFile, to.TokenCommand = l.TokenFile, l.TokenCommand
	case token != "":
		to.token, to.TokenFile, to.TokenCommand = token, "", ""
	case file != "":
		to.TokenFile, to.TokenCommand = file, ""
	}
	if to.TokenFile != "" && to.TokenCommand != "" {
		return nil, Usagef("use either --token-file or --token-command")
	}
	return to, nil
}

// transport returns the credentials of the connection.
func (s *settings) transport() (credentials.TransportCredentials, error) {
	hasTLS := s.TLSCA != "" || s.TLSCert != "" || s.TLSKey != "" || s.TLSServerName != ""
	plaintext := !hasTLS && isLoopback(s.Server)
	if s.Plaintext != nil {
		plaintext = *s.Plaintext
	}
	if plaintext {
		if hasTLS {
			return nil, Usagef("use either --plaintext or the settings of TLS")
		}
		return insecure.NewCredentials(), nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: s.TLSServerName}
	if s.TLSCA != "" {
		text, err := os.ReadFile(s.TLSCA)
		if err != nil {
			return nil, Usagef("the authorities cannot be read: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, Usagef("%s holds no certificate in PEM", s.TLSCA)
		}
	}
	if s.TLSCert != "" || s.TLSKey != "" {
		pair, err := tls.LoadX509KeyPair(s.TLSCert, s.TLSKey)
		if err != nil {
			return nil, Usagef("the client's certificate cannot be used: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return credentials.NewTLS(config), nil
}

// identity returns what shows the token, or nil without a token.
func (s *settings) identity() *bearer {
	if s.token == "" && s.TokenFile == "" && s.TokenCommand == "" {
		return nil
	}
	return &bearer{text: s.token, file: s.TokenFile, command: s.TokenCommand}
}

// bearer shows a token with each call.
type bearer struct {
	text, file, command string
	mu                  sync.Mutex
	until               time.Time // text is the output of the command until then
}

// commandTime is how long the output of a token command is used before it runs again.
const commandTime = 30 * time.Second

// RequireTransportSecurity is false, since the caller chooses TLS or plain text for the connection.
func (b *bearer) RequireTransportSecurity() bool { return false }

// GetRequestMetadata returns the header with the token.
func (b *bearer) GetRequestMetadata(ctx context.Context, _ ...string) (map[string]string, error) {
	token, err := b.token(ctx)
	if err != nil {
		return nil, status.Error(codes.Unauthenticated, err.Error())
	}
	if token == "" || strings.ContainsAny(token, " \r\n\t") {
		return nil, status.Error(codes.Unauthenticated, "the token is empty, or is no token")
	}
	return map[string]string{"authorization": "Bearer " + token}, nil
}

func (b *bearer) token(ctx context.Context) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.file != "":
		text, err := os.ReadFile(b.file)
		if err != nil {
			return "", fmt.Errorf("the token cannot be read: %w", err)
		}
		return strings.TrimSpace(string(text)), nil
	case b.command != "" && time.Now().After(b.until):
		text, err := output(ctx, b.command)
		if err != nil {
			return "", err
		}
		b.text, b.until = text, time.Now().Add(commandTime)
	}
	return strings.TrimSpace(b.text), nil
}

// output runs a command in the shell, and returns what it prints.
func output(ctx context.Context, command string) (string, error) {
	shell := []string{"/bin/sh", "-c"}
	if runtime.GOOS == "windows" {
		shell = []string{"cmd", "/C"}
	}
	// The user's own settings name the command.
	run := exec.CommandContext(ctx, shell[0], shell[1], command) //nolint:gosec // see above
	run.Stderr = os.Stderr
	text, err := run.Output()
	if err != nil {
		return "", errors.Join(errors.New("the command that prints the token failed"), err)
	}
	return string(text), nil
}
