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

// A world is a listener's files that are watched, by the clock of a bubble.
type world struct {
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
func run(t *testing.T, clientAuth tls.ClientAuthType, test func(w *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, files: certstest.Files(t.TempDir()), log: &syncBuffer{}}
		w.server, w.clients = certstest.NewAuthority(t, "servers"), certstest.NewAuthority(t, "clients")
		cert, key := w.server.Server(t, "first", year)
		certstest.Write(t, w.files, cert, key, w.clients.PEM)
		w.load(clientAuth)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		watched := w.certs // A test may load others.
		go func() { watched.Watch(ctx); close(done) }()
		time.Sleep(time.Second) // The test works between two polls.
		test(w)
		cancel()
		<-done
	})
}

func (w *world) load(clientAuth tls.ClientAuthType) {
	w.Helper()
	var err error
	if w.certs, err = certs.Load(certs.Options{
		Key: "grpc.tls", Files: w.files, ClientAuth: clientAuth, NextProtos: []string{"h2"},
		Log: slog.New(slog.NewTextHandler(w.log, nil)),
	}); err != nil {
		w.Fatal(err)
	}
}

// polled waits until the files were read again.
func (w *world) polled() { time.Sleep(certs.Interval) }

// logged returns how often the log holds a text.
func (w *world) logged(text string) int { return strings.Count(w.log.String(), text) }

// client returns the settings of a client, whose sessions can be resumed.
func (w *world) client(own ...tls.Certificate) *tls.Config {
	return &tls.Config{
		RootCAs: w.server.Pool(), ServerName: "localhost", Certificates: own, NextProtos: []string{"h2"},
		ClientSessionCache: tls.NewLRUClientSessionCache(1), MinVersion: tls.VersionTLS12,
	}
}

// connect makes a handshake and reads a byte. It returns what the server sees.
func (w *world) connect(client *tls.Config) (seen tls.ConnectionState, by string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.Fatal(err)
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
		server := tls.Server(far, w.certs.Config())
		if _, err := server.Write([]byte("x")); err == nil {
			seen = server.ConnectionState()
			_, _ = far.Read(make([]byte, 1)) // until the client leaves
		}
	}()
	near, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		w.Fatal(err)
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
	run(t, tls.RequireAndVerifyClientCert, func(w *world) {
		billing := w.client(w.clients.Client(t, "spiffe://acme/billing"))
		for resumed := range 2 {
			seen, by, err := w.connect(billing)
			if err != nil || by != "first" || seen.DidResume != (resumed == 1) || seen.NegotiatedProtocol != "h2" ||
				len(seen.VerifiedChains) != 1 || seen.VerifiedChains[0][0].URIs[0].Host != "acme" {
				t.Errorf("connection %d: by %s, %+v, %v", resumed, by, seen, err)
			}
		}
		if _, _, err := w.connect(w.client()); err == nil {
			t.Error("a client without a certificate got in")
		}
		old := w.client(w.clients.Client(t, "spiffe://acme/billing"))
		old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
		if _, _, err := w.connect(old); err == nil {
			t.Error("TLS 1.1 is taken")
		}

		cert, key := w.server.Server(t, "second", 2*year)
		certstest.Write(t, w.files, cert, nil, nil)
		for range 3 { // Half of an update changes nothing, and is logged once.
			w.polled()
		}
		if _, by, err := w.connect(w.client(billing.Certificates...)); err != nil || by != "first" {
			t.Errorf("half an update: by %s, %v", by, err)
		}
		if n := w.logged("the earlier ones stay in use"); n != 1 || w.logged("grpc.tls") != 1 {
			t.Errorf("logged %d times: %s", n, w.log)
		}
		certstest.Write(t, w.files, nil, key, nil)
		w.polled()
		if _, by, err := w.connect(w.client(billing.Certificates...)); err != nil || by != "second" {
			t.Errorf("the whole update: by %s, %v", by, err)
		}
		if left := time.Until(w.certs.Expiry()); w.logged("were read again") != 1 || left < year {
			t.Errorf("%v left: %s", left, w.log)
		}
	})
}

// TestRemovedAuthority resumes sessions of an authority that was replaced.
func TestRemovedAuthority(t *testing.T) {
	if certs.Interval != 10*time.Second {
		t.Errorf("files are read every %v", certs.Interval)
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		run(t, tls.RequireAndVerifyClientCert, func(w *world) {
			billing := w.client(w.clients.Client(t, "spiffe://acme/billing"))
			billing.MaxVersion = version
			if _, _, err := w.connect(billing); err != nil {
				t.Fatal(err)
			}
			others := certstest.NewAuthority(t, "clients") // the same name, another key
			certstest.Write(t, w.files, nil, nil, others.PEM)
			w.polled()
			if seen, _, err := w.connect(billing); err == nil {
				t.Errorf("%s: a client of a removed authority got in, resumed: %v",
					tls.VersionName(version), seen.DidResume)
			}
			if _, _, err := w.connect(w.client(others.Client(t, "spiffe://acme/console"))); err != nil {
				t.Errorf("a client of the new authority: %v", err)
			}
			certstest.Write(t, w.files, nil, nil, append(others.PEM, w.clients.PEM...))
			w.polled()
			if _, _, err := w.connect(billing); err != nil {
				t.Errorf("both authorities: %v", err)
			}
		})
	}
}

// TestCertificateIfGiven lets clients in that have a token instead of a certificate.
func TestCertificateIfGiven(t *testing.T) {
	run(t, tls.VerifyClientCertIfGiven, func(w *world) {
		if seen, _, err := w.connect(w.client()); err != nil || seen.VerifiedChains != nil {
			t.Errorf("without a certificate: %v, %v", seen.VerifiedChains, err)
		}
		client := w.client(w.clients.Client(t, "spiffe://acme/billing"))
		for range 2 {
			if seen, _, err := w.connect(client); err != nil || len(seen.VerifiedChains) != 1 {
				t.Errorf("with a certificate, resumed: %v: %v, %v", seen.DidResume, seen.VerifiedChains, err)
			}
		}
		stranger := certstest.NewAuthority(t, "strangers").Client(t, "spiffe://acme/billing")
		shown := w.client()
		shown.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return &stranger, nil
		}
		if _, _, err := w.connect(shown); err == nil {
			t.Error("the certificate of a stranger got in")
		}
		// A session of an authority that is gone identifies nobody.
		certstest.Write(t, w.files, nil, nil, certstest.NewAuthority(t, "others").PEM)
		w.polled()
		if seen, _, err := w.connect(client); err == nil && (seen.DidResume || seen.VerifiedChains != nil) {
			t.Errorf("a removed authority: resumed: %v, %v", seen.DidResume, seen.VerifiedChains)
		}
	})
}

func TestFilesThatCannotBeUsed(t *testing.T) {
	run(t, tls.RequireAndVerifyClientCert, func(w *world) {
		cert, key := w.server.Server(t, "second", year)
		both := append(bytes.Clone(w.clients.PEM), certstest.NewAuthority(t, "others").PEM...)
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
			"cut chain":      {append(bytes.Clone(cert), both[:99]...), key, w.clients.PEM, "cert: only 1 of 2 PEM"},
			"no key":         {cert, []byte("x"), w.clients.PEM, "cert and key: "},
			"no certificate": {[]byte("x"), key, w.clients.PEM, "cert: the file holds no certificate"},
		} {
			w.log.Reset()
			certstest.Write(t, w.files, broken.cert, broken.key, broken.ca)
			w.polled()
			w.polled()
			by := w.certs.Leaf().Subject.CommonName
			if w.logged(broken.want) != 1 || w.logged("stay in use") != 1 || by != "first" {
				t.Errorf("%s: by %s: %s", name, by, w.log)
			}
			_, err := certs.Load(certs.Options{Key: "http.tls", Files: w.files})
			if err == nil || !strings.HasPrefix(err.Error(), "http.tls."+broken.want) {
				t.Errorf("%s: Load: %v", name, err)
			}
		}
		if err := os.Remove(string(w.files.Key)); err != nil {
			t.Fatal(err)
		}
		w.polled()
		w.polled()
		if w.logged("key: open") != 1 || strings.Contains(w.log.String(), "PRIVATE") {
			t.Errorf("a file that is gone: %s", w.log)
		}
	})
}

// TestMountedSecret replaces the files as Kubernetes does: by a link to another folder.
func TestMountedSecret(t *testing.T) {
	run(t, tls.RequireAndVerifyClientCert, func(w *world) {
		dir := t.TempDir()
		mount := func(name string) {
			cert, key := w.server.Server(t, name, year)
			folder := filepath.Join(dir, name)
			if err := os.Mkdir(folder, 0o700); err != nil {
				t.Fatal(err)
			}
			certstest.Write(t, certstest.Files(folder), cert, key, w.clients.PEM)
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
		w.files = certstest.Files(dir)
		w.load(tls.RequireAndVerifyClientCert)
		ctx, cancel := context.WithCancel(w.Context())
		go w.certs.Watch(ctx)
		defer cancel()
		mount("2026_02")
		w.polled()
		w.polled()
		if name := w.certs.Leaf().Subject.CommonName; name != "2026_02" {
			t.Errorf("%s is served", name)
		}
	})
}

func TestExpiryIsLogged(t *testing.T) {
	run(t, tls.NoClientCert, func(w *world) {
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
			cert, key := w.server.Server(t, "next", c.valid+certs.Interval)
			certstest.Write(t, w.files, cert, key, nil)
			w.polled()
			w.log.Reset()
			cert, key = w.server.Server(t, "next", c.valid)
			certstest.Write(t, w.files, cert, key, nil)
			time.Sleep(c.pass)
			if w.logged(soon) != c.soon || w.logged(over) != c.over {
				t.Errorf("%v valid, after %v: %d, %d: %s", c.valid, c.pass, w.logged(soon), w.logged(over), w.log)
			}
		}
	})
}
