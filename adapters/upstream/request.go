package upstream

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/secret"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// Request is one call of the vendor's API.
type Request struct {
	Method   string      // "" is GET
	Path     string      // from the root, escaped; see Path
	Query    url.Values  // sent sorted by name, spaces as %20
	RawQuery string      // instead of Query: sent as it is, without the "?"
	Header   http.Header // further headers; Accept is application/json unless it says otherwise
	Body     Body        // the zero Body is none
	Unsigned bool        // Sign is left out, for the call that gets the credentials
	// secrets that this request carries, in case the vendor repeats them in an error
	Secrets []secret.Text
}

// Path joins segments to an escaped path, so that an id with a slash stays one segment:
// Path("sites", "a/b") is "/sites/a%2Fb".
func Path(segments ...string) string {
	var b strings.Builder
	for _, s := range segments {
		b.WriteString("/" + url.PathEscape(s))
	}
	return b.String()
}

const userAgent = "drmhub" // unless a Request says otherwise

// build makes the HTTP request; its errors say that nothing was sent.
func (c *Client) build(ctx context.Context, req Request, write bool) (*http.Request, error) {
	u := *c.base
	path, err := url.PathUnescape(req.Path)
	if err != nil || !soundPath(req.Path) {
		return nil, apierror.New(codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID,
			`not sent: an id of this request cannot stand in the vendor's URL: it must not be empty, "." or ".."`)
	}
	u.Path, u.RawPath, u.RawQuery = path, req.Path, req.RawQuery
	if u.RawQuery == "" {
		// Encode writes a plus sign as %2B, so every "+" is a space
		u.RawQuery = strings.ReplaceAll(req.Query.Encode(), "+", "%20")
	}
	if req.Body.err != nil {
		return nil, apierror.New(codes.Internal, pb.ErrorReason_INTERNAL_FAILURE, "not sent: the body of %s %s could not be made", req.Method, u.EscapedPath())
	}
	r, err := http.NewRequestWithContext(ctx, req.Method, u.String(), nil)
	if err != nil || write && repeatable(r.Method) {
		return nil, apierror.New(codes.Internal, pb.ErrorReason_INTERNAL_FAILURE, "not sent: %q is no method to call a vendor with here", req.Method)
	}
	r.URL = &u // as composed, not as parsed again
	if req.Header != nil {
		r.Header = req.Header.Clone()
	}
	setDefault(r.Header, "Accept", "application/json")
	setDefault(r.Header, "User-Agent", userAgent)
	if req.Body.content != nil {
		setDefault(r.Header, "Content-Type", req.Body.contentType)
		r.ContentLength = int64(len(req.Body.content))
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(req.Body.content)), nil }
		r.Body, _ = r.GetBody()
	}
	return r, nil
}

func setDefault(h http.Header, name, value string) {
	if h.Get(name) == "" {
		h.Set(name, value)
	}
}

// soundPath reports whether a path names what it seems to: an empty segment would make an item's path
// its collection's, and a server may resolve dot segments to something else altogether.
func soundPath(path string) bool {
	rest, ok := strings.CutPrefix(path, "/")
	if !ok || strings.ContainsAny(rest, "?#") {
		return false
	}
	for segment := range strings.SplitSeq(rest, "/") {
		switch plain, err := url.PathUnescape(segment); {
		case err != nil, plain == "", plain == ".", plain == "..":
			return false
		}
	}
	return true
}

// repeatable reports whether net/http takes a method for one that it may send again by itself, on a
// connection that broke before the answer.
func repeatable(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return false
}

// sendOnce keeps net/http from repeating a write. It does so for the methods above, which a write
// never has, and for a request with an idempotency key, which it looks for under its canonical
// spelling alone; on the wire the spelling does not matter. What it still repeats is a request of
// which no byte was written, because the idle connection turned out to be closed.
func sendOnce(h http.Header) {
	for _, name := range []string{"Idempotency-Key", "X-Idempotency-Key"} {
		if v, ok := h[name]; ok {
			delete(h, name)
			h[strings.ToLower(name)] = v
		}
	}
}
