// Package gateway is the REST face: JSON over HTTP in front of the gRPC services, by the
// google.api.http rules of the contract.
//
// The package has:
//
//   - routes, which it reads from the rules,
//   - strict reading of bodies and query parameters,
//   - names that keep their escapes in a path,
//   - one shape for all errors,
//   - bare rows for streams,
//   - the pages that belong to an API, and the console.
//
// Put no http.ServeMux in front of the handler: it would clean paths, and so change names.
package gateway

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/auth"
	"github.com/drmhub/drmhub/server/internal/session"
	"github.com/drmhub/drmhub/server/internal/telemetry"
	"github.com/drmhub/drmhub/server/internal/webguard"
)

// DefaultMaxBody bounds a request body, in bytes, unless Options sets another bound.
const DefaultMaxBody = 4 << 20

// Options are the parts of a gateway.
type Options struct {
	Conn    Conn   // the connection to the services; required
	OpenAPI []byte // the document served at /openapi.json; required
	// Contract is the descriptor set served at /contract.binpb, unless it is empty.
	Contract []byte
	Ready    func() bool  // reports whether the server takes calls; nil: always
	MaxBody  int64        // the largest request body, in bytes; 0: DefaultMaxBody
	NoHealth bool         // leaves out what Health serves, which another listener serves then
	Metrics  http.Handler // the page at /metrics; nil: there is no page
	// Guard returns what keeps web pages out. It is required.
	Guard func() *webguard.Guard
	// Identify returns the caller of a call to a method, before the request is read. Nil means that
	// the interceptors of Conn identify the caller.
	Identify func(ctx context.Context, method string) (*auth.Caller, error)
	// Admit returns the context of a call that its caller may make now, before the request is read.
	// parent is the parent in the path, or "". Nil means that only the interceptors of Conn bound
	// callers.
	Admit func(ctx context.Context, method, parent string) (context.Context, error)
	// Permit returns the error of a call for a resource that its caller may not make at all, before
	// the request is read. Nil means that only the interceptors of Conn check scopes.
	Permit func(ctx context.Context, method, resource string) error
	// Sessions are the browsers in which a person has logged in. Nil means that nobody can log in.
	Sessions *session.Sessions
	// PrivateDocs reports whether the pages beside the API need an identity, except for health. It
	// may be nil.
	PrivateDocs func() bool
}

// gateway is the handler that New returns.
type gateway struct {
	conn    Conn
	routes  routes
	streams map[string]func(context.Context, *call) // by full method name
	pages   map[string]http.HandlerFunc
	console map[string]http.HandlerFunc        // by the name of the file
	logins  map[string]map[string]session.Page // the pages by which people log in or out, by path and method
	maxBody int64
	guard   func() *webguard.Guard

	sessions    *session.Sessions
	identify    func(ctx context.Context, method string) (*auth.Caller, error)
	admit       func(ctx context.Context, method, parent string) (context.Context, error)
	permit      func(ctx context.Context, method, resource string) error
	privateDocs func() bool
}

// New returns the handler of everything under HTTP: the API below /v1, /openapi.json, /docs, the
// console below /console/, /healthz, /livez and /readyz.
func New(o Options) (http.Handler, error) {
	if o.Conn == nil {
		return nil, errors.New("gateway: no connection to the services")
	}
	if len(o.OpenAPI) == 0 {
		return nil, errors.New("gateway: no OpenAPI document")
	}
	if o.Guard == nil {
		return nil, errors.New("gateway: no guard against web pages")
	}
	g := &gateway{
		conn: o.Conn, maxBody: o.MaxBody, guard: o.Guard,
		sessions: o.Sessions, identify: o.Identify, admit: o.Admit, permit: o.Permit, privateDocs: o.PrivateDocs,
	}
	if g.maxBody == 0 {
		g.maxBody = DefaultMaxBody
	}
	g.routes = contractRoutes()
	g.pages = pages(o)
	g.console = consoleFiles()
	g.logins = o.Sessions.Pages()
	g.streams = streams(o.Conn)
	return g, nil
}

// ServeHTTP serves a page, or passes the request on to the API. It compresses what is worth it.
func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := newCompressor(w, r)
	defer c.release()
	g.serve(c, r)
	c.end()
}

// The values of headers that most responses have. Nobody changes them.
var (
	nosniff = []string{"nosniff"}
	noStore = []string{"no-store"}
	asJSON  = []string{jsonType}
)

func (g *gateway) serve(w http.ResponseWriter, r *http.Request) {
	w.Header()["X-Content-Type-Options"] = nosniff
	path := r.URL.EscapedPath()
	w, ok := g.guard().Admit(w, r, func(w http.ResponseWriter, status int, problem string) {
		g.keptOut(w, r, status, problem)
	})
	if !ok {
		return
	}
	if page, ok := g.pages[path]; ok {
		telemetry.SetRoute(r.Context(), path)
		g.servePage(w, r, path, page)
		return
	}
	page, isLogin := g.logins[path]
	if !isLogin && isConsole(path) {
		g.serveConsole(w, r)
		return
	}
	w.Header()["Cache-Control"] = noStore // responses may hold secrets
	if isLogin {
		telemetry.SetRoute(r.Context(), path)
		serveLogin(w, r, path, page)
		return
	}
	method := readOf(r.Method)
	if r.Method == http.MethodHead {
		w = headOnly{w}
	}
	if route, params := g.routes.find(method, path); route != nil {
		g.serveCall(w, r, route, params)
		return
	}
	g.unrouted(w, r, method, path)
}

// anyCall is the route of all calls in the metric of requests. The metric of calls tells them
// apart, so a route for each of them would only double the number of series.
const anyCall = apiPaths + "*"

// keptOut writes the response to a request that the guard refuses.
func (g *gateway) keptOut(w http.ResponseWriter, r *http.Request, status int, problem string) {
	e := apierror.New(codes.PermissionDenied, pb.ErrorReason_REQUEST_INVALID, "%s", problem)
	if strings.HasPrefix(r.URL.EscapedPath(), apiPaths) {
		method := ""
		if route, _ := g.routes.find(readOf(r.Method), r.URL.EscapedPath()); route != nil {
			method = route.FullMethod()
			telemetry.SetRoute(r.Context(), anyCall)
		}
		telemetry.Fail(telemetry.BeginREST(r.Context(), method, ""), e)
	}
	writeError(w, &httpError{status, e})
}

// readOf returns GET for HEAD, and any other HTTP method as it is.
func readOf(method string) string {
	if method == http.MethodHead {
		return http.MethodGet
	}
	return method
}

// headOnly marks the writer of a response to HEAD, which is the response to GET. net/http leaves
// out the body.
type headOnly struct{ http.ResponseWriter }

// Unwrap returns the writer for http.ResponseController.
func (w headOnly) Unwrap() http.ResponseWriter { return w.ResponseWriter }
