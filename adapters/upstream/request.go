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
	"github.com/drmhub/drmhub/adapters/upstream/shape"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// A Request is one call of the vendor's API.
type Request struct {
	Method   string      // "" means GET
	Path     string      // from the root, escaped; see Path
	Query    url.Values  // sent sorted by name, with spaces as %20
	RawQuery string      // replaces Query; sent unchanged, without the "?"
	Header   http.Header // further headers; Accept defaults to application/json
	Body     Body        // the zero Body means no body
	Unsigned bool        // skips Sign, for the call that gets the credentials
	Fixed    bool        // the request names no resource, so a 404 of a read is due to base_url
	// the secrets in this request, which the vendor may repeat in an error
	Secrets []secret.Text
	Shape   *shape.Shape // what the documents say about the response; nil: nothing
}

// Path returns the escaped path of segments. An id with a slash stays one segment:
// Path("sites", "a/b") is "/sites/a%2Fb".
func Path(segments ...string) string {
	var b strings.Builder
	for _, s := range segments {
		b.WriteString("/" + url.PathEscape(s))
	}
	return b.String()
}

const userAgent = "drmhub" // unless a Request says otherwise

// build returns the HTTP request. Its errors say that nothing was sent.
func (c *Client) build(ctx context.Context, req Request, write bool) (*http.Request, error) {
	u := *c.base
	path, err := url.PathUnescape(req.Path)
	if err != nil || !soundPath(req.Path) {
		return nil, apierror.New(codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID,
			`not sent: an id in the request cannot be part of the vendor's URL: it must not be empty, "." or ".."`)
	}
	u.Path, u.RawPath, u.RawQuery = path, req.Path, req.RawQuery
	if u.RawQuery == "" {
		// Encode writes a plus sign as %2B, so every "+" is a space
		u.RawQuery = strings.ReplaceAll(req.Query.Encode(), "+", "%20")
	}
	if req.Body.err != nil {
		return nil, apierror.New(codes.Internal, pb.ErrorReason_INTERNAL_FAILURE,
			"not sent: the body of %s %s could not be encoded", req.Method, u.EscapedPath())
	}
	// The URL is known, so it is not parsed again.
	r, err := http.NewRequestWithContext(ctx, req.Method, "", nil)
	if err != nil || write && repeatable(r.Method) {
		return nil, apierror.New(codes.Internal, pb.ErrorReason_INTERNAL_FAILURE,
			"not sent: the method %q cannot be used for this call", req.Method)
	}
	r.URL, r.Host = &u, c.host
	if req.Header != nil {
		r.Header = req.Header.Clone()
	}
	setDefault(r.Header, "Accept", plainJSON)
	setDefault(r.Header, "User-Agent", asDrmhub)
	if req.Body.content != nil {
		setDefault(r.Header, "Content-Type", []string{req.Body.contentType})
		r.ContentLength = int64(len(req.Body.content))
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(req.Body.content)), nil }
		r.Body, _ = r.GetBody()
	}
	return r, nil
}

// The values of headers that most requests have. Nobody changes them.
var (
	plainJSON = []string{"application/json"}
	onlyGzip  = []string{"gzip"}
	asDrmhub  = []string{userAgent}
)

// setDefault sets a header, by its canonical name, unless it has a value.
func setDefault(h http.Header, name string, value []string) {
	if values := h[name]; len(values) == 0 || values[0] == "" {
		h[name] = value
	}
}

// soundPath reports whether a path names the resource that it seems to name. An empty segment would
// name the collection instead of an item. A server may resolve dot segments to another path.
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

// repeatable reports whether net/http may resend a request of this method without being asked. It
// does so if the connection broke before the response.
func repeatable(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return false
}

// sendOnce keeps net/http from repeating a write. net/http repeats the methods of repeatable, which
// a write never has. It also repeats a request with an idempotency key, which it finds only under
// its canonical name. Servers ignore the case of the name. net/http still repeats a request if no
// byte was written, because the idle connection was already closed.
func sendOnce(h http.Header) {
	for _, name := range []string{"Idempotency-Key", "X-Idempotency-Key"} {
		if v, ok := h[name]; ok {
			delete(h, name)
			h[strings.ToLower(name)] = v
		}
	}
}
