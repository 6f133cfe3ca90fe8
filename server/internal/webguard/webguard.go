// Package webguard keeps a web page in the browser of somebody who can reach drmhub from calling it.
//
// A page can do so in two ways. It sends a request to drmhub's address, whose response it cannot read
// but whose effect is there. Or its own name resolves to drmhub's address (DNS rebinding), and then
// it can also read. Browsers name the page's origin in the first case, and the page's host in the
// second.
package webguard

import (
	"net"
	"net/http"
	"slices"
	"strings"
)

// A Guard decides which requests a handler may take.
type Guard struct {
	anyHost bool
	hosts   []string // that requests may name, in lower case and without a port
	origins http.CrossOriginProtection
}

// New returns a guard for a server that anybody may call who reaches it. It takes requests for
// loopback, for the address at which the connection arrived, and for these hosts. A host has no port.
func New(hosts ...string) *Guard {
	g := &Guard{hosts: []string{"localhost", "127.0.0.1", "::1"}}
	for _, host := range hosts {
		g.hosts = append(g.hosts, strings.ToLower(strings.Trim(host, "[]")))
	}
	return g
}

// ForAnyHost returns a guard for a server whose name is proved otherwise, such as by its certificate.
func ForAnyHost() *Guard { return &Guard{anyHost: true} }

// Check returns the HTTP status and the reason of a refusal, or 0. A health check may name any host: its
// response says nothing, and a load balancer names the address of a machine.
func (g *Guard) Check(r *http.Request) (status int, problem string) {
	if err := g.origins.Check(r); err != nil {
		return http.StatusForbidden, "a web page of another origin must not make this call: nothing was done"
	}
	if g.anyHost || slices.Contains([]string{"/healthz", "/livez", "/readyz"}, r.URL.Path) || g.takes(r) {
		return 0, ""
	}
	return http.StatusMisdirectedRequest, "the host that this request names is not known here, and nothing was done: " +
		"call localhost or the address listened on, or have the operator add the host to http.hosts"
}

// takes reports whether the host that a request names is one of this server.
func (g *Guard) takes(r *http.Request) bool {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	if slices.Contains(g.hosts, host) {
		return true
	}
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return ok && local.IP.Equal(net.ParseIP(host))
}

// Handler returns next behind the guard, with refusals in plain text.
func (g *Guard) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status, problem := g.Check(r); status != 0 {
			http.Error(w, problem, status)
			return
		}
		next.ServeHTTP(w, r)
	})
}
