package gateway_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/contract"
	"github.com/drmhub/drmhub/server/internal/gateway"
)

func TestEveryRuleOfTheContractIsServed(t *testing.T) {
	var called string
	s := backend{
		call: func(_ context.Context, method string, _ proto.Message) (proto.Message, error) {
			called = method
			return nil, nil
		},
		licenses: licenses{stream: func(*pb.StreamLicensesRequest, streamServer) error {
			called = pb.LicenseService_StreamLicenses_FullMethodName
			return nil
		}},
		exports: exports{export: func(*pb.ExportLicensesRequest, exportServer) error {
			called = pb.ArchiveService_ExportLicenses_FullMethodName
			return nil
		}},
	}.serve(t)
	for _, rpc := range contract.RPCs() {
		called = ""
		method, path := rpc.HTTP.Method, strings.ReplaceAll(rpc.HTTP.Pattern, "*", "x")
		r := send(t, s, method, path, "")
		if called != rpc.FullMethod() || r.StatusCode != http.StatusOK {
			t.Errorf("%s %s: HTTP %d, called %q, want %q: %s", method, path, r.StatusCode, called, rpc.Name, r.text)
		}
		r = send(t, s, "PUT", path, "")
		r.failed(t, http.StatusMethodNotAllowed, "UNIMPLEMENTED", "METHOD_UNKNOWN")
		if !strings.Contains(r.Header.Get("Allow"), method) {
			t.Errorf("PUT %s: Allow %q is without %s", path, r.Header.Get("Allow"), method)
		}
	}
}

func TestMethodsAreNotOverridden(t *testing.T) {
	s := backend{}.serve(t)
	const form = "Content-Type: application/x-www-form-urlencoded"
	for _, headers := range [][]string{{"X-HTTP-Method-Override: GET", form}, {form}} {
		r := send(t, s, "POST", "/v1/vendors", "pageSize=1", headers...)
		r.failed(t, http.StatusMethodNotAllowed, "UNIMPLEMENTED", "METHOD_UNKNOWN")
	}
}

// FuzzPathToName checks that an id which is escaped into a path arrives as that id. Every path that
// reaches a method is /v1/ and the name.
func FuzzPathToName(f *testing.F) {
	for _, seed := range []string{
		"a", "a/b", "a%2Fb", "a:disable", ":check", "@ /%:", "사이트", "..", ".", "", "a?b#c", "a;b=c", "\x00", "+",
	} {
		f.Add(seed)
	}
	var name string
	h := backend{call: func(_ context.Context, _ string, req proto.Message) (proto.Message, error) {
		name = req.(interface{ GetName() string }).GetName()
		return nil, nil
	}}.handler(f, gateway.Options{})
	f.Fuzz(func(t *testing.T, id string) {
		get := func(path string) (*recorded, *url.URL) {
			u, err := url.ParseRequestURI(path)
			if err != nil {
				return nil, nil
			}
			name = ""
			return record(h, &http.Request{Method: "GET", URL: u, Header: http.Header{}, Body: http.NoBody}), u
		}
		if r, _ := get("/v1/vendors/v/sites/" + url.PathEscape(id)); r.status == http.StatusOK {
			last := name[strings.LastIndex(name, "/")+1:]
			if got, err := url.PathUnescape(last); err != nil || got != id || strings.Count(name, "/") != 3 {
				t.Errorf("id %q arrived as %q", id, name)
			}
		} else if id != "" && id != "." && id != ".." && strings.ToValidUTF8(id, "") == id && id != ":stream" {
			t.Errorf("id %q: HTTP %d", id, r.status)
		}
		if r, u := get("/v1/mutations/" + id); r == nil {
			return
		} else if r.status == http.StatusOK {
			if "/v1/"+name != u.EscapedPath() && u.Path != "/v1/mutations" {
				t.Errorf("path %q arrived as %q", u.EscapedPath(), name)
			}
		} else {
			parseFailure(t, r.body.String())
		}
	})
}

// TestNoVariableIsWhereAnotherPathHasAWord checks what the tree of routes relies on: it never looks
// at a variable once a word has fitted.
func TestNoVariableIsWhereAnotherPathHasAWord(t *testing.T) {
	after := map[string]map[string]string{} // the template of a path by its beginning and its next segment
	for _, rpc := range contract.RPCs() {
		path := rpc.HTTP.Pattern
		if i := strings.LastIndex(path, ":"); i >= 0 { // The verb is no part of the last segment.
			path = path[:i]
		}
		beginning := ""
		for segment := range strings.SplitSeq(path, "/") {
			if after[beginning] == nil {
				after[beginning] = map[string]string{}
			}
			after[beginning][segment] = rpc.HTTP.Template
			beginning += segment + "/"
		}
	}
	for beginning, next := range after {
		if variable, has := next["*"]; has && len(next) > 1 {
			t.Errorf("after %q, %s has a variable, and others have words: %v", beginning, variable, next)
		}
	}
}
