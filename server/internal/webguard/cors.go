package webguard

import (
	"mime"
	"net/http"
	"slices"
	"strings"
)

const (
	sharedMethods = "GET, HEAD, POST, PATCH, DELETE"
	sharedHeaders = "Authorization, Content-Type, Idempotency-Key, traceparent, tracestate, X-Request-Id"
	// sharedFor is how long a browser may remember what a page may do, in seconds. The operator can
	// remove an origin at any time.
	sharedFor = "600"
)

// exposed are the headers of responses that pages may read, beside those whose names start with
// Drmhub-.
var exposed = []string{"Retry-After", "WWW-Authenticate", "X-Request-Id"}

// share lets the pages of listed origins read the response. It responds to a preflight request of
// theirs, and then reports false.
func (g *Guard) share(w http.ResponseWriter, r *http.Request) (http.ResponseWriter, bool) {
	if len(g.shared) == 0 {
		return w, true
	}
	h := w.Header()
	h.Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if !slices.Contains(g.shared, origin) {
		return w, true
	}
	h.Set("Access-Control-Allow-Origin", origin)
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		return &sharedWriter{ResponseWriter: w}, true
	}
	h.Set("Access-Control-Allow-Methods", sharedMethods)
	h.Set("Access-Control-Allow-Headers", sharedHeaders)
	h.Set("Access-Control-Max-Age", sharedFor)
	w.WriteHeader(http.StatusNoContent)
	return w, false
}

// A sharedWriter names the headers that pages may read. Some of them are numbered, so they are
// known only when the response begins.
type sharedWriter struct {
	http.ResponseWriter
	began bool
}

func (w *sharedWriter) begin() {
	if w.began {
		return
	}
	w.began = true
	names := slices.Clone(exposed)
	for name := range w.Header() {
		if strings.HasPrefix(name, "Drmhub-") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	w.Header().Set("Access-Control-Expose-Headers", strings.Join(names, ", "))
}

// WriteHeader sends the headers of the response.
func (w *sharedWriter) WriteHeader(status int) {
	w.begin()
	w.ResponseWriter.WriteHeader(status)
}

// Write sends a part of the body.
func (w *sharedWriter) Write(p []byte) (int, error) {
	w.begin()
	return w.ResponseWriter.Write(p)
}

// Unwrap returns the writer for http.ResponseController.
func (w *sharedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// carriesJSON reports whether a request carries JSON or nothing. A request that changes nothing may
// carry anything.
func carriesJSON(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return true
	}
	if r.Header.Get("Content-Type") == "" && len(r.Header.Values("Content-Type")) < 2 {
		return r.ContentLength == 0
	}
	return IsJSON(r.Header)
}

// IsJSON reports whether headers announce a body of JSON in UTF-8.
func IsJSON(h http.Header) bool {
	types := h.Values("Content-Type")
	if len(types) != 1 {
		return false
	}
	media, params, err := mime.ParseMediaType(types[0])
	charset := params["charset"]
	return err == nil && media == "application/json" && (charset == "" || strings.EqualFold(charset, "utf-8"))
}
