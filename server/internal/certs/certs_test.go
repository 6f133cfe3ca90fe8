package certs_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drmhub/drmhub/server/internal/certs"
	"github.com/drmhub/drmhub/server/internal/certs/certstest"
	"github.com/drmhub/drmhub/server/internal/config"
)

const year = 365 * 24 * time.Hour

// A fixture is a listener's files that are watched, by the clock of a bubble.
type fixture struct {
	*testing.T
	files   config.TLS
	server  *certstest.Authority
	clients *certstest.Authority
	certs   *certs.Certificates
	log     *syncBuffer
}

// A syncBuffer is a log that is read while it is written.
type syncBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *syncBuffer) Reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text.Reset()
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// run watches files in a bubble while the test changes them.
func run(t *testing.T, clientAuth tls.ClientAuthType, test func(f *fixture)) {
	synctest.Test(t, func(t *testing.T) {
		f := &fixture{T: t, files: certstest.Files(t.TempDir()), log: &syncBuffer{}}
		f.server, f.clients = certstest.NewAuthority(t, "servers"), certstest.NewAuthority(t, "clients")
		cert, key := f.server.Server(t, "first", year)
		certstest.Write(t, f.files, cert, key, f.clients.PEM)
		f.load(clientAuth)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		watched := f.certs // A test may load others.
		go func() { watched.Watch(ctx); close(done) }()
		time.Sleep(time.Second) // The test works between two polls.
		test(f)
		cancel()
		<-done
	})
}

func (f *fixture) load(clientAuth tls.ClientAuthType) {
	f.Helper()
	var err error
	if f.certs, err = certs.Load(certs.Options{
		Key: "grpc.tls", Files: f.files, ClientAuth: clientAuth, NextProtos: []string{"h2"},
		Log: slog.New(slog.NewTextHandler(f.log, nil)),
	}); err != nil {
		f.Fatal(err)
	}
}

// polled waits until the files were read again.
func (f *fixture) polled() { time.Sleep(certs.Interval) }

// logged returns how often the log holds a text.
func (f *fixture) logged(text string) int { return strings.Count(f.log.String(), text) }

// client returns the settings of a client, whose sessions can be resumed.
func (f *fixture) client(own ...tls.Certificate) *tls.Config {
	return &tls.Config{
		RootCAs: f.server.Pool(), ServerName: "localhost", Certificates: own, NextProtos: []string{"h2"},
		ClientSessionCache: tls.NewLRUClientSessionCache(1), MinVersion: tls.VersionTLS12,
	}
}

// connect makes a handshake and reads a byte. It returns what the server sees.
func (f *fixture) connect(client *tls.Config) (seen tls.ConnectionState, by string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.Fatal(err)
	}
	defer l.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		far, err := l.Accept()
		if err != nil {
			return
		}
		defer far.Close()
		server := tls.Server(far, f.certs.Config())
		if _, err := server.Write([]byte("x")); err == nil {
			seen = server.ConnectionState()
			_, _ = far.Read(make([]byte, 1)) // until the client leaves
		}
	}()
	near, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		f.Fatal(err)
	}
	conn := tls.Client(near, client)
	_, err = io.ReadFull(conn, make([]byte, 1))
	near.Close()
	<-done
	if err == nil {
		by = conn.ConnectionState().PeerCertificates[0].Subject.CommonName
	}
	return seen, by, err
}

func TestHandshakesUseTheLatestFiles(t *testing.T) {
	run(t, tls.RequireAndVerifyClientCert, func(f *fixture) {
		billing := f.client(f.clients.Client(t, "spiffe://acme/billing"))
		for resumed := range 2 {
			seen, by, err := f.connect(billing)
			if err != nil || by != "first" || seen.DidResume != (resumed == 1) || seen.NegotiatedProtocol != "h2" ||
				len(seen.VerifiedChains) != 1 || seen.VerifiedChains[0][0].URIs[0].Host != "acme" {
				t.Errorf("connection %d: by %s, %+v, %v", resumed, by, seen, err)
			}
		}
		if _, _, err := f.connect(f.client()); err == nil {
			t.Error("a client without a certificate got in")
		}
		old := f.client(f.clients.Client(t, "spiffe://acme/billing"))
		old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
		if _, _, err := f.connect(old); err == nil {
			t.Error("TLS 1.1 is taken")
		}

		cert, key := f.server.Server(t, "second", 2*year)
		certstest.Write(t, f.files, cert, nil, nil)
		for range 3 { // Half of an update changes nothing, and is logged once.
			f.polled()
		}
		if _, by, err := f.connect(f.client(billing.Certificates...)); err != nil || by != "first" {
			t.Errorf("half an update: by %s, %v", by, err)
		}
		if n := f.logged("the earlier ones stay in use"); n != 1 || f.logged("grpc.tls") != 1 {
			t.Errorf("logged %d times: %s", n, f.log)
		}
		certstest.Write(t, f.files, nil, key, nil)
		f.polled()
		if _, by, err := f.connect(f.client(billing.Certificates...)); err != nil || by != "second" {
			t.Errorf("the whole update: by %s, %v", by, err)
		}
		if left := time.Until(f.certs.Expiry()); f.logged("were read again") != 1 || left < year {
			t.Errorf("%v left: %s", left, f.log)
		}
	})
}

// TestRemovedAuthority resumes sessions of an authority that was replaced.
func TestRemovedAuthority(t *testing.T) {
	if certs.Interval != 10*time.Second {
		t.Errorf("files are read every %v", certs.Interval)
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		run(t, tls.RequireAndVerifyClientCert, func(f *fixture) {
			billing := f.client(f.clients.Client(t, "spiffe://acme/billing"))
			billing.MaxVersion = version
			if _, _, err := f.connect(billing); err != nil {
				t.Fatal(err)
			}
			others := certstest.NewAuthority(t, "clients") // the same name, another key
			certstest.Write(t, f.files, nil, nil, others.PEM)
			f.polled()
			if seen, _, err := f.connect(billing); err == nil {
				t.Errorf("%s: a client of a removed authority got in, resumed: %v",
					tls.VersionName(version), seen.DidResume)
			}
			if _, _, err := f.connect(f.client(others.Client(t, "spiffe://acme/console"))); err != nil {
				t.Errorf("a client of the new authority: %v", err)
			}
			certstest.Write(t, f.files, nil, nil, append(others.PEM, f.clients.PEM...))
			f.polled()
			if _, _, err := f.connect(billing); err != nil {
				t.Errorf("both authorities: %v", err)
			}
		})
	}
}

// TestCertificateIfGiven lets clients in that have a token instead of a certificate.
func TestCertificateIfGiven(t *testing.T) {
	run(t, tls.VerifyClientCertIfGiven, func(f *fixture) {
		if seen, _, err := f.connect(f.client()); err != nil || seen.VerifiedChains != nil {
			t.Errorf("without a certificate: %v, %v", seen.VerifiedChains, err)
		}
		client := f.client(f.clients.Client(t, "spiffe://acme/billing"))
		for range 2 {
			if seen, _, err := f.connect(client); err != nil || len(seen.VerifiedChains) != 1 {
				t.Errorf("with a certificate, resumed: %v: %v, %v", seen.DidResume, seen.VerifiedChains, err)
			}
		}
		stranger := certstest.NewAuthority(t, "strangers").Client(t, "spiffe://acme/billing")
		shown := f.client()
		shown.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return &stranger, nil
		}
		if _, _, err := f.connect(shown); err == nil {
			t.Error("the certificate of a stranger got in")
		}
		// A session of an authority that is gone identifies nobody.
		certstest.Write(t, f.files, nil, nil, certstest.NewAuthority(t, "others").PEM)
		f.polled()
		if seen, _, err := f.connect(client); err == nil && (seen.DidResume || seen.VerifiedChains != nil) {
			t.Errorf("a removed authority: resumed: %v, %v", seen.DidResume, seen.VerifiedChains)
		}
	})
}

func TestFilesThatCannotBeUsed(t *testing.T) {
	run(t, tls.RequireAndVerifyClientCert, func(f *fixture) {
		cert, key := f.server.Server(t, "second", year)
		both := append(bytes.Clone(f.clients.PEM), certstest.NewAuthority(t, "others").PEM...)
		for name, broken := range map[string]struct {
			cert, key, ca []byte
			want          string
		}{
			"cut authorities": {cert, key, both[:len(both)-40], "client_ca: only 1 of 2 PEM blocks"},
			"no authorities":  {cert, key, []byte("\n"), "client_ca: the file holds no certificate"},
			"damaged": {
				cert, key, append([]byte("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"), both...),
				"client_ca: certificate 1 of the file",
			},
			"cut chain":      {append(bytes.Clone(cert), both[:99]...), key, f.clients.PEM, "cert: only 1 of 2 PEM"},
			"no key":         {cert, []byte("x"), f.clients.PEM, "cert and key: "},
			"no certificate": {[]byte("x"), key, f.clients.PEM, "cert: the file holds no certificate"},
		} {
			f.log.Reset()
			certstest.Write(t, f.files, broken.cert, broken.key, broken.ca)
			f.polled()
			f.polled()
			by := f.certs.Leaf().Subject.CommonName
			if f.logged(broken.want) != 1 || f.logged("stay in use") != 1 || by != "first" {
				t.Errorf("%s: by %s: %s", name, by, f.log)
			}
			_, err := certs.Load(certs.Options{Key: "http.tls", Files: f.files})
			if err == nil || !strings.HasPrefix(err.Error(), "http.tls."+broken.want) {
				t.Errorf("%s: Load: %v", name, err)
			}
		}
		if err := os.Remove(string(f.files.Key)); err != nil {
			t.Fatal(err)
		}
		f.polled()
		f.polled()
		if f.logged("key: open") != 1 || strings.Contains(f.log.String(), "PRIVATE") {
			t.Errorf("a file that is gone: %s", f.log)
		}
	})
}

// TestMountedSecret replaces the files as Kubernetes does: by a link to another folder.
func TestMountedSecret(t *testing.T) {
	run(t, tls.RequireAndVerifyClientCert, func(f *fixture) {
		dir := t.TempDir()
		mount := func(name string) {
			cert, key := f.server.Server(t, name, year)
			folder := filepath.Join(dir, name)
			if err := os.Mkdir(folder, 0o700); err != nil {
				t.Fatal(err)
			}
			certstest.Write(t, certstest.Files(folder), cert, key, f.clients.PEM)
			next := filepath.Join(dir, "..data_tmp")
			if err := os.Symlink(name, next); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(next, filepath.Join(dir, "..data")); err != nil {
				t.Fatal(err)
			}
		}
		mount("2026_01")
		for _, file := range []string{"tls.crt", "tls.key", "ca.crt"} {
			if err := os.Symlink(filepath.Join("..data", file), filepath.Join(dir, file)); err != nil {
				t.Fatal(err)
			}
		}
		f.files = certstest.Files(dir)
		f.load(tls.RequireAndVerifyClientCert)
		ctx, cancel := context.WithCancel(f.Context())
		go f.certs.Watch(ctx)
		defer cancel()
		mount("2026_02")
		f.polled()
		f.polled()
		if name := f.certs.Leaf().Subject.CommonName; name != "2026_02" {
			t.Errorf("%s is served", name)
		}
	})
}

func TestExpiryIsLogged(t *testing.T) {
	run(t, tls.NoClientCert, func(f *fixture) {
		const soon, over, day = "expires soon", "has expired", 24 * time.Hour
		for _, c := range []struct {
			valid, pass time.Duration
			soon, over  int
		}{
			{15 * day, day - time.Minute, 0, 0},
			{13 * day, time.Minute, 1, 0},
			{13 * day, 3*day + time.Hour, 4, 0},
			{time.Hour, 90 * time.Minute, 1, 1},
			{-time.Minute, 2*day + time.Hour, 0, 3},
		} {
			cert, key := f.server.Server(t, "next", c.valid+certs.Interval)
			certstest.Write(t, f.files, cert, key, nil)
			f.polled()
			f.log.Reset()
			cert, key = f.server.Server(t, "next", c.valid)
			certstest.Write(t, f.files, cert, key, nil)
			time.Sleep(c.pass)
			if f.logged(soon) != c.soon || f.logged(over) != c.over {
				t.Errorf("%v valid, after %v: %d, %d: %s", c.valid, c.pass, f.logged(soon), f.logged(over), f.log)
			}
		}
	})
}
