package gateway

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/names"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
	"github.com/drmhub/drmhub/server/internal/webguard"
)

// readBody reads the request's body, and refuses what the route does not take. It returns the
// body's message, or nil for an empty body, and the mask that the body implies.
func (rt *route) readBody(
	w http.ResponseWriter, r *http.Request, params params, maxBody int64, s *spelling,
) (body protoreflect.Message, implied []string, err error) {
	raw, err := readAll(w, r, maxBody)
	if err != nil {
		return nil, nil, err
	}
	if raw, err = decoded(w, r.Header, raw, maxBody); err != nil {
		return nil, nil, err
	}
	empty := len(bytes.TrimSpace(raw)) == 0
	if rt.HTTP.Method == http.MethodGet && empty || empty && r.Header.Get("Content-Type") == "" {
		return nil, nil, nil
	}
	// An empty body of another type is refused too: it is what a form of a web page sends.
	if err := checkMediaType(r.Header); err != nil || empty {
		return nil, nil, err
	}
	if rt.body == nil {
		return nil, nil, apierror.Invalid("", "%s takes no body here: send parameters in the query", rt.HTTP.Method)
	}
	if err := checkLists(raw); err != nil {
		return nil, nil, err
	}
	body = rt.body.New()
	if err := protojson.Unmarshal(raw, body.Interface()); err != nil {
		return nil, nil, rt.explain(raw, err)
	}
	if err := rt.checkBodyNames(body, params); err != nil {
		return nil, nil, err
	}
	s.body = raw
	return body, rt.impliedMask(raw, body), nil
}

// readAll returns the bytes of a request's body.
func readAll(w http.ResponseWriter, r *http.Request, maxBody int64) ([]byte, error) {
	if r.Body == http.NoBody {
		return nil, nil
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, errTooLarge(tooLarge.Limit)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, refused(http.StatusRequestTimeout, "the body took too long: nothing was done")
	}
	if own, ok := errors.AsType[*apierror.Error](err); ok {
		return nil, own
	}
	if err != nil {
		return nil, apierror.Invalid("", "the body ends too early")
	}
	return raw, nil
}

// decoded undoes the coding of a body. maxBody bounds the result, too: a few bytes can become a
// thousand times as many.
func decoded(w http.ResponseWriter, h http.Header, raw []byte, maxBody int64) ([]byte, error) {
	switch coding := strings.ToLower(strings.Join(h.Values("Content-Encoding"), ",")); {
	case len(raw) == 0, coding == "", coding == "identity":
		return raw, nil
	case coding != gzipName && coding != "x-gzip":
		w.Header().Set("Accept-Encoding", gzipName)
		return nil, refused(http.StatusUnsupportedMediaType,
			"drmhub cannot decode the body: send it without a Content-Encoding, or as gzip")
	}
	content, err := gzip.NewReader(bytes.NewReader(raw))
	if err == nil {
		raw, err = io.ReadAll(io.LimitReader(content, maxBody+1))
	}
	switch {
	case err != nil:
		return nil, apierror.Invalid("", "the body is not valid gzip, as its Content-Encoding says")
	case int64(len(raw)) > maxBody:
		return nil, errTooLarge(maxBody)
	}
	return raw, nil
}

func errTooLarge(limit int64) error {
	return refused(http.StatusRequestEntityTooLarge, "the body is larger than %d bytes", limit)
}

// checkBodyNames refuses a body that names another resource than the path. Otherwise the call would
// change the resource in the path, which the caller may not mean.
func (rt *route) checkBodyNames(body protoreflect.Message, params params) error {
	for _, path := range rt.HTTP.Fields {
		name, within := path, true
		if rt.HTTP.Body != "*" {
			name, within = strings.CutPrefix(path, rt.HTTP.Body+".")
		}
		if !within {
			continue
		}
		said := body.Get(body.Descriptor().Fields().ByName(protoreflect.Name(name))).String()
		if said != "" && !sameName(said, params.of(path)) {
			return apierror.Invalid(name,
				"the body says %s, but the path says %s: send the same, or leave it out of the body",
				quote(said), quote(params.of(path)))
		}
	}
	return nil
}

// sameName reports whether two names are the same, regardless of their escapes.
func sameName(a, b string) bool {
	inA, errA := names.Canonical(a)
	inB, errB := names.Canonical(b)
	return a == b || errA == nil && errB == nil && inA == inB
}

// checkMediaType refuses a body that is not plain JSON.
func checkMediaType(h http.Header) error {
	if !webguard.IsJSON(h) {
		return refused(http.StatusUnsupportedMediaType,
			"send the body as JSON in UTF-8, with Content-Type: application/json")
	}
	return nil
}

func refused(status int, format string, args ...any) error {
	return &httpError{status, apierror.New(codes.InvalidArgument, pb.ErrorReason_REQUEST_INVALID, format, args...)}
}
