package upstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/drmhub/drmhub/adapters/secret"
)

// Network says how to reach a vendor. It is part of each vendor's configuration. The zero value
// trusts the authorities of the system, and uses the proxy that the environment names.
type Network struct {
	// TLS says which servers to trust. nil means the authorities of the system.
	TLS *TLS `yaml:"tls"`
	// Proxy is the proxy for all calls of this vendor. Unset means that HTTPS_PROXY, HTTP_PROXY and
	// NO_PROXY decide.
	Proxy Proxy `yaml:"proxy"`
	// AllowHTTP permits a base_url with http:// for a host other than loopback. The credentials
	// then cross the network unencrypted.
	AllowHTTP bool `yaml:"allow_http"`
}

// TLS says which servers to trust.
type TLS struct {
	// CA holds authorities to trust beside those of the system.
	CA CA `yaml:"ca_file" required:"true"`
}

// Check reports a missing file.
func (t *TLS) Check(report func(key, problem string)) {
	if t.CA.pool == nil {
		report("ca_file", "is missing: the PEM file of the authority that issued the vendor's certificate")
	}
}

// A CA is a set of authorities, read from a PEM file.
type CA struct{ pool *x509.CertPool }

// Equal reports whether two sets hold the same authorities.
func (c CA) Equal(other CA) bool {
	return c.pool == other.pool || c.pool != nil && other.pool != nil && c.pool.Equal(other.pool)
}

// LoadFile adds the certificates in a PEM file to the authorities of the system.
func (c *CA) LoadFile(content []byte) (problem string) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(content) {
		return "the file that is named here holds no certificate in PEM"
	}
	c.pool = pool
	return ""
}

// A Proxy is the URL of a proxy. It may hold a password, and so prints like a secret.
type Proxy struct{ secret.Text }

// SetText sets the URL.
func (p *Proxy) SetText(text string) (problem string) {
	if _, err := proxyURL(text); err != nil {
		return "must be the URL of a proxy, such as http://proxy.example:3128"
	}
	p.Text = secret.New(text)
	return ""
}

var errNoProxy = errors.New("not the URL of a proxy")

// proxyURL reads the URL of a proxy. Its error does not quote the URL, which may hold a password.
func proxyURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	schemes := []string{"http", "https", "socks5", "socks5h"}
	if err != nil || u.Hostname() == "" || !soundPort(u) || !slices.Contains(schemes, u.Scheme) {
		return nil, errNoProxy
	}
	return u, nil
}

// soundPort reports whether a URL has no port, or one that exists.
func soundPort(u *url.URL) bool {
	_, err := strconv.ParseUint(u.Port(), 10, 16)
	return err == nil || u.Port() == ""
}

// apply sets up a transport. base is the vendor's URL.
func (n Network) apply(t *http.Transport, base *url.URL) error {
	if base.Scheme == "http" && !n.AllowHTTP && !isLoopback(base) {
		return errors.New("base_url would send the credentials unencrypted: write https://, " +
			"or set allow_http: true if the network keeps strangers out")
	}
	if n.TLS != nil {
		t.TLSClientConfig = &tls.Config{RootCAs: n.TLS.CA.pool, MinVersion: tls.VersionTLS12}
	}
	t.OnProxyConnectResponse = func(_ context.Context, _ *url.URL, _ *http.Request, res *http.Response) error {
		if res.StatusCode == http.StatusOK {
			return nil
		}
		return &proxyRefusal{res.StatusCode}
	}
	if n.Proxy.IsZero() {
		return checkEnvironment(base)
	}
	proxy, err := proxyURL(n.Proxy.Reveal())
	t.Proxy = http.ProxyURL(proxy)
	return err
}

// seesRequests reports whether a proxy gets the requests themselves, as it does without TLS.
func (n Network) seesRequests(base *url.URL) bool {
	if base.Scheme != "http" {
		return false
	}
	proxy, err := http.ProxyFromEnvironment(&http.Request{URL: base})
	if !n.Proxy.IsZero() {
		proxy, err = proxyURL(n.Proxy.Reveal())
	}
	return err == nil && proxy != nil && (proxy.Scheme == "http" || proxy.Scheme == "https")
}

// checkEnvironment returns an error if the environment names a proxy that cannot be used. net/http
// would ignore the proxy, and call the vendor directly.
func checkEnvironment(base *url.URL) error {
	if isLoopback(base) {
		return nil // net/http uses no proxy for it.
	}
	name := strings.ToUpper(base.Scheme) + "_PROXY"
	for _, name := range []string{name, strings.ToLower(name)} {
		text := os.Getenv(name)
		if text == "" {
			continue
		}
		if !strings.Contains(text, "://") {
			text = "http://" + text
		}
		if _, err := proxyURL(text); err != nil {
			return fmt.Errorf("the environment variable %s is not the URL of a proxy: "+
				"write it like http://proxy.example:3128, or unset it", name)
		}
	}
	return nil
}

// IsLoopback reports whether only this machine can be meant by a base_url.
func IsLoopback(baseURL string) bool {
	base, err := parseBaseURL(baseURL)
	return err == nil && isLoopback(base)
}

// isLoopback reports whether only this machine can be meant.
func isLoopback(base *url.URL) bool {
	ip, err := netip.ParseAddr(base.Hostname())
	return strings.EqualFold(base.Hostname(), "localhost") || err == nil && ip.IsLoopback()
}

// A proxyRefusal is the error of a proxy that refuses to connect to the vendor. It does not name
// the proxy, whose address is not for callers.
type proxyRefusal struct{ status int }

func (p *proxyRefusal) Error() string {
	if p.status == http.StatusProxyAuthRequired {
		return "the proxy wants a user and a password (HTTP 407): check the proxy's URL"
	}
	return fmt.Sprintf("the proxy refuses to connect to the vendor (HTTP %d)", p.status)
}
