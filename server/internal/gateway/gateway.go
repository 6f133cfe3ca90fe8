// Package gateway is the REST face: JSON over HTTP in front of the gRPC services, by the
// google.api.http rules of the contract.
//
// The code that grpc-gateway generates from the rules routes requests, makes calls and writes
// responses. This package adds:
//
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
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
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
	Conn    grpc.ClientConnInterface // the connection to the services; required
	OpenAPI []byte                   // the document served at /openapi.json; required
	// Contract is the descriptor set served at /contract.binpb, unless it is empty.
	Contract []byte
	Ready    func() bool  // reports whether the server takes calls; nil: always
	MaxBody  int64        // the largest request body, in bytes; 0: DefaultMaxBody
	NoHealth bool         // leaves out what Health serves, which another listener serves then
	Metrics  http.Handler // the page at /metrics; nil: there is no page
	// Guard returns what keeps web pages out. It is required.
	Guard func() *webguard.Guard
	// Identify returns the caller of a call to a method, before the request is read. Nil means that the
	// interceptors of Conn identify the caller.
	Identify func(ctx context.Context, method string) (*auth.Caller, error)
	// Admit returns the context of a call that its caller may make now, before the request is read. parent
	// is the parent in the path, or "". Nil means that only the interceptors of Conn bound callers.
	Admit func(ctx context.Context, method, parent string) (context.Context, error)
	// Permit returns the error of a call for a resource that its caller may not make at all, before the request is
	// read. Nil means that only the interceptors of Conn check scopes.
	Permit func(ctx context.Context, method, resource string) error
	// Sessions are the browsers in which a person has logged in. Nil means that nobody can log in.
	Sessions *session.Sessions
	// PrivateDocs reports whether the pages beside the API need an identity, except for health. It may be nil.
	PrivateDocs func() bool
}

// gateway is the handler that New returns.
type gateway struct {
	mux     *runtime.ServeMux
	routes  routes
	pages   map[string]http.HandlerFunc
	console map[string]http.HandlerFunc        // by the name of the file
	people  map[string]map[string]session.Page // by path and method
	maxBody int64
	guard   func() *webguard.Guard

	sessions    *session.Sessions
	identify    func(ctx context.Context, method string) (*auth.Caller, error)
	admit       func(ctx context.Context, method, parent string) (context.Context, error)
	permit      func(ctx context.Context, method, resource string) error
	privateDocs func() bool
}

// New returns the handler of everything under HTTP: the API below /v1, /openapi.json, /docs, the console
// below /console/, /healthz, /livez and /readyz.
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
		maxBody: o.MaxBody, guard: o.Guard,
		sessions: o.Sessions, identify: o.Identify, admit: o.Admit, permit: o.Permit, privateDocs: o.PrivateDocs,
	}
	if g.maxBody == 0 {
		g.maxBody = DefaultMaxBody
	}
	g.routes = contractRoutes()
	g.pages = pages(o)
	g.console = consoleFiles()
	g.people = o.Sessions.Pages()
	g.mux = runtime.NewServeMux(
		runtime.WithMiddlewares(g.checked),
		runtime.WithMarshalerOption(runtime.MIMEWildcard, marshaler{new(runtime.JSONPb)}),
		runtime.WithMarshalerOption(csvType, tableMarshaler{marshaler{new(runtime.JSONPb)}}),
		// This leaves path parameters as they are; see escaped.
		runtime.WithUnescapingMode(runtime.UnescapingModeLegacy),
		runtime.WithDisablePathLengthFallback(),
		runtime.WithDisableHTTPMethodOverride(),
		runtime.WithIncomingHeaderMatcher(incomingHeader),
		runtime.WithOutgoingHeaderMatcher(noHeader),
		runtime.WithOutgoingTrailerMatcher(noHeader),
		runtime.WithForwardResponseOption(responseHeaders),
		runtime.WithForwardResponseRewriter(rewordedItems),
		runtime.WithWriteContentLength(),
		runtime.WithErrorHandler(callFailed),
		runtime.WithRoutingErrorHandler(g.unrouted),
	)
	if err := g.register(o.Conn); err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	return g, nil
}

// register connects every service of the contract.
func (g *gateway) register(conn grpc.ClientConnInterface) error {
	ctx := context.Background()
	license, archive := pb.NewLicenseServiceClient(conn), pb.NewArchiveServiceClient(conn)
	return errors.Join(
		pb.RegisterVendorServiceHandlerClient(ctx, g.mux, pb.NewVendorServiceClient(conn)),
		pb.RegisterSiteServiceHandlerClient(ctx, g.mux, pb.NewSiteServiceClient(conn)),
		pb.RegisterLicenseServiceHandlerClient(ctx, g.mux, license),
		pb.RegisterArchiveServiceHandlerClient(ctx, g.mux, archive),
		pb.RegisterViewerServiceHandlerClient(ctx, g.mux, pb.NewViewerServiceClient(conn)),
		pb.RegisterMemberServiceHandlerClient(ctx, g.mux, pb.NewMemberServiceClient(conn)),
		pb.RegisterDrmAccountServiceHandlerClient(ctx, g.mux, pb.NewDrmAccountServiceClient(conn)),
		pb.RegisterProductLicenseServiceHandlerClient(ctx, g.mux, pb.NewProductLicenseServiceClient(conn)),
		pb.RegisterMutationServiceHandlerClient(ctx, g.mux, pb.NewMutationServiceClient(conn)),
		pb.RegisterAuditServiceHandlerClient(ctx, g.mux, pb.NewAuditServiceClient(conn)),
		pb.RegisterCallerServiceHandlerClient(ctx, g.mux, pb.NewCallerServiceClient(conn)),
		// The route registered last wins: it writes bare rows, and not {"result": …} for each message.
		g.mux.HandlePath(http.MethodGet, streamLicensesPath, streamRows(
			g, streamLicensesPath, pb.LicenseService_StreamLicenses_FullMethodName, license.StreamLicenses)),
		g.mux.HandlePath(http.MethodGet, exportLicensesPath, streamRows(
			g, exportLicensesPath, pb.ArchiveService_ExportLicenses_FullMethodName, archive.ExportLicenses)),
	)
}

// ServeHTTP serves a page, or passes the request on to the API. It compresses what is worth it.
func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := newCompressor(w, r)
	defer c.release()
	g.serve(c, r)
	c.end()
}

func (g *gateway) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
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
	page, isPerson := g.people[path]
	if !isPerson && isConsole(path) {
		g.serveConsole(w, r)
		return
	}
	w.Header().Set("Cache-Control", "no-store") // responses may hold secrets
	if isPerson {
		telemetry.SetRoute(r.Context(), path)
		servePerson(w, r, path, page)
		return
	}
	r = escaped(r.WithContext(withPeer(r)), path)
	if r.Method == http.MethodHead {
		r.Method = http.MethodGet
		w = headOnly{w}
	}
	g.mux.ServeHTTP(w, r)
}

// anyCall is the route of all calls in the metric of requests. The metric of calls tells them apart, so
// a route for each of them would only double the number of series.
const anyCall = apiPaths + "*"

// keptOut writes the response to a request that the guard refuses.
func (g *gateway) keptOut(w http.ResponseWriter, r *http.Request, status int, problem string) {
	e := apierror.New(codes.PermissionDenied, pb.ErrorReason_REQUEST_INVALID, "%s", problem)
	if strings.HasPrefix(r.URL.EscapedPath(), apiPaths) {
		method := ""
		if route := g.routes.find(r.Method, r.URL.EscapedPath()); route != nil {
			method = route.FullMethod()
			telemetry.SetRoute(r.Context(), anyCall)
		}
		telemetry.Fail(telemetry.BeginREST(r.Context(), method, ""), e)
	}
	writeError(w, &httpError{status, e})
}

// headOnly marks the writer of a response to HEAD, which is the response to GET. net/http leaves out the
// body.
type headOnly struct{ http.ResponseWriter }

// Unwrap returns the writer for http.ResponseController.
func (w headOnly) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// escaped gives the router the path as it was sent. The router then splits it before it is decoded,
// and names keep their escapes: an id with a slash stays one segment, and an id that ends in
// ":disable" is not mistaken for the verb.
func escaped(r *http.Request, path string) *http.Request {
	u := *r.URL
	u.Path, u.RawPath = path, ""
	r.URL = &u
	return r
}

// checked refuses what the route does not take. The generated code would drop it.
func (g *gateway) checked(next runtime.HandlerFunc) runtime.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request, params map[string]string) {
		pattern, _ := runtime.HTTPPattern(r.Context())
		route := g.routes[routeKey(r.Method, pattern.String())]
		if route == nil {
			writeError(w, fmt.Errorf("no rule of the contract for %s %s", r.Method, pattern))
			return
		}
		telemetry.SetRoute(r.Context(), anyCall)
		r = r.WithContext(telemetry.BeginREST(r.Context(), route.FullMethod(), params[route.Resource]))
		// A form of a web page sends other types. It is refused before anybody asks for the caller.
		if r.Method != http.MethodGet && r.Header.Get("Content-Type") != "" {
			if err := checkMediaType(r.Header); err != nil {
				fail(w, r, err)
				return
			}
		}
		s := &spelling{route: route, keyed: r.Header.Get(idempotencyKey) != ""}
		r, err := g.allowed(r, route, params)
		if err == nil {
			err = g.check(w, r, params, s)
		}
		if err == nil {
			r, err = negotiated(w, r, route.FullMethod())
		}
		if err != nil {
			fail(w, r, err)
			return
		}
		next(w, r.WithContext(withSpelling(r.Context(), s)), params)
	}
}

// allowed returns a request with its caller, or the request with the error of a caller who may not make the call now.
func (g *gateway) allowed(r *http.Request, route *route, params map[string]string) (*http.Request, error) {
	known, err := g.identified(r, route.FullMethod())
	if err != nil {
		return r, err
	}
	now, err := g.admitted(known, route.FullMethod(), params["parent"])
	if err != nil {
		return known, err
	}
	if g.permit != nil {
		err = g.permit(now.Context(), route.FullMethod(), params[route.Resource])
	}
	return now, err
}

// check refuses what the route does not take, and notes how the caller wrote the rest.
func (g *gateway) check(w http.ResponseWriter, r *http.Request, params map[string]string, s *spelling) error {
	if err := g.checkNames(r, params, s); err != nil {
		return err
	}
	if err := checkHeaders(r.Header); err != nil {
		return err
	}
	query, err := s.route.readQuery(r.URL.RawQuery, s)
	if err != nil {
		return err
	}
	implied, err := s.route.readBody(w, r, params, g.maxBody, s)
	if err != nil {
		return err
	}
	if len(implied) > 0 && !query.Has(updateMask) {
		query.Set(updateMask, strings.Join(implied, ","))
	}
	// The generated code reads the query from here. Each key is the full name of a field.
	r.Form, r.PostForm = query, url.Values{}
	return nil
}
