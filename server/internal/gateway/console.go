package gateway

import (
	"net/http"
	"net/url"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/console"
	"github.com/drmhub/drmhub/server/internal/telemetry"
)

// anyConsole is the route of all paths of the console in the metric of requests.
const anyConsole = console.Root + "*"

// forAYear lets browsers and proxies keep a file whose name changes with its content.
const forAYear = "public, max-age=31536000, immutable"

// consoleFiles returns the handlers of the console's files, by name.
func consoleFiles() map[string]http.HandlerFunc {
	all := map[string]http.HandlerFunc{}
	for name, file := range console.Files() {
		caching := checkEachTime
		if file.Fixed {
			caching = forAYear
		}
		all[name] = document(file.Content, file.Type, caching)
	}
	return all
}

// isConsole reports whether a path belongs to the console.
func isConsole(path string) bool {
	return strings.HasPrefix(path, console.Root) || path+"/" == console.Root
}

// serveConsole serves a file of the console. The files need no identity: they hold no data, and a
// person logs in with them.
func (g *gateway) serveConsole(w http.ResponseWriter, r *http.Request) {
	telemetry.SetRoute(r.Context(), anyConsole)
	readOnly(r.URL.EscapedPath(), func(w http.ResponseWriter, r *http.Request) {
		path, below := strings.CutPrefix(r.URL.Path, console.Root)
		if !below {
			to := url.URL{Path: console.Root, RawQuery: r.URL.RawQuery}
			http.Redirect(w, r, to.String(), http.StatusPermanentRedirect)
			return
		}
		name := console.NameOf(path, func(name string) bool { return g.console[name] != nil })
		file := g.console[name]
		if file == nil {
			writeError(w, apierror.New(codes.NotFound, pb.ErrorReason_METHOD_UNKNOWN,
				"the console has no file %s: reload its page, which can be of another version", quote(name)))
			return
		}
		console.SetHeaders(w.Header())
		file(w, r)
	})(w, r)
}
