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

	variables []variable
}

// routes holds all rules.
type routes struct {
	all   []*route
	root  *node
	verbs map[string]bool // by HTTP method and verb
}

// A node is a place in the tree of paths.
type node struct {
	next map[string]*node  // by the next segment; "*" takes any other
	ends map[string]*route // of the paths that end here, by HTTP method and verb: "POST:disable"
}

func newNode() *node { return &node{next: map[string]*node{}, ends: map[string]*route{}} }

// below returns the node for the next segment, or nil. No path of the contract has a variable where
// another has a word.
func (n *node) below(segment string) *node {
	if next := n.next[segment]; next != nil {
		return next
	}
	return n.next["*"]
}

// contractRoutes returns the routes of all RPCs.
func contractRoutes() routes {
	all := routes{root: newNode(), verbs: map[string]bool{}}
	for _, rpc := range contract.RPCs() {
		rt := &route{RPC: rpc, body: rpc.BodyType()}
		plain := rpc.HTTP.Pattern
		if i := strings.LastIndex(plain, ":"); i >= 0 {
			plain, rt.verb = plain[:i], plain[i:]
		}
		rt.segments = strings.Split(plain, "/")
		rt.variables = variablesOf(rpc.HTTP.Template)
		for i, v := range rt.variables {
			rt.variables[i].path = pathOf(rpc.Method.Input(), v.field)
		}
		at := all.root
		for _, segment := range rt.segments {
			if at.next[segment] == nil {
				at.next[segment] = newNode()
			}
			at = at.next[segment]
		}
		at.ends[rpc.HTTP.Method+rt.verb] = rt
		all.verbs[rpc.HTTP.Method+rt.verb] = true
		all.all = append(all.all, rt)
	}
	return all
}

// A variable is a field of the request that the path holds.
type variable struct {
	field    string
	from, to int                            // its segments
	path     []protoreflect.FieldDescriptor // to the field, which is text
}

// set sets the field of a request.
func (v variable) set(request protoreflect.Message, text string) {
	last := len(v.path) - 1
	for _, f := range v.path[:last] {
		request = request.Mutable(f).Message()
	}
	request.Set(v.path[last], protoreflect.ValueOfString(text))
}

// pathOf returns the fields on a path such as "site.name".
func pathOf(message protoreflect.MessageDescriptor, path string) (all []protoreflect.FieldDescriptor) {
	for name := range strings.SplitSeq(path, ".") {
		f := message.Fields().ByTextName(name)
		all, message = append(all, f), f.Message()
	}
	return all
}

// variablesOf returns the variables of a template such as "/v1/{name=vendors/*/sites/*}:disable".
func variablesOf(template string) (all []variable) {
	at := 0
	for template != "" {
		plain, rest, found := strings.Cut(template, "{")
		if !found {
			break
		}
		inside, rest, _ := strings.Cut(rest, "}")
		field, pattern, _ := strings.Cut(inside, "=")
		at += strings.Count(plain, "/")
		all = append(all, variable{field: field, from: at, to: at + strings.Count(pattern, "/") + 1})
		at += strings.Count(pattern, "/")
		template = rest
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

// find returns the rule for a request to an escaped path, or nil, and the fields that the path
// holds. The names in the path can be malformed.
func (all routes) find(method, path string) (*route, params) {
	at, begins := all.root, make([]int, 1, usualSegments) // where each segment begins
	for {
		begin := begins[len(begins)-1]
		size := strings.IndexByte(path[begin:], '/')
		if size < 0 {
			break
		}
		if at = at.below(path[begin : begin+size]); at == nil {
			return nil, nil
		}
		begins = append(begins, begin+size+1)
	}
	rt := all.end(at, method, path[begins[len(begins)-1]:])
	if rt == nil {
		return nil, nil
	}
	// The last segment ends as the others do, with one byte that is no part of it.
	begins = append(begins, len(strings.TrimSuffix(path, rt.verb))+1)
	found := make(params, len(rt.variables))
	for i, v := range rt.variables {
		found[i] = param{v.field, path[begins[v.from] : begins[v.to]-1]}
	}
	return rt, found
}

// usualSegments is how many segments find can hold on its stack. Longer paths take memory.
const usualSegments = 12

// params are the fields of a request that its path holds.
type params []param

type param struct{ field, value string }

// of returns the value of a field, or "".
func (all params) of(field string) string {
	for _, p := range all {
		if p.field == field {
			return p.value
		}
	}
	return ""
}

// end returns the rule whose path has this last segment below a node, or nil.
func (all routes) end(at *node, method, segment string) *route {
	if i := strings.LastIndexByte(segment, ':'); i >= 0 {
		if i == 0 && all.verbs[method+segment] {
			return nil
		}
		if n := at.below(segment[:i]); n != nil {
			if rt := n.ends[method+segment[i:]]; rt != nil {
				return rt
			}
		}
	}
	if n := at.below(segment); n != nil {
		return n.ends[method]
	}
	return nil
}

// isVerb reports whether a path ends in a verb without a name before it.
func (all routes) isVerb(method, path string) bool {
	last := path[strings.LastIndexByte(path, '/')+1:]
	return strings.HasPrefix(last, ":") && all.verbs[method+last]
}

// allowed returns the HTTP methods that an escaped path takes, sorted.
func (all routes) allowed(path string) []string {
	methods := map[string]bool{}
	for _, rt := range all.all {
		if rt.takes(path) {
			methods[rt.HTTP.Method] = true
			if rt.HTTP.Method == http.MethodGet {
				methods[http.MethodHead] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(methods))
}

// isID reports whether an escaped segment can be an id. No id is "", "." or "..": a client that
// sends those expects the path to be cleaned.
func isID(segment string) bool {
	id, err := url.PathUnescape(segment)
	return err == nil && id != "" && id != "." && id != ".."
}

// checkNames refuses a path whose names are malformed.
func (g *gateway) checkNames(path string, params params, s *spelling) error {
	for _, p := range params {
		for segment := range strings.SplitSeq(p.value, "/") {
			if !isID(segment) {
				return g.noSuchPath(path)
			}
			if id, _ := url.PathUnescape(segment); !utf8.ValidString(id) {
				return apierror.Invalid(s.field(p.field), "the escapes in the path must be UTF-8")
			}
		}
	}
	return nil
}
