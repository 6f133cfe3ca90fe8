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
	if c.GRPC.Hosts != nil {
		report("grpc.hosts", "belongs to http: leave it out")
	}
	if host, ok := host(c.HTTP.Listen); c.Auth.Mode == AuthNone && c.Auth.AllowRemote &&
		ok && !loopback(host) && c.HTTP.TLS == nil && len(c.HTTP.Hosts) == 0 {
		report("http.hosts", "is missing: list the hosts in the URLs of your callers, such as [drmhub.internal]. "+
			"Requests for other hosts are refused, since a web page could make them")
	}
	if c.GRPC.Listen == c.HTTP.Listen && !strings.HasSuffix(c.HTTP.Listen, ":0") {
		report("http.listen", "must not be the address of grpc.listen")
	}
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

// Check reports a bad address.
func (l *Listener) Check(report func(key, problem string)) {
	if _, ok := host(l.Listen); !ok {
		report("listen", "must be host:port, for example 127.0.0.1:8080")
	}
	for i, h := range l.Hosts {
		if _, notIP := netip.ParseAddr(h); notIP != nil && !hostname.MatchString(h) {
			report(fmt.Sprintf("hosts[%d]", i), "must be a host without scheme and port, such as drmhub.internal")
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

// Check reports a bad mode, and settings of another mode.
func (a *Auth) Check(report func(key, problem string)) {
	switch a.Mode {
	case "": // Config reports it, since the whole section may be missing.
	case AuthJWT:
		report("mode", "this version of drmhub cannot check tokens yet: use {mode: none} on loopback addresses")
		if a.AllowRemote {
			report("allow_remote", "belongs to mode none: leave it out")
		}
	case AuthNone:
		for key, given := range map[string]bool{
			"issuer": a.Issuer != "", "audience": a.Audience != "", "keys": a.Keys != nil, "roles": a.Roles != nil,
		} {
			if given {
				report(key, "belongs to mode jwt, and this version of drmhub cannot check tokens yet: leave it out")
			}
		}
	default:
		report("mode", "must be jwt or none")
	}
	first := map[string]int{}
	for i, k := range a.Keys {
		if j, taken := first[k.KID]; taken && k.KID != "" {
			report(fmt.Sprintf("keys[%d].kid", i), fmt.Sprintf("must differ from the kid of keys[%d]", j))
		} else {
			first[k.KID] = i
		}
	}
}

// algorithm matches the algorithms that a key may name: the signatures of RFC 7518 and RFC 8037.
var algorithm = regexp.MustCompile(`^((HS|RS|PS|ES)(256|384|512)|EdDSA)$`)

// Check reports a key that is not of the kind that its algorithm needs.
func (k *Key) Check(report func(key, problem string)) {
	if k.JWKSURL != "" {
		k.checkKeySet(report)
		return
	}
	if k.KID == "" {
		report("kid", "is missing: the key's id, as the header of a token names it")
	}
	symmetric := strings.HasPrefix(k.Alg, "HS")
	switch {
	case !algorithm.MatchString(k.Alg):
		report("alg", "must be one of HS256, RS256, PS256, ES256, their 384 and 512, or EdDSA")
	case symmetric && k.Secret == nil:
		report("secret", "is missing: an HS algorithm needs the shared secret, as {env: NAME} or {file: PATH}")
	case symmetric && k.PublicKey != nil:
		report("public_key", "does not go with an HS algorithm: leave it out")
	case !symmetric && k.PublicKey == nil:
		report("public_key", "is missing: this algorithm needs the issuer's public key, as {file: PATH} or {env: NAME}")
	case !symmetric && k.Secret != nil:
		report("secret", "does not go with this algorithm: leave it out")
	}
}

func (k *Key) checkKeySet(report func(key, problem string)) {
	for key, given := range map[string]bool{
		"kid": k.KID != "", "alg": k.Alg != "", "secret": k.Secret != nil, "public_key": k.PublicKey != nil,
	} {
		if given {
			report(key, "does not go with jwks_url: leave it out, or make it a separate key")
		}
	}
	u, err := url.Parse(k.JWKSURL)
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		report("jwks_url", "must be an https:// URL, or an http:// one on a loopback address")
	}
}

var hostname = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$`)

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
