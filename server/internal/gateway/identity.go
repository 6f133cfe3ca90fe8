package gateway

import (
	"net/http"

	"google.golang.org/grpc/metadata"

	"github.com/drmhub/drmhub/server/internal/auth"
)

// identified returns a request whose context has the caller. A caller is identified before its request is
// read, so that strangers cost little.
func (g *gateway) identified(r *http.Request, method string) (*http.Request, error) {
	if g.identify == nil {
		return r, nil
	}
	ctx := r.Context()
	if values := r.Header.Values("Authorization"); len(values) > 0 {
		ctx = metadata.NewIncomingContext(ctx, metadata.MD{"authorization": values})
	}
	c, err := g.identify(ctx, method)
	if err != nil {
		return nil, err
	}
	return r.WithContext(auth.WithCaller(r.Context(), c)), nil
}

// servePage serves a page beside the API. Health needs no identity.
func (g *gateway) servePage(w http.ResponseWriter, r *http.Request, path string, page http.HandlerFunc) {
	if g.privateDocs && !isHealth(path) {
		if _, err := g.identified(r.WithContext(withPeer(r)), r.Method+" "+path); err != nil {
			writeError(w, err)
			return
		}
	}
	page(w, r)
}

// isHealth reports whether a path says how the server is.
func isHealth(path string) bool { return path == "/healthz" || path == "/livez" || path == "/readyz" }
