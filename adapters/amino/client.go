package amino

import (
	"context"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/drmhub/drmhub/adapters/apierror"
	"github.com/drmhub/drmhub/adapters/mutation"
	"github.com/drmhub/drmhub/adapters/upstream"
	pb "github.com/drmhub/drmhub/gen/drmhub/v1"
)

const base = "/api/license/management/v4"

// The paths of the management calls.
const (
	productsPath = base + "/products"
	licensesPath = base + "/licenses"
)

func productPath(id string) string { return productsPath + upstream.Path(id) }

func licensePath(id string) string { return licensesPath + upstream.Path(id) }

func userLicensesPath(user string) string { return base + upstream.Path("users", user, "licenses") }

func (a *Adapter) header() http.Header { return http.Header{"Accept": {a.config.ContentType}} }

// rows returns a part of a list.
func rows[Row identified](ctx context.Context, a *Adapter, path string, offset, limit int) ([]Row, error) {
	var answer listDocument[Row]
	fixed := path == productsPath || path == licensesPath
	res, err := a.vendor.Read(ctx, upstream.Request{Path: path, Fixed: fixed, Header: a.header(), Query: url.Values{
		a.config.OffsetParameter: {strconv.Itoa(offset)},
		a.config.LimitParameter:  {strconv.Itoa(limit)},
	}}, &answer)
	if err != nil {
		return nil, err
	}
	contradiction := func(text string) error {
		return res.Complete(apierror.New(codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID,
			"AminoTV sent a response to GET %s that drmhub cannot use: %s", path, text))
	}
	if answer.Data == nil {
		return nil, contradiction("a list must have data; check base_url")
	}
	for _, row := range *answer.Data {
		if row.id() == "" {
			return nil, contradiction("a row has no id")
		}
	}
	return *answer.Data, nil
}

// one returns one resource.
func one[Row identified](ctx context.Context, a *Adapter, path string) (Row, error) {
	var answer document[Row]
	res, err := a.vendor.Read(ctx, upstream.Request{Path: path, Header: a.header()}, &answer)
	if err == nil && (!answer.one || answer.Data.id() == "") {
		err = res.Complete(apierror.New(codes.Internal, pb.ErrorReason_VENDOR_RESPONSE_INVALID,
			"AminoTV sent a response to GET %s that drmhub cannot use: it lacks one resource with an id", path))
	}
	return answer.Data, err
}

// create posts a resource and returns what AminoTV made of it.
func create[Row identified](ctx context.Context, a *Adapter, path string, row Row) (Row, error) {
	var answer document[Row]
	req := upstream.Request{Method: http.MethodPost, Path: path, Header: a.header(), Body: a.body(row)}
	res, err := a.vendor.Write(ctx, req, &answer)
	if err == nil && (!answer.one || answer.Data.id() == "") {
		err = res.Complete(apierror.OutcomeUnknown("Outcome unknown: AminoTV reported success to POST %s "+
			"without one resource with an id"+mutation.RetryAdvice, path))
	}
	return answer.Data, err
}

// change makes a write whose response has no needed body: a DELETE has none, and that of a PATCH is
// not documented.
func (a *Adapter) change(ctx context.Context, req upstream.Request) error {
	req.Header = a.header()
	res, err := a.vendor.Write(ctx, req, nil)
	if err != nil {
		return err
	}
	// A proxy in front of AminoTV may have sent this.
	if kind := res.Header.Get("Content-Type"); kind != "" && !isJSON(kind) {
		return res.Complete(apierror.OutcomeUnknown("Outcome unknown: AminoTV reported success to %s %s, but in %s"+
			mutation.RetryAdvice, req.Method, req.Path, kind))
	}
	// A success with a body may come from a proxy too.
	if req.Method == http.MethodDelete && res.Status != http.StatusNoContent {
		_, err := a.vendor.Read(ctx, upstream.Request{Path: req.Path, Header: a.header()}, nil)
		if apierror.Convert(err).Code != codes.NotFound {
			return res.Complete(apierror.OutcomeUnknown("Outcome unknown: AminoTV returned HTTP %d to DELETE %s, "+
				"and the resource is still there or cannot be read"+mutation.RetryAdvice, res.Status, req.Path))
		}
	}
	return nil
}

func (a *Adapter) body(data any) upstream.Body {
	return upstream.JSON(map[string]any{"data": data}).As(a.config.ContentType)
}

func isJSON(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && (kind == "application/json" || strings.HasSuffix(kind, "+json"))
}
