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
	if i, ok := g.sessions.Identity(r); ok {
		ctx = auth.WithSession(ctx, i)
	}
	c, err := g.identify(ctx, method)
	if err != nil {
		return nil, err
	}
	return r.WithContext(auth.WithCaller(r.Context(), c)), nil
}

// admitted returns a request whose caller may make this call now. A caller who calls too fast is refused
// before the request is read.
func (g *gateway) admitted(r *http.Request, method, parent string) (*http.Request, error) {
	if g.admit == nil {
		return r, nil
	}
	ctx, err := g.admit(r.Context(), method, parent)
	if err != nil {
		return nil, err
	}
	return r.WithContext(ctx), nil
}

// servePage serves a page beside the API. Health needs no identity.
func (g *gateway) servePage(w http.ResponseWriter, r *http.Request, path string, page http.HandlerFunc) {
	if g.privateDocs != nil && g.privateDocs() && !isHealth(path) {
		if _, err := g.identified(r.WithContext(withPeer(r)), r.Method+" "+path); err != nil {
			writeError(w, err)
			return
		}
	}
	page(w, r)
}

// isHealth reports whether a path says how the server is.
func isHealth(path string) bool { return path == "/healthz" || path == "/livez" || path == "/readyz" }
