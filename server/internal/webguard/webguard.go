// Package webguard keeps a web page in the browser of somebody who can reach drmhub from calling
// it.
//
// A page can do so in two ways. It sends a request to drmhub's address, whose response it cannot
// read but whose effect is there. Or its own name resolves to drmhub's address (DNS rebinding), and
// then it can also read. Browsers name the page's origin in the first case, and the page's host in
// the second. So a Guard has three rules:
//
//   - A request must come from drmhub's own origin, from a listed origin, or from a program that is
//     no browser (403). A person may also follow a link from elsewhere.
//   - A request must name a host of this server (421).
//   - A request that can change something carries JSON or nothing (415). A page sends other types
//     without asking first.
//
// A Guard speaks CORS with the pages of listed origins, and with no other page. It never allows
// credentials, and it never grants access to a private network.
package webguard

import (
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Options are what a guard lets in. The zero value lets in the requests for loopback and for the
// address at which a connection arrived.
type Options struct {
	// Listen is the host of the address listened on. Empty means all addresses.
	Listen string
	// Hosts are further hosts that requests may name, without ports.
	Hosts []string
	// Certificate returns the server's certificate, whose names count as hosts. It may be nil, or
	// return nil.
	Certificate func() *x509.Certificate
	// Origins are the origins whose pages may call, such as https://app.example.
	Origins []string
	// JSONBelow is the start of the paths that take only JSON. Empty means that the handler behind
	// the guard checks the type of bodies.
	JSONBelow string
}

// A Guard decides which requests a handler may take.
type Guard struct {
	hosts       hosts
	certificate func() *x509.Certificate
	shared      []string // the origins whose pages may call
	origins     http.CrossOriginProtection
	jsonBelow   string

	originAdvice, hostAdvice string
}

// New returns a guard. It returns an error if one of the origins is malformed.
func New(o Options) (*Guard, error) {
	g := &Guard{
		hosts: newHosts(o), certificate: o.Certificate, shared: o.Origins, jsonBelow: o.JSONBelow,
		originAdvice: "call from a program, or have the operator add the page's origin to http.allowed_origins",
		hostAdvice:   "or have the operator add the host (http.allowed_hosts, or --host in the sandbox)",
	}
	if o.JSONBelow != "" { // A twin has no configuration.
		g.originAdvice, g.hostAdvice = "call from a program", "or start the twin with --host and this host"
	}
	for _, origin := range o.Origins {
		if err := g.origins.AddTrustedOrigin(origin); err != nil {
			return nil, fmt.Errorf("the origin %q: %w", origin, err)
		}
	}
	return g, nil
}

// Admit reports whether a handler may take a request, and returns the writer for its response.
// Otherwise Admit has responded: refuse writes the response to a request that is refused.
func (g *Guard) Admit(
	w http.ResponseWriter, r *http.Request, refuse func(w http.ResponseWriter, status int, problem string),
) (http.ResponseWriter, bool) {
	if status, problem := g.check(r); status != 0 {
		refuse(w, status, problem)
		return w, false
	}
	return g.share(w, r)
}

// Handler returns next behind the guard, with refusals in plain text.
func (g *Guard) Handler(next http.Handler) http.Handler {
	refuse := func(w http.ResponseWriter, status int, problem string) { http.Error(w, problem, status) }
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if w, ok := g.Admit(w, r, refuse); ok {
			next.ServeHTTP(w, r)
		}
	})
}

// health are the paths that take any host. Their responses say nothing, and a load balancer names
// the address of a machine.
var health = []string{"/healthz", "/readyz", "/livez"}

// foreign reports whether a page of another origin makes the request. Such a page cannot see the
// response to a read, but it would use up the limits of the caller and of the vendor. A link that a
// person follows is no such request: browsers send no Origin with it, and name the whole document
// as its target.
func (g *Guard) foreign(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if slices.Contains(g.shared, origin) {
		return false
	}
	if origin != "" {
		if u, err := url.Parse(origin); err != nil || u.Host != r.Host {
			return true
		}
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
		return false
	}
	mode, to := r.Header.Get("Sec-Fetch-Mode"), r.Header.Get("Sec-Fetch-Dest")
	return mode != "navigate" || to != "" && to != "document"
}

// check returns the HTTP status and the reason of a refusal, or 0.
func (g *Guard) check(r *http.Request) (status int, problem string) {
	switch {
	case g.origins.Check(r) != nil, g.foreign(r):
		return http.StatusForbidden, "a web page of another origin must not make this call, and nothing was done: " +
			g.originAdvice
	case !slices.Contains(health, r.URL.Path) && !g.names(r):
		return http.StatusMisdirectedRequest, "the host that this request names is not known here, " +
			"and nothing was done: call localhost or the address listened on, " + g.hostAdvice
	case g.jsonBelow != "" && strings.HasPrefix(r.URL.Path, g.jsonBelow) && !carriesJSON(r):
		return http.StatusUnsupportedMediaType, "this call takes only JSON, and nothing was done: " +
			"send Content-Type: application/json, or leave out the body and its type"
	}
	return 0, ""
}
