// Package certs holds the certificate, the key and the client authorities of a listener. It reads
// their files again when the content changes, and cuts no connection.
//
// The content is polled. Kubernetes replaces a mounted secret by a symbolic link to another folder,
// which events of the file system miss.
package certs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/drmhub/drmhub/server/internal/config"
)

const (
	// Interval is how often the files are read, unless Options sets another interval.
	Interval = 10 * time.Second
	// warnTime is how long before its end a certificate causes warnings.
	warnTime = 14 * 24 * time.Hour
	// warnPause is how long a warning is not repeated.
	warnPause = 24 * time.Hour
)

// Options say which files to serve, and how.
type Options struct {
	// Key is the section of the configuration that names the files, for logs and errors: grpc.tls.
	Key   string
	Files config.TLS
	// ClientAuth is what a client must show if Files has authorities for clients.
	ClientAuth tls.ClientAuthType
	// NextProtos are the protocols over TLS, the preferred one first.
	NextProtos []string
	Log        *slog.Logger
	Interval   time.Duration // 0: Interval
}

// Certificates are the files of one listener, as they could last be used.
type Certificates struct {
	Options
	config  *tls.Config // of the listener. It holds the keys of the session tickets
	current atomic.Pointer[pair]
	reading sync.Mutex // of Files, which Prepare replaces

	// What Watch has logged.
	failure string
	failed  [sha256.Size]byte
	warned  time.Time
	expired bool
}

// A pair is a certificate with its key, and what goes with them.
type pair struct {
	sum    [sha256.Size]byte // of the files
	config *tls.Config
	expiry time.Time
}

// Load reads the files for the first time.
func Load(o Options) (*Certificates, error) {
	if o.Interval == 0 {
		o.Interval = Interval
	}
	c := &Certificates{Options: o}
	c.config = &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: c.NextProtos,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			return c.current.Load().config, nil
		},
	}
	if _, _, err := c.reload(); err != nil {
		return nil, fmt.Errorf("%s.%w", o.Key, err)
	}
	return c, nil
}

// Config returns the settings of a listener. Each handshake uses the files as they were last read.
// A session ticket of an authority that is gone counts for nothing: crypto/tls looks for the
// authority whenever a session is resumed.
func (c *Certificates) Config() *tls.Config { return c.config }

// Leaf returns the listener's certificate. Its names are those of the server.
func (c *Certificates) Leaf() *x509.Certificate { return c.current.Load().config.Certificates[0].Leaf }

// Expiry returns when the listener's certificate ends, or an intermediate one that goes with it.
func (c *Certificates) Expiry() time.Time { return c.current.Load().expiry }

// Prepare reads other files, and returns the function that serves them from then on. An error
// changes nothing.
func (c *Certificates) Prepare(files config.TLS) (use func(), err error) {
	next, err := c.read(files)
	if err != nil {
		return nil, fmt.Errorf("%s.%w", c.Key, err)
	}
	return func() {
		c.reading.Lock()
		defer c.reading.Unlock()
		c.Files = files
		c.current.Store(next)
	}, nil
}

// Watch reads the files after each interval until ctx ends. Files that cannot be used change
// nothing: they may be half of an update.
func (c *Certificates) Watch(ctx context.Context) {
	tick := time.NewTicker(c.Interval)
	defer tick.Stop()
	for {
		c.warn(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			c.poll(ctx)
		}
	}
}

// poll reads the files. It logs a failure only if that is another one than before.
func (c *Certificates) poll(ctx context.Context) {
	sum, changed, err := c.reload()
	if err != nil {
		if c.failure != err.Error() || c.failed != sum {
			c.Log.ErrorContext(ctx, "certificates cannot be read again: the earlier ones stay in use",
				"listener", c.Key, "error", err)
		}
		c.failure, c.failed = err.Error(), sum
		return
	}
	c.failure = ""
	if changed {
		c.warned = time.Time{}
		c.Log.InfoContext(ctx, "certificates were read again", "listener", c.Key, "expiry", c.Expiry())
	}
}

// warn logs that the certificate ends soon, or has ended.
func (c *Certificates) warn(ctx context.Context) {
	left := time.Until(c.Expiry())
	expired := left <= 0
	if left > warnTime || time.Since(c.warned) < warnPause && expired == c.expired {
		return
	}
	c.warned, c.expired = time.Now(), expired
	if expired {
		c.Log.ErrorContext(ctx, "the certificate has expired: clients refuse it. Replace its files",
			"listener", c.Key, "expiry", c.Expiry())
		return
	}
	c.Log.WarnContext(ctx, "the certificate expires soon: replace its files", "listener", c.Key, "expiry", c.Expiry())
}

// reload reads the files, and reports whether they have changed. An error changes nothing.
func (c *Certificates) reload() (sum [sha256.Size]byte, changed bool, err error) {
	c.reading.Lock()
	defer c.reading.Unlock()
	next, err := c.read(c.Files)
	if next == nil {
		return sum, false, err
	}
	if last := c.current.Load(); err != nil || last != nil && last.sum == next.sum {
		return next.sum, false, err
	}
	c.current.Store(next)
	return next.sum, true, nil
}

// read returns what files hold. With an error, it returns at most the sum.
func (c *Certificates) read(files config.TLS) (*pair, error) {
	var content [3][]byte
	hash := sha256.New()
	for i, file := range []struct {
		key  string
		path config.Path
	}{{"cert", files.Cert}, {"key", files.Key}, {"client_ca", files.ClientCA}} {
		if file.path == "" && file.key == "client_ca" {
			continue
		}
		var err error
		if content[i], err = os.ReadFile(string(file.path)); err != nil {
			return nil, fmt.Errorf("%s: %w", file.key, err)
		}
		fmt.Fprintf(hash, "%d ", len(content[i]))
		hash.Write(content[i])
	}
	next, err := c.newPair(content[0], content[1], content[2], files.ClientCA != "")
	if err != nil {
		next = &pair{}
	}
	hash.Sum(next.sum[:0])
	return next, err
}

// newPair returns what the files hold. asks says that clients are asked for a certificate.
func (c *Certificates) newPair(cert, key, authorities []byte, asks bool) (*pair, error) {
	chain, err := parse(cert)
	if err != nil {
		return nil, fmt.Errorf("cert: %w", err)
	}
	served, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("cert and key: %w", err)
	}
	p := &pair{expiry: chain[0].NotAfter, config: &tls.Config{
		MinVersion:   tls.VersionTLS12,
		NextProtos:   c.NextProtos,
		Certificates: []tls.Certificate{served},
	}}
	for _, other := range chain {
		if other.NotAfter.Before(p.expiry) {
			p.expiry = other.NotAfter
		}
	}
	if !asks {
		return p, nil
	}
	roots, err := parse(authorities)
	if err != nil {
		return nil, fmt.Errorf("client_ca: %w", err)
	}
	p.config.ClientAuth, p.config.ClientCAs = c.ClientAuth, x509.NewCertPool()
	for _, root := range roots {
		p.config.ClientCAs.AddCert(root)
	}
	return p, nil
}

// parse returns the certificates of a PEM file. The standard library skips a block that is cut off,
// so that a file that is half written would lock out clients.
func parse(raw []byte) (all []*x509.Certificate, err error) {
	begun, read := bytes.Count(raw, []byte("-----BEGIN ")), 0
	for block, rest := pem.Decode(raw); block != nil; block, rest = pem.Decode(rest) {
		read++
		if block.Type != "CERTIFICATE" {
			continue
		}
		one, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d of the file cannot be read: %w", len(all)+1, err)
		}
		all = append(all, one)
	}
	if read != begun {
		return nil, fmt.Errorf("only %d of %d PEM blocks can be read: the file is damaged or half written", read, begun)
	}
	if len(all) == 0 {
		return nil, errors.New("the file holds no certificate in PEM form")
	}
	return all, nil
}
