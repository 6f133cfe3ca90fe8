package emulator

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

// base is the path of the vendor's management calls.
const base = "/api/license/management/v4/"

// call is one call of the vendor's API.
type call struct {
	method string
	path   string // below base; {} matches an id
	status int    // of a success
	pages  bool   // the query names the page
	serve  func(e *Emulator, ctx context.Context, r request) (data any, err error)
}

// calls are the calls that the emulator serves.
var calls = []call{
	{"GET", "licenses", 200, true, (*Emulator).listLicenses},
	{"POST", "licenses", 201, false, (*Emulator).createLicense},
	{"POST", "licenses/batch_create", 201, false, (*Emulator).createLicenses},
	{"POST", "licenses/batch_delete", 204, false, (*Emulator).deleteLicenses},
	{"GET", "licenses/{}", 200, false, (*Emulator).getLicense},
	{"DELETE", "licenses/{}", 204, false, (*Emulator).deleteLicense},
	{"GET", "users/{}/licenses", 200, true, (*Emulator).listUserLicenses},
	{"GET", "products", 200, true, (*Emulator).listProducts},
	{"POST", "products", 201, false, (*Emulator).createProduct},
	{"GET", "products/{}", 200, false, (*Emulator).getProduct},
	{"PATCH", "products/{}", 200, false, (*Emulator).updateProduct},
}

// request holds what a call needs of a request.
type request struct {
	id   string // in the path
	page page
	data json.RawMessage // in the body, if the call takes a body
}

// serve serves a request as the vendor would.
func (e *Emulator) serve(w http.ResponseWriter, r *http.Request) {
	c, id, allowed := e.find(r.Method, r.URL.EscapedPath())
	var data any
	var err error
	switch {
	case len(allowed) == 0:
		err = failure{http.StatusNotFound, CodeNotFound, "there is nothing at this path"}
	case c.serve == nil:
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		detail := "this path takes " + strings.Join(allowed, ", ")
		err = failure{http.StatusMethodNotAllowed, CodeMethodNotAllowed, detail}
	case !e.credentials.admit(r):
		err = failure{http.StatusUnauthorized, CodeUnauthorized, "credentials are missing or not valid"}
	default:
		data, err = e.carryOut(c, id, r)
	}
	write(w, c.status, data, err)
}

// find returns the call for a method and a path, and the id in that path. If there is no such call,
// it returns the methods that the path has.
func (e *Emulator) find(method, path string) (found call, id string, allowed []string) {
	rest, ok := strings.CutPrefix(path, base)
	if !ok {
		return call{}, "", nil
	}
	for _, c := range calls {
		given, matches := match(c.path, rest)
		if !matches || c.method == http.MethodPatch && !e.assumed.ProductUpdates {
			continue
		}
		if c.method == method {
			return c, given, []string{method}
		}
		allowed = append(allowed, c.method)
	}
	return call{}, "", allowed
}

// match reports whether an escaped path has the form of pattern, and returns the id in the place of
// {}.
func match(pattern, path string) (id string, matches bool) {
	wanted, segments := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(wanted) != len(segments) {
		return "", false
	}
	for i, segment := range segments {
		plain, err := url.PathUnescape(segment)
		switch {
		case err != nil || plain == "":
			return "", false
		case wanted[i] == "{}":
			id = plain
		case wanted[i] != plain:
			return "", false
		}
	}
	return id, true
}

// carryOut checks the rest of a request, and carries it out.
func (e *Emulator) carryOut(c call, id string, r *http.Request) (data any, err error) {
	in := request{id: id}
	if in.page, err = e.readPage(c, r.URL.RawQuery); err != nil {
		return nil, err
	}
	if r.Method == http.MethodPost || r.Method == http.MethodPatch {
		if in.data, err = readBody(r); err != nil {
			return nil, err
		}
	}
	return c.serve(e, r.Context(), in)
}

// readBody returns the data of a document {"data": …}.
func readBody(r *http.Request) (json.RawMessage, error) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/json" && media != "application/vnd.api+json" {
		return nil, failure{
			http.StatusUnsupportedMediaType, CodeUnsupportedMediaType,
			"the body must be application/json or application/vnd.api+json",
		}
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	document, err := readObject(body, "the body", "data")
	if err != nil {
		return nil, err
	}
	if document["data"] == nil {
		return nil, failure{http.StatusBadRequest, CodeInvalidBody, "the body has no data"}
	}
	return document["data"], nil
}

// write sends {"data": …}, or err if it is not nil.
func write(w http.ResponseWriter, status int, data any, err error) {
	var body bytes.Buffer
	if err == nil && status != http.StatusNoContent {
		encoder := json.NewEncoder(&body)
		encoder.SetEscapeHTML(false)
		err = encoder.Encode(map[string]any{"data": data})
	}
	if err != nil {
		f, known := errors.AsType[failure](err)
		if !known {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		status = f.status
		body.Reset()
		body.Write(f.body())
	}
	if body.Len() > 0 {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // an error means that the client has gone
}
