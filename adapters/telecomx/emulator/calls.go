package emulator

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/drmhub/drmhub/adapters/twin"
)

// A call is one call of the vendor's API that takes a token.
type call struct {
	method, path string
	query        []twin.Param // besides token
	answer       func(e *Emulator, ctx context.Context, u User, in input) (any, error)
}

// An input is the content of a request.
type input struct {
	id    string // of the path
	query twin.Params
	body  fields // of a POST
}

// calls are the calls of the emulator, besides the login.
var calls = []call{
	{"GET", "/iptv/drm", []twin.Param{offset, limit, filter, full, customer}, (*Emulator).listAccounts},
	{"GET", "/iptv/drm/{id}", nil, (*Emulator).getAccount},
	{"POST", "/iptv/drm", nil, (*Emulator).createAccount},
	{"DELETE", "/iptv/device/{id}", []twin.Param{force}, (*Emulator).deleteDevice},
}

// A failure is an error of the vendor: an HTTP status and a message.
type failure struct {
	status  int
	message string
}

func (f failure) Error() string { return f.message }

// Failures of the vendor's pages.
var (
	accessDenied    = failure{http.StatusForbidden, "access_denied"}
	deviceFrozen    = failure{http.StatusForbidden, "deleted"}
	unknownID       = failure{http.StatusNotFound, "id"}
	unknownCustomer = failure{http.StatusNotFound, "customer"}
	deviceBound     = failure{http.StatusConflict, "id"}
	usernameTaken   = failure{http.StatusConflict, "username"}
	customerHasOne  = failure{http.StatusConflict, "customer"}
)

// unreadable is the failure of a request that cannot be read. invalid returns the failure of a
// value that a call does not accept.
var unreadable = failure{http.StatusBadRequest, "bad_request"}

func invalid(name string) failure { return failure{http.StatusUnprocessableEntity, name} }

// serve checks a request of one call and responds to it.
func (e *Emulator) serve(c call) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		a, err := e.answer(c, r)
		e.write(w, a, err)
	}
}

func (e *Emulator) answer(c call, r *http.Request) (any, error) {
	values, err := readQuery(r)
	if err != nil {
		return nil, err
	}
	u, err := e.identify(values["token"])
	if err != nil {
		return nil, err
	}
	delete(values, "token")
	in := input{id: r.PathValue("id")}
	if in.query, err = checkQuery(values, c.query); err != nil {
		return nil, err
	}
	if r.Method == http.MethodPost {
		if in.body, err = readFields(r); err != nil {
			return nil, err
		}
	}
	return c.answer(e, r.Context(), u, in)
}

// write sends a response, or the failure err if it is not nil.
func (e *Emulator) write(w http.ResponseWriter, a any, err error) {
	status, contentType := http.StatusOK, jsonType
	var body []byte
	if err == nil {
		body, err = encode(a)
	}
	if err != nil {
		f, known := errors.AsType[failure](err)
		if !known {
			f = failure{http.StatusInternalServerError, "internal_error"}
		}
		status = f.status
		contentType, body = e.errorBody(f.message)
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = w.Write(body) // an error means that the client has left
}

const jsonType = "application/json; charset=utf-8"

// errorBody returns the body of a failure, in the form of the assumptions.
func (e *Emulator) errorBody(message string) (contentType string, body []byte) {
	if e.assumed.PlainErrors {
		return "text/plain; charset=utf-8", []byte(message)
	}
	body, err := encode(map[string]string{"error": message})
	if err != nil {
		panic(err) // a map of strings can always be encoded
	}
	return jsonType, body
}

// encode returns JSON without escapes for HTML.
func encode(value any) ([]byte, error) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return bytes.TrimSpace(body.Bytes()), err
}
