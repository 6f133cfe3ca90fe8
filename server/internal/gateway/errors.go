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
)

// httpError is an error whose HTTP status says more than the usual one of its code.
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

// shape makes the body of an error, ending in a newline.
func shape(status int, e *apierror.Error) []byte {
	var body errorBody
	body.Error.Code = status
	body.Error.Status = code.Code(e.Code).String()
	body.Error.Message = e.Message
	body.Error.Details = []json.RawMessage{}
	for _, d := range e.GRPCStatus().Proto().GetDetails() {
		if text, err := protojson.Marshal(d); err == nil { // they are all of known types
			body.Error.Details = append(body.Error.Details, text)
		}
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(body) // strings and valid JSON cannot fail
	return out.Bytes()
}

// resolve finds the HTTP status of an error.
func resolve(err error) (int, *apierror.Error) {
	e := apierror.Convert(err)
	if h, ok := errors.AsType[*httpError](err); ok {
		return h.status, e
	}
	return runtime.HTTPStatusFromCode(e.Code), e
}

// writeError answers a failure.
func writeError(w http.ResponseWriter, err error) {
	status, e := resolve(err)
	h := w.Header()
	h.Del("Trailer")
	h.Del("Transfer-Encoding")
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	if status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", "Bearer")
	}
	if e.RetryAfter > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64(math.Ceil(e.RetryAfter.Seconds())), 10))
	}
	body := shape(status, e)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that has gone away needs no answer
}

// callFailed answers what a call failed with; it is grpc-gateway's error handler.
func callFailed(ctx context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, _ *http.Request, err error) {
	_ = answerHeaders(ctx, w, nil) // never fails
	writeError(w, err)
}

// unrouted answers what no route takes; it is grpc-gateway's routing error handler.
func (g *gateway) unrouted(_ context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, r *http.Request, httpStatus int) {
	path := r.URL.Path // escaped, see there
	if allowed := g.routes.allowed(path); httpStatus == http.StatusMethodNotAllowed && len(allowed) > 0 {
		wrongMethod(w, path, r.Method, allowed...)
		return
	}
	writeError(w, noSuchPath(path))
}

func noSuchPath(path string) error {
	return apierror.New(codes.NotFound, pb.ErrorReason_METHOD_UNKNOWN,
		"there is nothing at %s; /openapi.json lists every path, and an id in a path is percent-encoded", quote(path))
}

// wrongMethod answers 405, with the header that names what the path takes.
func wrongMethod(w http.ResponseWriter, path, method string, allowed ...string) {
	takes := strings.Join(allowed, ", ")
	w.Header().Set("Allow", takes)
	writeError(w, &httpError{http.StatusMethodNotAllowed,
		apierror.New(codes.Unimplemented, pb.ErrorReason_METHOD_UNKNOWN, "%s takes %s, not %s", quote(path), takes, quote(method))})
}

// longestQuote bounds, in bytes, how much of what the caller sent a message repeats.
const longestQuote = 200

// quote makes a word of the caller's fit for a message.
func quote(s string) string {
	if len(s) > longestQuote {
		s = strings.ToValidUTF8(s[:longestQuote], "") + "…"
	}
	return apierror.VendorText(s)
}
