package gateway

import (
	"context"
	"net/http"

	"github.com/drmhub/drmhub/server/internal/auth"
)

// identified returns the context with the caller. A caller is identified before its request is
// read, so that strangers cost little.
func (g *gateway) identified(ctx context.Context, r *http.Request, method string) (context.Context, error) {
	if g.identify == nil {
		return ctx, nil
	}
	known := ctx
	if values := r.Header.Values("Authorization"); len(values) > 0 {
		known = auth.WithAuthorization(known, values)
	}
	if i, ok := g.sessions.Identity(r); ok {
		known = auth.WithSession(known, i)
	}
	c, err := g.identify(known, method)
	if err != nil {
		return ctx, err
	}
	return auth.WithCaller(ctx, c), nil
}

// servePage serves a page beside the API. Health needs no identity.
func (g *gateway) servePage(w http.ResponseWriter, r *http.Request, path string, page http.HandlerFunc) {
	if g.privateDocs != nil && g.privateDocs() && !isHealth(path) {
		if _, err := g.identified(withPeer(r), r, r.Method+" "+path); err != nil {
			writeError(w, err)
			return
		}
	}
	page(w, r)
}

// isHealth reports whether a path says how the server is.
func isHealth(path string) bool { return path == "/healthz" || path == "/livez" || path == "/readyz" }
