package webguard

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// hosts are the names and addresses of a server, in the form that split returns.
type hosts map[string]bool

func newHosts(o Options) hosts {
	h := hosts{"localhost": true}
	if ip, err := netip.ParseAddr(o.Listen); o.Listen == "" || err == nil && ip.IsUnspecified() {
		// All addresses are listened on. Programs on this machine may call them by these two.
		h["0.0.0.0"], h["::"] = true, true
	}
	for _, host := range append([]string{o.Listen}, o.Hosts...) {
		if ip, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
			h[plain(ip).String()] = true
		} else if host != "" {
			h[strings.ToLower(strings.TrimSuffix(host, "."))] = true
		}
	}
	return h
}

// names reports whether the host that a request names is one of this server. Only Host and the
// target of the request count. A proxy's X-Forwarded-Host can hold anything.
func (g *Guard) names(r *http.Request) bool {
	host, ok := split(r.Host)
	if !ok {
		return false
	}
	if g.hosts[host] || strings.HasSuffix(host, ".localhost") {
		return true
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
		if ip.IsLoopback() || ok && plain(local.AddrPort().Addr()) == ip {
			return true
		}
	}
	if g.certificate == nil {
		return false
	}
	leaf := g.certificate()
	return leaf != nil && leaf.VerifyHostname(host) == nil
}

// split returns the name or address in a Host header, in one form: in lower case, without port,
// final dot, brackets and zone. It reports false if the header is malformed.
func split(header string) (host string, ok bool) {
	host = header
	if i := strings.LastIndexByte(header, ':'); i >= 0 && !strings.HasSuffix(header, "]") {
		host = header[:i]
		if strings.Trim(header[i+1:], "0123456789") != "" {
			return "", false
		}
	}
	if address, bracket := strings.CutPrefix(host, "["); bracket {
		address, closed := strings.CutSuffix(address, "]")
		ip, err := netip.ParseAddr(address)
		return plain(ip).String(), closed && err == nil && ip.Is6()
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host, host != "" && !strings.Contains(host, ":")
}

// plain returns an address without its zone, and as IPv4 if it is IPv4 in IPv6.
func plain(ip netip.Addr) netip.Addr { return ip.Unmap().WithZone("") }
