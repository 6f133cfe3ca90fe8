package program

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/drmhub/drmhub/server/internal/cli"
	"github.com/drmhub/drmhub/server/internal/config"
)

// healthTime bounds how long a server may take to say that it is ready.
const healthTime = 3 * time.Second

const healthHelp = `health asks the server on this machine whether it takes calls, and fails unless it does. It
serves as the health check of an image that has no shell.

With a configuration, it asks ops.listen, or else http.listen. Over TLS, it expects the certificate of the
configuration itself, so that no name and no authority must fit.`

// healthCommand asks a running server whether it takes calls.
func healthCommand() *cobra.Command {
	var url, file string
	c := &cobra.Command{
		Use:   "health",
		Short: "Fail unless the server on this machine takes calls",
		Long:  healthHelp,
		Args:  cli.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(c.Context(), healthTime)
			defer cancel()
			if !hasConfiguration(file) || c.Flags().Changed("url") {
				return askReady(ctx, url, http.DefaultClient)
			}
			rest, ops, err := config.ReadListeners(file)
			switch {
			case err != nil:
				return err
			case ops != nil:
				return askReady(ctx, "http://"+here(ops.Listen), http.DefaultClient)
			case rest.TLS == nil:
				return askReady(ctx, "http://"+here(rest.Listen), http.DefaultClient)
			}
			return askTLS(ctx, "https://"+here(rest.Listen), *rest.TLS, c.ErrOrStderr())
		},
	}
	c.Flags().StringVar(&url, "url", "http://127.0.0.1:8080",
		"the `URL` of the server's REST face, instead of the configuration's")
	configFlag(c, &file, "the `file` that says where the server listens")
	return c
}

// here returns an address by which this machine reaches what listens at an address.
func here(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	switch ip, err := netip.ParseAddr(host); {
	case host == "":
		host = "127.0.0.1"
	case err == nil && ip.IsUnspecified() && ip.Is4():
		host = "127.0.0.1"
	case err == nil && ip.IsUnspecified():
		host = "::1"
	}
	return net.JoinHostPort(host, port)
}

func askReady(ctx context.Context, url string, client *http.Client) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/readyz", nil)
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s returns %s", req.URL, res.Status)
	}
	return nil
}

// askTLS is askReady over TLS. A listener that demands certificates of clients may let nobody in
// whom the program could be. Then it is enough that the listener has the right certificate, and
// refuses by TLS.
func askTLS(ctx context.Context, url string, files config.TLS, errs io.Writer) error {
	pair, err := tls.LoadX509KeyPair(string(files.Cert), string(files.Key))
	if err != nil {
		return fmt.Errorf("the certificate of http.tls cannot be read: %w", err)
	}
	proved := false
	trust := &tls.Config{
		MinVersion: tls.VersionTLS12,
		// VerifyConnection replaces the check of names and authorities.
		InsecureSkipVerify: true, //nolint:gosec // see above
		VerifyConnection: func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) == 0 || !bytes.Equal(s.PeerCertificates[0].Raw, pair.Certificate[0]) {
				return errors.New("another certificate than that of http.tls is in use there")
			}
			proved = true
			return nil
		},
	}
	// In mode jwt, a client needs no certificate. In mode none, the server's own may do.
	for _, own := range []bool{false, true} {
		if own {
			trust = trust.Clone()
			trust.Certificates = []tls.Certificate{pair}
		}
		transport := &http.Transport{TLSClientConfig: trust, DisableKeepAlives: true}
		err = askReady(ctx, url, &http.Client{Transport: transport})
		if err == nil || files.ClientCA == "" || !strings.Contains(err.Error(), "remote error: tls:") {
			return err
		}
	}
	if !proved {
		return err
	}
	fmt.Fprintln(errs, "The server is there. It cannot be asked whether it is ready, since http.tls.client_ca keeps "+
		"this command out: set ops.listen.")
	return nil
}
