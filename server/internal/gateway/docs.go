package gateway

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"io"
	"net/http"
	"strings"

	"github.com/swaggest/swgui/v5/static"
)

// docsPage is the documentation page. It shows the services and the calls in the order of the
// OpenAPI document. docsPlugin replaces DOCS_PLUGIN in it.
//
//go:embed docs.html
var docsPage string

// docsPlugin is a plugin of Swagger UI, in JavaScript.
//
//go:embed docs.js
var docsPlugin string

// docs returns the handlers of the documentation page and of the files of Swagger UI, by path.
func docs() map[string]http.HandlerFunc {
	page := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", docsPolicy)
		_, _ = io.WriteString(w, strings.Replace(docsPage, "DOCS_PLUGIN", docsPlugin, 1))
	}
	const script = "text/javascript; charset=utf-8"
	return map[string]http.HandlerFunc{
		"/docs":                                 page,
		"/docs/":                                page,
		"/docs/swagger-ui.css":                  docsFile("swagger-ui.css.gz", "text/css; charset=utf-8"),
		"/docs/swagger-ui-bundle.js":            docsFile("swagger-ui-bundle.js.gz", script),
		"/docs/swagger-ui-standalone-preset.js": docsFile("swagger-ui-standalone-preset.js.gz", script),
		"/docs/favicon-16x16.png":               docsFile("favicon-16x16.png", "image/png"),
		"/docs/favicon-32x32.png":               docsFile("favicon-32x32.png", "image/png"),
	}
}

// docsFile serves a file of Swagger UI. The program holds the larger ones only in their compressed
// form.
func docsFile(name, mediaType string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		content, err := static.FS.ReadFile(name)
		tag, coding := tagOf(content), ""
		if strings.HasSuffix(name, ".gz") {
			coding = gzipName
		}
		if coding != "" && !acceptedEncodings(r.Header).gzip {
			content, err = unzip(content)
			tag, coding = tagOf(content), ""
		}
		if err != nil { // The files are part of the program.
			panic(err)
		}
		w.Header().Set("Content-Type", mediaType)
		w.Header().Set("Cache-Control", checkEachTime)
		w.Header().Set("Content-Security-Policy", docsPolicy)
		sendTagged(w, r, content, tag, coding)
	}
}

func unzip(content []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}
