package gateway

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/drmhub/drmhub/adapters/apierror"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

// readBody reads the request's body, refuses what the route does not take, and leaves the body to be read again. An empty body is an empty message.
func (rt *route) readBody(w http.ResponseWriter, r *http.Request, most int64) error {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return refused(http.StatusRequestEntityTooLarge, "the body is larger than %d bytes", tooLarge.Limit)
	}
	if err != nil {
		return apierror.Invalid("", "the body could not be read to its end")
	}
	r.Body = http.NoBody
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil
	}
	if err := checkMediaType(r.Header); err != nil {
		return err
	}
	if rt.body == nil {
		return apierror.Invalid("", "%s takes no body here; send parameters in the query", rt.method)
	}
	if err := protojson.Unmarshal(raw, rt.body.New().Interface()); err != nil {
		return explain(raw, rt.body.Descriptor(), err)
	}
	r.Body = io.NopCloser(bytes.NewReader(raw))
	return nil
}

// checkMediaType refuses bodies that are not plain JSON.
func checkMediaType(h http.Header) error {
	if encoding := h.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return refused(http.StatusUnsupportedMediaType, "send the body without a Content-Encoding")
	}
	media, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	charset := params["charset"]
	if err != nil || media != "application/json" || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return refused(http.StatusUnsupportedMediaType, "send the body as JSON in UTF-8, with Content-Type: application/json")
	}
	return nil
}

func refused(status int, format string, args ...any) error {
	return &httpError{status, apierror.New(codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID, format, args...)}
}
