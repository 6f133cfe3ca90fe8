package gateway_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/gateway"
)

var variable = regexp.MustCompile(`\{[^=}]+=([^}]+)\}`)

// contract calls yield with every RPC and with the method and an example of the path of its rule.
func contract(yield func(rpc protoreflect.MethodDescriptor, method, path string)) {
	protoregistry.GlobalFiles.RangeFilesByPackage("drmhub.v1", func(f protoreflect.FileDescriptor) bool {
		for i := range f.Services().Len() {
			for j := range f.Services().Get(i).Methods().Len() {
				rpc := f.Services().Get(i).Methods().Get(j)
				rule := proto.GetExtension(rpc.Options(), annotations.E_Http).(*annotations.HttpRule)
				for method, template := range map[string]string{"GET": rule.GetGet(), "POST": rule.GetPost(), "PATCH": rule.GetPatch(), "DELETE": rule.GetDelete()} {
					if template != "" {
						yield(rpc, method, strings.ReplaceAll(variable.ReplaceAllString(template, "$1"), "*", "x"))
					}
				}
			}
		}
		return true
	})
}

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
	}.serve(t)
	n := 0
	contract(func(rpc protoreflect.MethodDescriptor, method, path string) {
		n++
		called = ""
		r := send(t, s, method, path, "")
		if want := "/" + string(rpc.Parent().FullName()) + "/" + string(rpc.Name()); called != want || r.StatusCode != http.StatusOK {
			t.Errorf("%s %s: HTTP %d, called %q, want %q: %s", method, path, r.StatusCode, called, want, r.text)
		}
		r = send(t, s, "PUT", path, "")
		r.failed(t, http.StatusMethodNotAllowed, "UNIMPLEMENTED", "METHOD_UNKNOWN")
		if !strings.Contains(r.Header.Get("Allow"), method) {
			t.Errorf("PUT %s: Allow %q is without %s", path, r.Header.Get("Allow"), method)
		}
	})
	if n < 40 {
		t.Errorf("only %d rules", n)
	}
}

func TestAllowNamesWhatThePathTakes(t *testing.T) {
	s := backend{}.serve(t)
	for _, c := range []struct{ method, path, want string }{
		{"DELETE", "/v1/vendors/v/sites/a", "GET, PATCH"},
		{"HEAD", "/v1/vendors/v/sites/a", "GET, PATCH"},
		{"OPTIONS", "/v1/vendors/v/members", "GET, POST"},
		// to GET and PATCH, "a:disable" is an id
		{"PUT", "/v1/vendors/v/sites/a:disable", "GET, PATCH, POST"},
		{"POST", "/v1/vendors/v/sites/a%3Adisable", "GET, PATCH"},
		{"DELETE", "/v1/vendors", "GET"},
	} {
		r := send(t, s, c.method, c.path, "")
		if r.StatusCode != http.StatusMethodNotAllowed || r.Header.Get("Allow") != c.want {
			t.Errorf("%s %s: HTTP %d, Allow %q, want %q", c.method, c.path, r.StatusCode, r.Header.Get("Allow"), c.want)
		}
	}
}

func TestMethodsAreNotOverridden(t *testing.T) {
	s := backend{}.serve(t)
	for _, headers := range [][]string{
		{"X-HTTP-Method-Override: GET", "Content-Type: application/x-www-form-urlencoded"},
		{"Content-Type: application/x-www-form-urlencoded"},
	} {
		send(t, s, "POST", "/v1/vendors", "pageSize=1", headers...).failed(t, http.StatusMethodNotAllowed, "UNIMPLEMENTED", "METHOD_UNKNOWN")
	}
}

func TestNamesKeepTheEscapesOfThePath(t *testing.T) {
	var got string
	s := backend{call: func(_ context.Context, method string, req proto.Message) (proto.Message, error) {
		switch req := req.(type) {
		case *pb.UpdateMemberRequest:
			got = req.GetMember().GetName()
		case interface{ GetParent() string }:
			got = req.GetParent()
		case interface{ GetName() string }:
			got = req.GetName()
		}
		got = method[strings.LastIndex(method, "/")+1:] + " " + got
		return nil, nil
	}}.serve(t)
	for _, c := range []struct{ method, path, want string }{
		{"GET", "/v1/vendors/v/sites/a%2Fb", "GetSite vendors/v/sites/a%2Fb"},
		{"GET", "/v1/vendors/v/sites/a%2fb%25c", "GetSite vendors/v/sites/a%2fb%25c"},
		{"GET", "/v1/vendors/v/sites/a%252Fb", "GetSite vendors/v/sites/a%252Fb"},
		{"GET", "/v1/vendors/v/sites/a@b:c+d", "GetSite vendors/v/sites/a@b:c+d"},
		{"GET", "/v1/vendors/v/sites/a%20b", "GetSite vendors/v/sites/a%20b"},
		{"GET", "/v1/vendors/v/sites/%EC%82%AC", "GetSite vendors/v/sites/%EC%82%AC"},
		{"GET", "/v1/vendors/v/sites/사", "GetSite vendors/v/sites/%EC%82%AC"},
		{"GET", "/v1/vendors/v/sites/a:disable", "GetSite vendors/v/sites/a:disable"},
		{"GET", "/v1/vendors/v/productLicenses/a:b", "GetProductLicense vendors/v/productLicenses/a:b"},
		{"POST", "/v1/vendors/v/sites/a:disable", "DisableSite vendors/v/sites/a"},
		{"POST", "/v1/vendors/v/sites/a%3Adisable:disable", "DisableSite vendors/v/sites/a%3Adisable"},
		{"POST", "/v1/vendors/v/sites/a:disable:enable", "EnableSite vendors/v/sites/a:disable"},
		{"PATCH", "/v1/vendors/v/members/a%2Fb", "UpdateMember vendors/v/members/a%2Fb"},
		{"GET", "/v1/vendors/-/sites/-/licenses", "ListLicenses vendors/-/sites/-"},
		{"GET", "/v1/vendors/v/sites/.../licenses", "ListLicenses vendors/v/sites/..."},
		{"GET", "/v1/vendors/v/sites/a%3F%23b", "GetSite vendors/v/sites/a%3F%23b"},
	} {
		got = ""
		body := ""
		if c.method == "PATCH" {
			body = "{}"
		}
		if r := send(t, s, c.method, c.path, body); got != c.want {
			t.Errorf("%s %s: %q, want %q: %s", c.method, c.path, got, c.want, r.text)
		}
	}
}

func TestPathsThatAreNoNamesAreNotFound(t *testing.T) {
	s := backend{call: func(_ context.Context, method string, _ proto.Message) (proto.Message, error) {
		return nil, errors.New("called " + method)
	}}.serve(t)
	for _, c := range []struct{ method, path string }{
		{"GET", "/v1/nothing"},
		{"GET", "/v2/vendors"},
		{"GET", "/v1/vendors/"},
		{"GET", "/v1//vendors"},
		{"GET", "//v1/vendors"},
		{"GET", "/v1/vendors//sites"},
		{"GET", "/v1/vendors/./sites"},
		{"GET", "/v1/vendors/../sites"},
		{"GET", "/v1/vendors/x/../y"},
		{"GET", "/v1/vendors/%2E%2E/sites"},
		{"GET", "/v1/vendors/%2e"},
		{"GET", "/v1/vendors/v/sites/a/b"},
		{"POST", "/v1/vendors/..:check"},
		{"POST", "/v1/vendors/:check"},
		{"GET", "/v1%2Fvendors"},
		{"GET", "/docs/../v1/vendors"},
		{"GET", "/docs/nothing.js"},
		{"PUT", "/v1/vendors//sites"},
	} {
		r := send(t, s, c.method, c.path, "")
		e := r.failed(t, http.StatusNotFound, "NOT_FOUND", "METHOD_UNKNOWN")
		if !strings.Contains(e.Message, c.path) {
			t.Errorf("%s %s: %q does not say where", c.method, c.path, e.Message)
		}
	}
	send(t, s, "GET", "/v1/vendors/%FF", "").failed(t, http.StatusBadRequest, "INVALID_ARGUMENT", "REQUEST_INVALID")
}

// FuzzPathToName: an id that is escaped into a path arrives as that id, and whatever path reaches a
// method is /v1/ and the name.
func FuzzPathToName(f *testing.F) {
	for _, seed := range []string{"a", "a/b", "a%2Fb", "a:disable", ":check", "@ /%:", "사이트", "..", ".", "", "a?b#c", "a;b=c", "\x00", "+"} {
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
