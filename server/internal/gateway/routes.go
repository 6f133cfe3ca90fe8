package gateway

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/server/internal/contract"
)

// A route is one google.api.http rule of the contract, ready to match paths.
type route struct {
	*contract.RPC
	body     protoreflect.MessageType // the type of the body; nil: the RPC takes none
	segments []string                 // of the pattern, without the verb
	verb     string                   // ":disable", or ""
}

// routes holds all rules by routeKey.
type routes map[string]*route

// routeKey returns the key of a rule: its HTTP method and its path template.
func routeKey(method, template string) string { return method + " " + template }

// contractRoutes returns the routes of all RPCs.
func contractRoutes() routes {
	all := routes{}
	for _, rpc := range contract.RPCs() {
		rt := &route{RPC: rpc, body: rpc.BodyType()}
		plain := rpc.HTTP.Pattern
		if i := strings.LastIndex(plain, ":"); i >= 0 {
			plain, rt.verb = plain[:i], plain[i:]
		}
		rt.segments = strings.Split(plain, "/")
		all[routeKey(rpc.HTTP.Method, rpc.HTTP.Template)] = rt
	}
	return all
}

// takes reports whether an escaped path fits the rule. It ignores the HTTP method.
func (rt *route) takes(path string) bool {
	path, ok := strings.CutSuffix(path, rt.verb)
	segments := strings.Split(path, "/")
	if !ok || len(segments) != len(rt.segments) {
		return false
	}
	for i, want := range rt.segments {
		if want == "*" && !isID(segments[i]) || want != "*" && want != segments[i] {
			return false
		}
	}
	return true
}

// apiPaths is how the paths of the API begin.
const apiPaths = "/v1/"

// find returns the rule for a request to an escaped path, or nil.
func (all routes) find(method, path string) *route {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	for _, rt := range all {
		if rt.HTTP.Method == method && rt.takes(path) {
			return rt
		}
	}
	return nil
}

// allowed returns the HTTP methods that an escaped path takes, sorted.
func (all routes) allowed(path string) []string {
	methods := map[string]bool{}
	for _, rt := range all {
		if rt.takes(path) {
			methods[rt.HTTP.Method] = true
			if rt.HTTP.Method == http.MethodGet {
				methods[http.MethodHead] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(methods))
}

// isID reports whether an escaped segment can be an id. No id is "", "." or "..": a client that sends
// those expects the path to be cleaned.
func isID(segment string) bool {
	id, err := url.PathUnescape(segment)
	return err == nil && id != "" && id != "." && id != ".."
}

// checkNames refuses a path whose names are malformed.
func (g *gateway) checkNames(r *http.Request, params map[string]string, s *spelling) error {
	for field, name := range params {
		for segment := range strings.SplitSeq(name, "/") {
			if !isID(segment) {
				return g.noSuchPath(r.URL.Path)
			}
			if id, _ := url.PathUnescape(segment); !utf8.ValidString(id) {
				return apierror.Invalid(s.field(field), "the escapes in the path must be UTF-8")
			}
		}
	}
	return nil
}
