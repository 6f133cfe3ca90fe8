package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/telemetry"
)

// An httpError is an error whose HTTP status differs from the default of its code.
type httpError struct {
	status int
	err    *apierror.Error
}

func (e *httpError) Error() string { return e.err.Message }
func (e *httpError) Unwrap() error { return e.err }

// errorBody is the body of every failure (AIP-193).
type errorBody struct {
	Error struct {
		Code    int               `json:"code"`    // the HTTP status
		Status  string            `json:"status"`  // the canonical code, NOT_FOUND
		Message string            `json:"message"` // for people
		Details []json.RawMessage `json:"details"` // google.protobuf.Any, with "@type"
	} `json:"error"`
}

// shape returns the body of an error, with a newline at the end.
func shape(status int, e *apierror.Error) []byte {
	var body errorBody
	body.Error.Code = status
	body.Error.Status = code.Code(e.Code).String()
	body.Error.Message = e.Message
	body.Error.Details = []json.RawMessage{}
	for _, d := range e.GRPCStatus().Proto().GetDetails() {
		if text, err := protojson.Marshal(d); err == nil { // All types are known.
			body.Error.Details = append(body.Error.Details, text)
		}
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(body) // It holds strings and valid JSON, so this cannot fail.
	return out.Bytes()
}

// resolve returns the HTTP status of an error, and its public form.
func resolve(err error) (int, *apierror.Error) {
	e := apierror.Convert(err)
	if h, ok := errors.AsType[*httpError](err); ok {
		return h.status, e
	}
	return runtime.HTTPStatusFromCode(e.Code), e
}

// writeError writes an error as the response.
func writeError(w http.ResponseWriter, err error) {
	status, e := resolve(err)
	writeFailure(w, status, e, jsonType, shape(status, e))
}

// writeFailure writes the response to a request that failed.
func writeFailure(w http.ResponseWriter, status int, e *apierror.Error, mediaType string, body []byte) {
	h := w.Header()
	h.Del("Trailer")
	h.Del("Transfer-Encoding")
	h.Del("Content-Disposition")
	h.Set("Content-Type", mediaType)
	h.Set("Cache-Control", "no-store")
	if status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", "Bearer")
	}
	if e.RetryAfter > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64(math.Ceil(e.RetryAfter.Seconds())), 10))
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // An error here means that the client has left.
}

// fail writes the error of a call that no service has got.
func fail(ctx context.Context, w http.ResponseWriter, err error) {
	telemetry.Fail(ctx, err)
	writeError(w, err)
}

// unrouted refuses what no route takes.
func (g *gateway) unrouted(w http.ResponseWriter, r *http.Request, method, path string) {
	if strings.HasPrefix(path, apiPaths) { // What the API has is for callers.
		ctx := telemetry.BeginREST(withPeer(r), "", "")
		known, err := g.identified(ctx, r, method+" "+path)
		if err != nil {
			fail(ctx, w, err)
			return
		}
		telemetry.Fail(known, g.noSuchPath(path))
	}
	if allowed := g.routes.allowed(path); len(allowed) > 0 && !g.routes.isVerb(method, path) {
		wrongMethod(w, path, method, allowed...)
		return
	}
	writeError(w, g.noSuchPath(path))
}

// noSuchPath returns the error of a path that nothing takes.
func (g *gateway) noSuchPath(path string) error {
	if shorter := strings.TrimRight(path, "/"); shorter != path {
		if _, page := g.pages[shorter]; page || len(g.routes.allowed(shorter)) > 0 {
			return apierror.New(codes.NotFound, pb.ErrorReason_METHOD_UNKNOWN,
				"there is nothing at %s: leave out the slash at the end, %s", quote(path), quote(shorter))
		}
	}
	return apierror.New(codes.NotFound, pb.ErrorReason_METHOD_UNKNOWN,
		"there is nothing at %s: /openapi.json lists every path, and an id in a path is percent-encoded", quote(path))
}

// wrongMethod writes status 405, with the HTTP methods that the path takes.
func wrongMethod(w http.ResponseWriter, path, method string, allowed ...string) {
	takes := strings.Join(allowed, ", ")
	w.Header().Set("Allow", takes)
	err := apierror.New(codes.Unimplemented, pb.ErrorReason_METHOD_UNKNOWN,
		"%s takes %s, not %s", quote(path), takes, quote(method))
	writeError(w, &httpError{http.StatusMethodNotAllowed, err})
}

// maxQuote bounds, in bytes, how much of the caller's text a message repeats.
const maxQuote = 200

// quote returns text of the caller in a form that fits into a message.
func quote(s string) string {
	if len(s) > maxQuote {
		s = strings.ToValidUTF8(s[:maxQuote], "") + "…"
	}
	return apierror.VendorText(s)
}
