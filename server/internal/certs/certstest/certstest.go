// Package certstest issues certificates for tests.
package certstest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/drmhub/drmhub/server/internal/config"
)

// An Authority signs certificates.
type Authority struct {
	// PEM is the authority's own certificate.
	PEM  []byte
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewAuthority returns an authority of its own root.
func NewAuthority(t testing.TB, name string) *Authority {
	t.Helper()
	a := &Authority{}
	a.cert, a.key = sign(t, nil, &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(10 * 365 * 24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	})
	a.PEM = encode("CERTIFICATE", a.cert.Raw)
	return a
}

// Pool returns the authority as the only one that a client trusts.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// Server returns the PEM files of a certificate for 127.0.0.1, localhost and cert.example, valid
// for this long.
func (a *Authority) Server(t testing.TB, name string, valid time.Duration) (cert, key []byte) {
	t.Helper()
	return a.issue(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(valid),
		DNSNames:    []string{"localhost", "cert.example"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
}

// Client returns a client's certificate with this URI.
func (a *Authority) Client(t testing.TB, uri string) tls.Certificate {
	t.Helper()
	return a.Named(t, uri, 24*time.Hour, uri)
}

// Named returns a client's certificate with this common name, valid for this long, for URIs and DNS
// names. A name of the wrong kind begins with its kind: "dns:spiffe://acme/x", "uri:x.example".
func (a *Authority) Named(t testing.TB, commonName string, valid time.Duration, sans ...string) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: commonName}, NotAfter: time.Now().Add(valid),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	for _, san := range sans {
		u, err := url.Parse(san)
		switch {
		case err != nil:
			t.Fatal(err)
		case u.Scheme == "dns":
			template.DNSNames = append(template.DNSNames, u.Opaque)
		case u.Scheme == "uri":
			template.URIs = append(template.URIs, &url.URL{Path: u.Opaque})
		case u.Scheme != "":
			template.URIs = append(template.URIs, u)
		default:
			template.DNSNames = append(template.DNSNames, san)
		}
	}
	cert, key := a.issue(t, template)
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

func (a *Authority) issue(t testing.TB, template *x509.Certificate) (cert, key []byte) {
	t.Helper()
	leaf, private := sign(t, a, template)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return encode("CERTIFICATE", leaf.Raw), encode("PRIVATE KEY", pkcs8)
}

// sign completes the template, and signs it by the authority, or by itself if that is nil.
func sign(t testing.TB, by *Authority, template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if by == nil {
		by = &Authority{cert: template, key: key}
	}
	template.NotBefore = time.Now().Add(-time.Hour)
	if template.SerialNumber, err = rand.Int(rand.Reader, big.NewInt(1<<62)); err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, by.cert, key.Public(), by.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// Files returns the names of a listener's files in a folder, which Write fills.
func Files(dir string) config.TLS {
	return config.TLS{
		Cert:     config.Path(filepath.Join(dir, "tls.crt")),
		Key:      config.Path(filepath.Join(dir, "tls.key")),
		ClientCA: config.Path(filepath.Join(dir, "ca.crt")),
	}
}

// Write replaces files, each at once. It leaves out a file whose content is nil.
func Write(t testing.TB, files config.TLS, cert, key, clientCA []byte) {
	t.Helper()
	for path, content := range map[config.Path][]byte{files.Cert: cert, files.Key: key, files.ClientCA: clientCA} {
		if content == nil {
			continue
		}
		next := string(path) + ".next"
		if err := os.WriteFile(next, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(next, string(path)); err != nil {
			t.Fatal(err)
		}
	}
}
