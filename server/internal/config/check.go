package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// Checker is a struct of the configuration that checks its own values after they are read.
type Checker interface {
	// Check reports every value that cannot be used: its key in the file, relative to this struct
	// ("timeout", "keys[0].alg"), and what to do. The text must not quote the value. A missing
	// value is reported under its key. Only the first report of a key counts.
	Check(report func(key, problem string))
}

// Check reports mistakes that concern more than one section.
func (c *Config) Check(report func(key, problem string)) {
	if c.Auth.Mode == "" {
		report("auth.mode", "is required: jwt (callers present a token) or none (no authentication, loopback only)")
	}
	if c.Auth.Mode == AuthNone && !c.Auth.AllowRemote {
		for key, listener := range map[string]Listener{"grpc.listen": c.GRPC, "http.listen": c.HTTP} {
			if host, ok := host(listener.Listen); ok && !loopback(host) {
				report(key, "auth.mode none lets everybody in: listen on 127.0.0.1, "+
					"or set auth.allow_remote: true if the network keeps strangers out")
			}
		}
	}
	for key, given := range map[string]bool{
		"grpc.allowed_hosts": c.GRPC.AllowedHosts != nil, "grpc.allowed_origins": c.GRPC.AllowedOrigins != nil,
	} {
		if given {
			report(key, "belongs to http: leave it out")
		}
	}
	if host, ok := host(c.HTTP.Listen); c.Auth.Mode == AuthNone && c.Auth.AllowRemote &&
		ok && !loopback(host) && len(c.HTTP.AllowedHosts) == 0 {
		report("http.allowed_hosts", "is missing: list the hosts in the URLs of your callers, such as "+
			"[drmhub.internal]. Requests for other hosts are refused, since a web page could make them")
	}
	c.checkAddresses(report)
	c.checkClients(report)
	if len(c.Vendors) == 0 {
		report("vendors", "must list at least one vendor, with its id and its section")
	}
	first := map[string]int{}
	for i, v := range c.Vendors {
		if j, taken := first[v.ID]; taken && v.ID != "" {
			report(fmt.Sprintf("vendors[%d].id", i), fmt.Sprintf("must differ from the id of vendors[%d]", j))
		} else {
			first[v.ID] = i
		}
	}
}

// checkAddresses reports an address that two listeners share.
func (c *Config) checkAddresses(report func(key, problem string)) {
	taken := map[string]string{c.GRPC.Listen: "grpc.listen"}
	listeners := []struct{ key, address string }{{"http.listen", c.HTTP.Listen}}
	if c.Ops != nil {
		listeners = append(listeners, struct{ key, address string }{"ops.listen", c.Ops.Listen})
	}
	for _, l := range listeners {
		if first, again := taken[l.address]; again && !strings.HasSuffix(l.address, ":0") {
			report(l.key, "must not be the address of "+first)
		}
		taken[l.address] = l.key
	}
}

// checkClients reports callers with certificates where no listener asks for certificates, and
// vendors of callers that the file does not have.
func (c *Config) checkClients(report func(key, problem string)) {
	asks := func(l Listener) bool { return l.TLS != nil && l.TLS.ClientCA != "" }
	if c.Auth.Mode == AuthJWT && len(c.Auth.Clients) > 0 && !asks(c.GRPC) && !asks(c.HTTP) {
		report("auth.clients", "needs client_ca in grpc.tls or http.tls: no listener asks for certificates")
	}
	var ids []string
	for _, v := range c.Vendors {
		ids = append(ids, v.ID)
	}
	for i, client := range c.Auth.Clients {
		for j, id := range client.Vendors {
			checkWord(report, fmt.Sprintf("auth.clients[%d].vendors[%d]", i, j), "vendor", id, ids)
		}
	}
}

// Check reports a bad address.
func (o *Ops) Check(report func(key, problem string)) {
	if _, ok := host(o.Listen); !ok {
		report("listen", "must be host:port, for example 127.0.0.1:9464")
	}
}

// Check reports a bad address.
func (l *Listener) Check(report func(key, problem string)) {
	if _, ok := host(l.Listen); !ok {
		report("listen", "must be host:port, for example 127.0.0.1:8080")
	}
	for i, o := range l.AllowedOrigins {
		if !origin(o) {
			report(fmt.Sprintf("allowed_origins[%d]", i),
				"must be the scheme and the host of a page, and its port unless that is the scheme's own: "+
					"https://app.example")
		}
	}
	for i, h := range l.AllowedHosts {
		if _, notIP := netip.ParseAddr(h); notIP != nil && !hostname.MatchString(h) {
			report(fmt.Sprintf("allowed_hosts[%d]", i),
				"must be a host without scheme and port, such as drmhub.internal")
		}
	}
}

// Check reports a certificate without its key, and a key without its certificate.
func (t *TLS) Check(report func(key, problem string)) {
	if t.Cert == "" {
		report("cert", "is missing: the PEM file of the certificate chain")
	}
	if t.Key == "" {
		report("key", "is missing: the PEM file of the certificate's private key")
	}
}

var hostname = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$`)

// origin reports whether a text is an origin as browsers write it in the header Origin.
func origin(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.User != nil || strings.HasSuffix(u.Host, ":") {
		return false
	}
	port, known := map[string]string{"https": "443", "http": "80"}[u.Scheme]
	never := func(r rune) bool { return r == '*' || r > '~' }
	return known && u.Port() != port && text == strings.ToLower(u.Scheme+"://"+u.Host) &&
		!strings.ContainsFunc(text, never)
}

// host returns the host of a listen address. It reports false if the address is malformed.
func host(address string) (string, bool) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", false
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", false
	}
	_, notIP := netip.ParseAddr(host)
	return host, host == "" || notIP == nil || hostname.MatchString(host)
}

// loopback reports whether only this machine reaches host. It does not look up names other than
// localhost, because their addresses may change.
func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() || strings.EqualFold(host, "localhost")
}
