package gateway

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// docsPolicy lets the documentation page load from this server only. The page starts with an inline
// script.
const docsPolicy = "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; " +
	"img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"

// pages returns the handlers of the pages beside the API, by exact path.
func pages(o Options) map[string]http.HandlerFunc {
	all := map[string]http.HandlerFunc{
		"/":             http.RedirectHandler("/docs", http.StatusFound).ServeHTTP,
		"/openapi.json": document(o.OpenAPI, "application/json", checkEachTime),
	}
	if !o.NoHealth {
		maps.Copy(all, Health(o.Ready))
	}
	if o.Metrics != nil {
		all["/metrics"] = o.Metrics.ServeHTTP
	}
	if len(o.Contract) > 0 {
		all["/contract.binpb"] = document(o.Contract, "application/x-protobuf", checkEachTime)
	}
	maps.Copy(all, docs())
	for path, page := range all {
		all[path] = readOnly(path, page)
	}
	return all
}

// Health returns the pages that say how the server is, by exact path.
func Health(ready func() bool) map[string]http.HandlerFunc {
	alive := func(w http.ResponseWriter, _ *http.Request) { writeOK(w) }
	return map[string]http.HandlerFunc{
		"/healthz": readOnly("/healthz", alive),
		"/livez":   readOnly("/livez", alive), // as Kubernetes names it
		"/readyz": readOnly("/readyz", func(w http.ResponseWriter, _ *http.Request) {
			if ready != nil && !ready() {
				writeError(w, status.Error(codes.Unavailable,
					"the server is starting or stopping, or the file of its store is not in its place"))
				return
			}
			writeOK(w)
		}),
	}
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

// checkEachTime lets browsers and proxies keep a document, and makes them ask each time whether it
// has changed.
const checkEachTime = "no-cache"

// document serves a document, which changes only with the program. It is hashed and compressed when
// it is first asked for: at the start, that would bring all of it into memory. Each of the two
// forms has its own tag.
func document(content []byte, mediaType, caching string) http.HandlerFunc {
	plainTag := sync.OnceValue(func() string { return tagOf(content) })
	compressed := sync.OnceValue(func() []byte {
		var out bytes.Buffer
		w := gzip.NewWriter(&out)
		_, _ = w.Write(content) // Memory takes everything.
		_ = w.Close()
		return out.Bytes()
	})
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", mediaType)
		w.Header().Set("Cache-Control", caching)
		if len(content) >= minCompressed && acceptedEncodings(r.Header).gzip && len(compressed()) < len(content) {
			sendTagged(w, r, compressed(), strings.TrimSuffix(plainTag(), `"`)+`-gzip"`, gzipName)
			return
		}
		sendTagged(w, r, content, plainTag(), "")
	}
}

// tagOf returns the ETag of a content.
func tagOf(content []byte) string { return fmt.Sprintf(`"%x"`, sha256.Sum256(content)) }

// sendTagged sends a body in a coding, or nothing if the client has it under its tag.
func sendTagged(w http.ResponseWriter, r *http.Request, body []byte, tag, coding string) {
	h := w.Header()
	h.Set("ETag", tag)
	if known := r.Header.Get("If-None-Match"); known == "*" || strings.Contains(known, tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if coding != "" {
		h.Set("Content-Encoding", coding)
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
}

func writeOK(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte(`{"status":"ok"}` + "\n"))
}
