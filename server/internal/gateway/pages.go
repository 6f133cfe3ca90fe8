package gateway

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"

	"github.com/swaggest/swgui/v5emb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// docsPolicy lets the documentation page load from this server only. The page starts with an inline
// script.
const docsPolicy = "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; " +
	"img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"

// pages returns the handlers of the pages beside the API, by exact path.
func pages(openAPI []byte, ready func() bool) map[string]http.HandlerFunc {
	alive := func(w http.ResponseWriter, _ *http.Request) { writeOK(w) }
	all := map[string]http.HandlerFunc{
		"/":             http.RedirectHandler("/docs", http.StatusFound).ServeHTTP,
		"/openapi.json": document(openAPI),
		"/healthz":      alive,
		"/livez":        alive, // as Kubernetes names it
		"/readyz": func(w http.ResponseWriter, _ *http.Request) {
			if ready != nil && !ready() {
				writeError(w, status.Error(codes.Unavailable, "the server is starting or stopping"))
				return
			}
			writeOK(w)
		},
	}
	ui := v5emb.New("drmhub", "/openapi.json", "/docs")
	for _, path := range []string{
		"", "/", "/swagger-ui.css", "/swagger-ui-bundle.js", "/swagger-ui-standalone-preset.js",
		"/favicon-16x16.png", "/favicon-32x32.png",
	} {
		all["/docs"+path] = func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Security-Policy", docsPolicy)
			ui.ServeHTTP(w, r)
		}
	}
	for path, page := range all {
		all[path] = readOnly(path, page)
	}
	return all
}

// readOnly serves GET and HEAD only.
func readOnly(path string, page http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			wrongMethod(w, path, r.Method, http.MethodGet, http.MethodHead)
			return
		}
		page(w, r)
	}
}

// document serves the OpenAPI document, which changes only with the program.
func document(openAPI []byte) http.HandlerFunc {
	etag := fmt.Sprintf(`"%x"`, sha256.Sum256(openAPI))
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("ETag", etag)
		w.Header().Set("Cache-Control", "no-cache") // ask each time, by ETag
		if known := r.Header.Get("If-None-Match"); known == "*" || strings.Contains(known, etag) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = w.Write(openAPI)
	}
}

func writeOK(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte(`{"status":"ok"}` + "\n"))
}
