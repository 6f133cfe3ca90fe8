package gateway

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/drmhub/drmhub/adapters/apierror"
)

// route is one google.api.http rule of the contract: what a method takes from the path, the body
// and the query.
type route struct {
	method   string // GET, POST, …
	segments []string
	verb     string                   // ":disable", or nothing
	request  protoreflect.MessageType // the RPC's request
	body     protoreflect.MessageType // what the body is; nil: there is none
	bodyPath string                   // the request's field that is the body, or "*"
	inPath   []string                 // the request's fields, by their paths, that the path binds
}

// routes are all rules, by routeKey.
type routes map[string]*route

// routeKey names a rule by its HTTP method and its path template.
func routeKey(method, template string) string { return method + " " + template }

// contractRoutes reads the rules from the descriptors that are linked in.
func contractRoutes() (routes, error) {
	all := routes{}
	var problems []error
	protoregistry.GlobalFiles.RangeFilesByPackage("drmhub.v1", func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			methods := file.Services().Get(i).Methods()
			for j := range methods.Len() {
				problems = append(problems, all.add(methods.Get(j)))
			}
		}
		return true
	})
	return all, errors.Join(problems...)
}

func (all routes) add(rpc protoreflect.MethodDescriptor) error {
	rule, ok := proto.GetExtension(rpc.Options(), annotations.E_Http).(*annotations.HttpRule)
	if !ok || rule == nil {
		return fmt.Errorf("%s has no google.api.http rule", rpc.FullName())
	}
	request, err := protoregistry.GlobalTypes.FindMessageByName(rpc.Input().FullName())
	if err != nil {
		return fmt.Errorf("%s: %w", rpc.FullName(), err)
	}
	rt := &route{request: request, bodyPath: rule.GetBody()}
	switch rt.bodyPath {
	case "":
	case "*":
		rt.body = request
	default:
		field := rpc.Input().Fields().ByName(protoreflect.Name(rt.bodyPath))
		if field == nil || field.Message() == nil || field.IsList() {
			return fmt.Errorf("%s: the body %q is no message field of %s", rpc.FullName(), rt.bodyPath, rpc.Input().FullName())
		}
		rt.body = request.New().Mutable(field).Message().Type()
	}
	template := rt.setPath(rule)
	if template == "" {
		return fmt.Errorf("%s: the rule's HTTP method is not one of those served", rpc.FullName())
	}
	all[routeKey(rt.method, template)] = rt
	return nil
}

// setPath takes a template such as "/v1/{parent=vendors/*}/sites:verb" apart, and returns it.
func (rt *route) setPath(rule *annotations.HttpRule) (template string) {
	switch {
	case rule.GetGet() != "":
		rt.method, template = http.MethodGet, rule.GetGet()
	case rule.GetPost() != "":
		rt.method, template = http.MethodPost, rule.GetPost()
	case rule.GetPatch() != "":
		rt.method, template = http.MethodPatch, rule.GetPatch()
	case rule.GetDelete() != "":
		rt.method, template = http.MethodDelete, rule.GetDelete()
	}
	plain := ""
	for rest := template; rest != ""; {
		before, variable, found := strings.Cut(rest, "{")
		plain += before
		if !found {
			break
		}
		variable, rest, _ = strings.Cut(variable, "}")
		field, pattern, _ := strings.Cut(variable, "=")
		plain += pattern
		rt.inPath = append(rt.inPath, field)
	}
	if i := strings.LastIndex(plain, ":"); i >= 0 {
		plain, rt.verb = plain[:i], plain[i:]
	}
	rt.segments = strings.Split(plain, "/")
	return template
}

// takes reports whether an escaped path fits the rule, whatever the HTTP method.
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

// allowed lists the HTTP methods that an escaped path takes, in order.
func (all routes) allowed(path string) []string {
	methods := map[string]bool{}
	for _, rt := range all {
		if rt.takes(path) {
			methods[rt.method] = true
		}
	}
	return slices.Sorted(maps.Keys(methods))
}

// isID reports whether an escaped segment can stand for an id. Nothing is called "", "." or "..", and
// what is sent so is meant to be cleaned away.
func isID(segment string) bool {
	id, err := url.PathUnescape(segment)
	return err == nil && id != "" && id != "." && id != ".."
}

// checkNames refuses paths whose names cannot be names.
func checkNames(r *http.Request, params map[string]string) error {
	for field, name := range params {
		for segment := range strings.SplitSeq(name, "/") {
			if !isID(segment) {
				return noSuchPath(r.URL.Path)
			}
			if id, _ := url.PathUnescape(segment); !utf8.ValidString(id) {
				return apierror.Invalid(field, "the path's escapes must be UTF-8")
			}
		}
	}
	return nil
}
